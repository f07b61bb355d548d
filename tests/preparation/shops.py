"""Shops of one's own in a state folder, for tests of preparing again."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.dataset.spec import ModelSpec
from mcp_server.preparation.prepare import Outcome, Wish
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from tests.names import HISTORY, RECOMMEND, SEARCH
from tests.names import ITEM as METADATA


@dataclass(frozen=True)
class Prepared:
    """A dataset of one's own to change, and its state."""

    dataset: Path
    settings: Settings

    @property
    def state(self) -> StateFolder:
        return StateFolder(self.settings.state_folder)

    @property
    def part_names(self) -> set[str]:
        return {part.name for part in (self.settings.state_folder / "parts").iterdir()}

    def change(self, file: str, old: str, new: str) -> None:
        path = self.dataset / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")

    def add(self, file: str, line: str) -> None:
        with (self.dataset / file).open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")

    def prepare(self, wish: Wish | None = None) -> Outcome:
        return prepare_with_progress(self.settings, Console(stderr=True), wish)

    def train(self, model: str | None) -> Outcome:
        """As the command `train` does."""
        return self.prepare(Wish(None if model is None else ModelSpec(name=model), keep=False, retrain="always"))


@contextlib.asynccontextmanager
async def served(prepared: Prepared) -> AsyncIterator[Service]:
    """A newly started service."""
    service = Service(prepared.settings, prepare_if_needed=False)
    try:
        yield service
    finally:
        await service.close()


async def answers(prepared: Prepared) -> list[dict[str, Any]]:
    """What a newly started service says."""
    async with served(prepared) as service:
        return await ask(service)


async def ask(service: Service) -> list[dict[str, Any]]:
    return [
        await service.call(RECOMMEND, {"user": "anna", "k": 20, "reasons": True, "detail": "full"}),
        await service.call(SEARCH, {"query": "something to play with", "k": 20}),
        await service.call(METADATA, {"items": ["TOY-02", "KIT-01"], "get": ["materials", "price", "stock"]}),
        await service.call(HISTORY, {"user": "ben"}),
        await service.call("get_popular_items_tool", {}),
    ]
