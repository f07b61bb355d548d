"""The protocol of a vector store. Points are items, by position. Nothing here knows of MCP or SQL.

A point has a dense vector of the whole text ("text"), one of each sentence ("sentences", compared by the best
match), a sparse vector of words with BM25 weights ("words"), and the digests of its texts as payload. A query
asks all three, and reciprocal rank fusion (Cormack, Clarke and Büttcher 2009) makes one ranking of theirs.

Two stores do so with the same engine: Qdrant Edge in the process, and a Qdrant server or cloud.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mcp_server.types import FloatArray

TEXT, SENTENCES, WORDS = "text", "sentences", "words"
"""Names of a point's vectors."""

DIGESTS = "digests"
"""Name in a point's payload."""

RRF_K = 20
"""Fusion constant. Of 2, 10, 20 and 60 the best for first places on 120 plot descriptions."""

PREFETCH = 100
"""Candidates of each of the three rankings, at least."""


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
    """Score of the fusion, which can be compared within one answer only."""
    digests: Sequence[str]


class WordIndexer(Protocol):
    """Turns texts into sparse vectors."""

    def document(self, text: str) -> Words:
        """Term weights of a text to be found."""

    def query(self, text: str) -> Words:
        """Terms of a query."""


class VectorStore(Protocol):
    """A filled, readable store. Each method raises BackendError where the store cannot be read."""

    async def search(
        self, query: HybridQuery, limit: int, only: Sequence[int] | None, leave_out: Sequence[int]
    ) -> list[Hit]:
        """The best hits, best first.

        Args:
            limit: At most so many, at least 1.
            only: Items to choose from; all where None.
        """

    async def stored(self, item: int) -> HybridQuery | None:
        """The vectors of an item, to find others like it; None where it has no text."""

    async def texts(self, items: Sequence[int]) -> Mapping[int, Sequence[float]]:
        """The dense vectors of items' whole texts, without those of items that have no text."""

    async def count(self) -> int:
        """Number of points."""

    async def close(self) -> None:
        """Free what the store holds."""
