"""What tests of preparation share."""

from collections.abc import Sequence
from typing import Any

import pytest

from mcp_server.vectors.embedder import Embedder


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are really embedded, in the order of embedding."""
    texts: list[str] = []
    embed = Embedder.embed

    def note_and_embed(self: Embedder, given: Sequence[str], *rest: Any) -> Any:
        texts.extend(given)
        return embed(self, given, *rest)

    monkeypatch.setattr(Embedder, "embed", note_and_embed)
    return texts
