"""Search of items by meaning: a query becomes vectors, and the store ranks."""

import asyncio
from collections.abc import Sequence

import numpy as np

from mcp_server.types import FloatArray, IntArray
from mcp_server.vectors.embedder import Embedder
from mcp_server.vectors.store import HybridQuery, VectorStore, WordIndexer
from mcp_server.vectors.texts import text_digest

LONGEST_NAME = 8
"""Words of a text by which somebody may look for its item. Who sends a longer one wants others like it."""


class TextSearch:
    """Hybrid search over one vector store."""

    def __init__(self, store: VectorStore, embedder: Embedder, indexer: WordIndexer) -> None:
        self._store, self._embedder, self._indexer = store, embedder, indexer

    async def by_text(
        self, query: str, limit: int, only: IntArray | None, leave_out: Sequence[int]
    ) -> tuple[IntArray, IntArray]:
        """Find items by a text. Items whose own text it is come first, if it is a short one: a name, more or less.

        Returns:
            (at most limit,): positions of items, best first; and those that are left out, because the query is a
            longer text of their own.

        Raises:
            BackendError: The store cannot be read.
        """
        hybrid = await asyncio.to_thread(self._hybrid, query)
        hits = await self._store.search(hybrid, limit + 1, _list(only), leave_out)
        digest = text_digest(query)
        own = [hit.item for hit in hits if digest in hit.digests]
        others = [hit.item for hit in hits if hit.item not in own]
        if len(query.split()) <= LONGEST_NAME:
            return _positions([*own, *others][:limit]), _positions([])
        return _positions(others[:limit]), _positions(own)

    def _hybrid(self, query: str) -> HybridQuery:
        vector = self._embedder.embed_query(query).tolist()
        return HybridQuery(vector, [vector], self._indexer.query(query))

    async def like_item(
        self, item: int, limit: int, only: IntArray | None, leave_out: Sequence[int]
    ) -> IntArray | None:
        """(at most limit,): items whose texts are nearest to an item's; None where that item has no text."""
        query = await self._store.stored(item)
        if query is None:
            return None
        hits = await self._store.search(query, limit, _list(only), leave_out)
        return _positions([hit.item for hit in hits])

    async def vectors(self, items: IntArray) -> FloatArray:
        """(n, dimension): the vectors of items' whole texts. A row of zeros is of an item that has none.

        Raises:
            BackendError: The store cannot be read.
        """
        texts = await self._store.texts(items.tolist())
        found = np.zeros((len(items), len(next(iter(texts.values()), ()))), dtype=np.float32)
        for row, item in enumerate(items.tolist()):
            if item in texts:
                found[row] = texts[item]
        return found

    async def count(self) -> int:
        """Number of items that can be found."""
        return await self._store.count()


def _positions(items: list[int]) -> IntArray:
    return np.array(items, dtype=np.int64)


def _list(items: IntArray | None) -> list[int] | None:
    return None if items is None else items.tolist()
