"""Which texts are embedded, and what is said about it beforehand."""

from pathlib import Path

import pytest

from mcp_server.dataset.search import SearchSpec
from mcp_server.preparation import embedding
from mcp_server.preparation.embedding import SearchIndex
from mcp_server.settings import Settings
from mcp_server.state.open_state import OpenState
from mcp_server.vectors.embedder import BUNDLED, Embedder
from mcp_server.vectors.embedding_cache import EmbeddingCache
from mcp_server.vectors.texts import ItemText, text_digest

N_ITEMS = 30


def _texts() -> list[ItemText]:
    found = []
    for item in range(N_ITEMS):
        sentences = [f"Item {item} has a first sentence.", f"And item {item} has a second one."]
        whole = " ".join(sentences)
        found.append(ItemText(item, whole, sentences, f"Thing {item}.", whole, [text_digest(whole)]))
    return found


def _index(tmp_path: Path, **search: object) -> SearchIndex:
    spec = SearchSpec.model_validate({"texts": ["story"], **search})
    return SearchIndex(OpenState(Settings(_env_file=None, state=tmp_path)), spec, _texts(), BUNDLED)


def _choose(tmp_path: Path, **search: object) -> tuple[str, list[str]]:
    """The name of the part, and what is said."""
    sentences: list[str] = []
    index = _index(tmp_path, **search)
    index.keep_to_budget(sentences.append)
    return index.name, sentences


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few texts count as so many that they are worth an estimate."""
    monkeypatch.setattr(embedding, "FEW_TEXTS", 10)


@pytest.fixture
def whole_only(tmp_path: Path) -> str:
    return _choose(tmp_path, sentences=False)[0]


@pytest.fixture
def with_sentences(tmp_path: Path) -> str:
    return _choose(tmp_path, sentences=True)[0]


def test_the_choice_is_part_of_the_name(whole_only: str, with_sentences: str) -> None:
    assert whole_only != with_sentences


def test_few_texts_are_embedded_without_an_estimate(tmp_path: Path, with_sentences: str) -> None:
    assert _choose(tmp_path) == (with_sentences, [])


@pytest.mark.usefixtures("many")
def test_what_fits_the_budget_is_embedded_and_announced(tmp_path: Path, with_sentences: str) -> None:
    assert _choose(tmp_path) == (with_sentences, [f"embedding {4 * N_ITEMS} texts takes about 1 min"])


@pytest.mark.usefixtures("many")
def test_beyond_the_budget_whole_texts_are_embedded_alone(
    tmp_path: Path, whole_only: str, with_sentences: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "BUDGET_MINUTES", 0.0001)  # 6 ms
    name, (said,) = _choose(tmp_path)
    assert name == whole_only
    assert said.startswith(
        f"embedding whole texts and profiles only: with each sentence on its own, {4 * N_ITEMS} texts would take"
    )
    assert _choose(tmp_path, sentences=True) == (with_sentences, [])


@pytest.mark.usefixtures("many")
def test_texts_that_have_been_embedded_before_cost_nothing(
    tmp_path: Path, with_sentences: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "BUDGET_MINUTES", 0.0001)
    pieces = [piece for text in _texts() for piece in (text.whole, text.profile, *text.sentences)]
    with EmbeddingCache(tmp_path / "embeddings.sqlite") as cache:
        cache.embed(Embedder(BUNDLED, tmp_path), pieces, lambda count: None)
        assert cache.missing(BUNDLED, [*pieces, "another"]) == ["another"]
        assert cache.missing("another-model", pieces) == pieces
    assert _choose(tmp_path) == (with_sentences, [])
