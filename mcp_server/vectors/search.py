"""Search of items by meaning: a query becomes vectors, the store compares, and the nearest items are put in order."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from mcp_server.dataset.search import SearchWeights
from mcp_server.types import DoubleArray, FloatArray, IntArray
from mcp_server.vectors.embedder import Embedder
from mcp_server.vectors.fusion import Background, Fusion
from mcp_server.vectors.store import CANDIDATES, SENTENCES, TEXT, Hits, HybridQuery, Sought, VectorStore, WordIndexer
from mcp_server.vectors.texts import text_digest

LONGEST_NAME = 8
"""Words of a text by which somebody may look for its item. Who sends a longer one wants others like it."""

NONE: IntArray = np.empty(0, dtype=np.int64)

SAMPLE = 256
"""Texts by which it is measured how near texts are that have nothing to do with one another."""


@dataclass(frozen=True)
class Found:
    """Items that a search has found, best first."""

    items: IntArray
    """(n,): positions."""
    scores: DoubleArray
    """(n,): see ``Fusion.scores``; they never rise."""
    fits: DoubleArray
    """(n,): see ``Fusion.fits``; NaN for an item that has no text."""
    own: IntArray
    """Items that are left out, because the query is a longer text of their own."""

    def first(self, n: int) -> "Found":
        """The same with at most n items."""
        return replace(self, items=self.items[:n], scores=self.scores[:n], fits=self.fits[:n])

    def without(self, items: IntArray) -> "Found":
        """The same without some items."""
        kept = ~np.isin(self.items, items)
        return replace(self, items=self.items[kept], scores=self.scores[kept], fits=self.fits[kept])

    def headed_by(self, items: IntArray) -> "Found":
        """The same with some items at its head, in this order. They have the best score of all, and those that were not
        found have no fit.
        """
        if not len(items):
            return self
        fits = dict(zip(self.items.tolist(), self.fits.tolist(), strict=True))
        others = self.without(items)
        return replace(
            self,
            items=np.concatenate([items, others.items]),
            scores=np.concatenate([np.full(len(items), self.scores.max(initial=0.0)), others.scores]),
            fits=np.concatenate([[fits.get(item, np.nan) for item in items.tolist()], others.fits]),
        )


class TextSearch:
    """Hybrid search over one vector store."""

    def __init__(self, store: VectorStore, embedder: Embedder, indexer: WordIndexer, fusion: Fusion) -> None:
        self._store, self._embedder, self._indexer, self._fusion = store, embedder, indexer, fusion

    @classmethod
    async def open(
        cls,
        store: VectorStore,
        embedder: Embedder,
        indexer: WordIndexer,
        weights: SearchWeights,
        popularity: DoubleArray,
    ) -> "TextSearch":
        """The search over a store, some of whose texts are read first.

        Args:
            popularity: (n_items,), what items are ordered by.

        Raises:
            BackendError: The store cannot be read.
        """
        background = Background.of(await _sample(store, len(popularity)))
        return cls(store, embedder, indexer, Fusion(weights, background, popularity))

    async def find(
        self,
        query: str,
        limit: int,
        only: IntArray | None,
        leave_out: Sequence[int],
        titled: IntArray = NONE,
    ) -> Found:
        """Find items by a text. Items whose own text it is come first, if it is a short one: a name, more or less. If
        it is longer, they are left out.

        Args:
            limit: At most so many items.
            only: Positions of the items to choose from; all where None.
            leave_out: Positions of items that are not to be found.
            titled: Positions of items whose title the query is. They come before all others, in this order, and have
                the best score of all.

        Raises:
            BackendError: The store cannot be read.
        """
        hits = await self._search(partial(self._hybrid, query), limit, only, leave_out, titled)
        digest = text_digest(query)
        with_text = [item for item, digests in hits.digests.items() if digest in digests]
        is_own = np.isin(hits.items, with_text) & ~np.isin(hits.items, titled)
        is_name = len(query.split()) <= LONGEST_NAME
        own, found = hits.items[is_own], self._in_order(hits)
        if is_name:
            first = np.concatenate([titled, found.items[np.isin(found.items, own)]])
            return found.headed_by(first).first(limit)
        return replace(found.without(own).headed_by(titled).first(limit), own=own)

    async def by_text(
        self, query: str, limit: int, only: IntArray | None, leave_out: Sequence[int]
    ) -> tuple[IntArray, IntArray]:
        """Positions of what ``find`` finds, best first, and of what it leaves out; for tools of your own."""
        found = await self.find(query, limit, only, leave_out)
        return found.items, found.own

    def _hybrid(self, query: str) -> HybridQuery:
        vector = self._embedder.embed_query(query).tolist()
        return HybridQuery(vector, [vector], vector, self._indexer.query(query))

    async def like_item(
        self, item: int, limit: int, only: IntArray | None, leave_out: Sequence[int]
    ) -> IntArray | None:
        """(at most limit,): items whose texts are nearest to an item's; None where that item has no text."""
        query = await self._store.stored(item)
        if query is None:
            return None
        return self._in_order(await self._search(query, limit, only, leave_out)).first(limit).items

    async def nearest_to(
        self, item: int, limit: int, only: IntArray | None, leave_out: Sequence[int], also: IntArray
    ) -> Found | None:
        """All candidates for being like an item, which may be more than the limit; None where it has no text.

        Args:
            also: Positions of more candidates.

        Raises:
            BackendError: The store cannot be read.
        """
        query = await self._store.stored(item)
        return None if query is None else self._in_order(await self._search(query, limit, only, leave_out, also))

    async def _search(
        self,
        sought: Sought,
        limit: int,
        only: IntArray | None,
        leave_out: Sequence[int],
        also: IntArray | None = None,
    ) -> Hits:
        more = [] if also is None else also.tolist()
        return await self._store.search(
            sought, max(limit + 1, CANDIDATES), None if only is None else only.tolist(), leave_out, more
        )

    def _in_order(self, hits: Hits) -> Found:
        """The candidates, best first, and of equals the lower position."""
        scores = self._fusion.scores(hits)
        order = np.argsort(-scores, kind="stable")
        return Found(hits.items[order], scores[order], self._fusion.fits(hits)[order], NONE)

    async def nearest_sentences(self, sought: str | int, items: IntArray) -> list[tuple[int, int]]:
        """For each item the place of the sentence that is nearest to a query or to an item's sentences, and the number
        of its sentences; (0, 0) where it has no text.

        Args:
            sought: The query, or the position of an item that has a text.

        Raises:
            BackendError: The store cannot be read.
        """
        if isinstance(sought, str):
            against = (await asyncio.to_thread(self._embedder.embed_query, sought))[None, :]
        else:
            against = np.array((await self._store.vectors(SENTENCES, [sought]))[sought], dtype=np.float32)
        found = await self._store.vectors(SENTENCES, items.tolist())
        return [_nearest(against, found.get(item, [])) for item in items.tolist()]

    async def vectors(self, items: IntArray) -> FloatArray:
        """(n, dimension): the vectors of items' whole texts. A row of zeros is of an item that has none.

        Raises:
            BackendError: The store cannot be read.
        """
        texts = await self._store.vectors(TEXT, items.tolist())
        found = np.zeros((len(items), len(next(iter(texts.values()), ()))), dtype=np.float32)
        for row, item in enumerate(items.tolist()):
            if item in texts:
                found[row] = texts[item]
        return found

    async def count(self) -> int:
        """Number of items that can be found."""
        return await self._store.count()


def _nearest(against: FloatArray, sentences: Sequence[object]) -> tuple[int, int]:
    """The place of the sentence that is nearest to any of some vectors, and the number of sentences."""
    if not sentences:
        return 0, 0
    cosines = against @ np.array(sentences, dtype=np.float32).T
    return int(cosines.max(axis=0).argmax()), len(sentences)


async def _sample(store: VectorStore, n_items: int) -> FloatArray:
    """The vectors of the whole texts of items, chosen at random but always the same ones: (at most SAMPLE, dimension).

    Args:
        n_items: Number of items, of which some may have no text.
    """
    order = np.random.default_rng(0).permutation(n_items)
    found: list[object] = []
    for start in range(0, n_items, 2 * SAMPLE):
        texts = await store.vectors(TEXT, np.sort(order[start : start + 2 * SAMPLE]).tolist())
        found += [texts[item] for item in order[start : start + 2 * SAMPLE].tolist() if item in texts]
        if len(found) >= SAMPLE:
            break
    return np.array(found[:SAMPLE], dtype=np.float32).reshape(min(len(found), SAMPLE), -1)
