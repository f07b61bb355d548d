"""Search of items by meaning: a query becomes vectors, the store ranks, the item's own text is left out."""

import asyncio
from collections.abc import Sequence

import numpy as np

from mcp_server.dataset.records import IntArray
from mcp_server.vectors.embedder import Embedder
from mcp_server.vectors.store import HybridQuery, VectorStore, WordIndexer
from mcp_server.vectors.texts import text_digest


class TextSearch:
    """Hybrid search over one vector store."""

    def __init__(self, store: VectorStore, embedder: Embedder, indexer: WordIndexer) -> None:
        self._store, self._embedder, self._indexer = store, embedder, indexer

    async def by_text(
        self, query: str, limit: int, only: IntArray | None, leave_out: Sequence[int]
    ) -> tuple[IntArray, IntArray]:
        """Find items by a text.

        Returns:
            (at most limit,): positions of items, best first; and those whose own text the query is, which are
            left out of the former.

        Raises:
            BackendError: The store cannot be read.
        """

        def search() -> tuple[list[int], list[int]]:
            vector = self._embedder.embed_query(query)
            hybrid = HybridQuery(vector, [vector], self._indexer.query(query))
            digest = text_digest(query)
            hits = self._store.search(hybrid, limit + 1, _list(only), leave_out)
            own = [hit.item for hit in hits if digest in hit.digests]
            return [hit.item for hit in hits if hit.item not in own][:limit], own

        found, own = await asyncio.to_thread(search)
        return np.array(found, dtype=np.int64), np.array(own, dtype=np.int64)

    async def like_item(
        self, item: int, limit: int, only: IntArray | None, leave_out: Sequence[int]
    ) -> IntArray | None:
        """(at most limit,): items whose texts are nearest to an item's; None where that item has no text."""

        def search() -> list[int] | None:
            query = self._store.stored(item)
            if query is None:
                return None
            return [hit.item for hit in self._store.search(query, limit, _list(only), leave_out)]

        found = await asyncio.to_thread(search)
        return None if found is None else np.array(found, dtype=np.int64)

    def count(self) -> int:
        """Number of items that can be found."""
        return self._store.count()

    def close(self) -> None:
        self._store.close()


def _list(items: IntArray | None) -> list[int] | None:
    return None if items is None else [int(item) for item in items]
