"""What a vector store holds and answers. Points are items, by position; nothing here knows of MCP or SQL.

A point has a dense vector of the whole text ("text"), one of each sentence ("sentences", compared by the best
match), a sparse vector of words with BM25 weights ("words"), and the digests of its texts as payload. A query
asks all three, and reciprocal rank fusion (Cormack, Clarke and Büttcher 2009) makes one ranking of theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mcp_server.dataset.records import FloatArray

RRF_K = 20
"""Fusion constant. Of 2, 10, 20 and 60 the best for first places on 120 plot descriptions."""

PREFETCH = 100
"""Candidates of each of the three rankings, at least."""

TYPICAL_WORDS = 70.0
"""Length of a document that BM25 takes as usual; this store's texts are short."""


@dataclass(frozen=True)
class Words:
    """A sparse vector: what BM25 knows of a text."""

    indices: Sequence[int]
    values: Sequence[float]


@dataclass(frozen=True)
class Point:
    """An item to be stored."""

    item: int
    text: FloatArray
    """(dimension,)"""
    sentences: FloatArray
    """(n_sentences, dimension)"""
    words: Words
    digests: Sequence[str]


@dataclass(frozen=True)
class HybridQuery:
    """The three forms of what is sought."""

    text: Sequence[float]
    sentences: Sequence[Sequence[float]]
    words: Words


@dataclass(frozen=True)
class Hit:
    """An item found."""

    item: int
    score: float
    """Of the fusion: comparable within one answer only."""
    digests: Sequence[str]


class WordIndexer(Protocol):
    """Turns texts into sparse vectors."""

    def document(self, text: str) -> Words:
        """Term weights of a text to be found."""

    def query(self, text: str) -> Words:
        """Terms of a query."""


class VectorStore(Protocol):
    """A filled, readable store."""

    def search(self, query: HybridQuery, limit: int, only: Sequence[int] | None, leave_out: Sequence[int]) -> list[Hit]:
        """The best hits, best first.

        Args:
            only: Items to choose from; all where None.

        Raises:
            BackendError: The store cannot be read.
        """

    def stored(self, item: int) -> HybridQuery | None:
        """The vectors of an item, to find others like it; None where it has no text."""

    def count(self) -> int:
        """Number of points."""

    def close(self) -> None:
        """Free what the store holds."""
