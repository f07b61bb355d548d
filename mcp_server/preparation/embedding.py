"""The part of a state that search reads: which texts are embedded, their vectors, and the store of them."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mcp_server.dataset.search import SearchSpec
from mcp_server.preparation.progress_bars import Progress
from mcp_server.state.folder import MODELS_FOLDER
from mcp_server.state.folder_parts import StoreContents
from mcp_server.state.manifest import fingerprint
from mcp_server.state.open_state import OpenState
from mcp_server.types import FloatArray
from mcp_server.vectors.embedder import Embedder
from mcp_server.vectors.embedding_cache import EmbeddingCache
from mcp_server.vectors.store import Point
from mcp_server.vectors.texts import ItemText
from mcp_server.vectors.words import Bm25Indexer

INDEX_VERSION = 3
"""A number in the fingerprint of vectors. Raise it when the embedded texts change."""

BUDGET_MINUTES = 10
"""Time that embedding may take for sentences to have vectors of their own, where the dataset leaves it open."""

FEW_TEXTS = 1_000
"""Number of texts that are embedded without an estimate, because they take less than the budget on any machine."""

SAMPLE = 64
"""Number of texts by which the speed of the embedding model is measured."""


EMBEDDINGS_FILE = "embeddings.sqlite"
"""Name of the cache of vectors in a state folder."""


def vectors_of_items(folder: Path, embedding_model: str, texts: Sequence[ItemText], n_items: int) -> FloatArray | None:
    """Vectors of whole texts that have been embedded for search: (n_items, dimension), 0 where there is none.

    Args:
        folder: The state folder.

    Returns:
        None where no text has been embedded.
    """
    if not texts or not (folder / EMBEDDINGS_FILE).exists():
        return None
    with EmbeddingCache(folder / EMBEDDINGS_FILE) as cache:
        known = cache.known(embedding_model, [text.whole for text in texts])
    if not known:
        return None
    found = np.zeros((n_items, len(next(iter(known.values())))), dtype=np.float32)
    for text in texts:
        if text.whole in known:
            found[text.item] = known[text.whole]
    return found


class SearchIndex:
    """The vector store of a dataset, which is to be made.

    Args:
        texts: The texts of every item that has any.
    """

    def __init__(self, state: OpenState, search: SearchSpec, texts: list[ItemText], embedding_model: str) -> None:
        folder = state.folder.folder
        self._state, self._search, self._texts = state, search, texts
        self._embedder = Embedder(embedding_model, folder / MODELS_FOLDER)
        self._cache_file: Path = folder / EMBEDDINGS_FILE

    def keep_to_budget(self, say: Callable[[str], None]) -> None:
        """Leave sentences without vectors of their own, if the dataset or the budget asks for it.

        Args:
            say: Called with a sentence about the choice, where embedding takes long.
        """
        sentences = self._search.sentences
        if sentences == "auto":
            minutes = self._estimated_minutes(say)
            sentences = minutes is None or minutes < BUDGET_MINUTES
        if not sentences:
            self._texts = [text.without_sentences() for text in self._texts]

    def _estimated_minutes(self, say: Callable[[str], None]) -> float | None:
        """Time that embedding all texts takes, in minutes; None where there are few."""
        with EmbeddingCache(self._cache_file) as cache:
            missing = cache.missing(self._embedder.model, self._pieces)
        if len(missing) <= FEW_TEXTS:
            return None
        minutes = len(missing) * self._seconds_each(missing) / 60
        takes = f"about {max(minutes, 1):.0f} min"
        if minutes < BUDGET_MINUTES:
            say(f"embedding {len(missing):,} texts takes {takes}")
        else:
            say(
                f"embedding whole texts and profiles only: with each sentence on its own, {len(missing):,} texts would "
                f"take {takes}, and search: {{sentences: auto}} allows {BUDGET_MINUTES}"
            )
        return minutes

    def _seconds_each(self, texts: Sequence[str]) -> float:
        by_length = sorted(texts, key=len)
        sample = [by_length[position] for position in np.linspace(0, len(texts) - 1, SAMPLE).astype(int)]
        self._embedder.load()
        started = time.perf_counter()
        self._embedder.embed(sample)
        return (time.perf_counter() - started) / SAMPLE

    @property
    def _pieces(self) -> list[str]:
        return list(dict.fromkeys(piece for text in self._texts for piece in text.pieces))

    @property
    def name(self) -> str:
        """Name of the part. It depends on all texts, and on whether sentences have vectors of their own."""
        content = fingerprint([vars(text) for text in self._texts])
        return f"vectors-{fingerprint(content, self._embedder.model, self._search.language, INDEX_VERSION)}"

    def make(self, name: str, progress: Progress) -> None:
        """Embed the texts, and make the part."""
        indexer, pieces = Bm25Indexer(self._search.language), self._pieces
        with progress.step("Embedding texts", len(pieces)) as step, EmbeddingCache(self._cache_file) as cache:
            vectors = cache.embed(self._embedder, pieces, step.advance)
        points = (_point(text, vectors, indexer) for text in self._texts)
        n_points, dimension = len(self._texts), len(next(iter(vectors.values())))
        with progress.step("Indexing vectors", n_points) as step:
            contents = StoreContents(points, n_points, dimension, self._embedder.model)
            self._state.vectors.make_vectors(name, contents, step.advance)


def _point(text: ItemText, vectors: dict[str, FloatArray], indexer: Bm25Indexer) -> Point:
    return Point(
        text.item,
        vectors[text.whole],
        np.stack([vectors[sentence] for sentence in text.sentences]),
        vectors[text.profile],
        indexer.document(text.words),
        text.digests,
    )
