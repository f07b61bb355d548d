"""The backends of one published state, opened when first asked for: catalogue, recommender, search, item sets.

They are opened one by one, so that one that cannot be opened does not take the others with it, and is tried
again at the next call.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from mcp_server.cache import Bounded
from mcp_server.catalog.catalog import Catalog
from mcp_server.dataset.records import Id, IntArray
from mcp_server.item_sets import ItemSets
from mcp_server.parts import open_catalog, open_model, open_store
from mcp_server.recommender.ranker import Ranker
from mcp_server.state import MODELS_FOLDER, Current, State
from mcp_server.vectors.embedder import SERVING_THREADS, Embedder
from mcp_server.vectors.qdrant_edge_store import Bm25Indexer
from mcp_server.vectors.search import TextSearch

T = TypeVar("T")


class Opened(Generic[T]):
    """Something that is opened once, beside the event loop, when first needed."""

    def __init__(self, open_: Callable[[], T]) -> None:
        self._open, self._lock = open_, asyncio.Lock()
        self._value: T | None = None

    async def get(self) -> T:
        if self._value is not None:
            return self._value
        async with self._lock:
            if self._value is None:
                self._value = await asyncio.to_thread(self._open)
            return self._value

    @property
    def value(self) -> T | None:
        return self._value


class Backends:
    """Args:
    item_set_days: Item sets unused for so long are forgotten.
    """

    def __init__(self, state: State, current: Current, item_set_days: float) -> None:
        self.spec, self.card = current.spec, current.card
        self._state, self._current = state, current
        self._catalog = Opened(lambda: open_catalog(state, current))
        self._ranker = Opened(lambda: Ranker(open_model(state, current)))
        self._search = Opened(self._open_search)
        self._item_sets = Opened(lambda: ItemSets(state.item_sets_file, item_set_days))
        self._positions: Bounded[str, tuple[tuple[Id, ...], IntArray]] = Bounded(256)
        self.catalog = self._catalog.get
        self.ranker = self._ranker.get
        self.search = self._search.get
        self.item_sets = self._item_sets.get

    async def item_set(self, handle: str) -> IntArray:
        """Positions of the items of a set.

        Raises:
            InvalidInputError: There is no such set, or the catalogue has lost some of its items since.
        """
        items = await (await self.item_sets()).get(handle)
        known, positions = self._positions.get(handle, (None, None))
        if known is not items or positions is None:
            positions = await (await self.catalog()).item_idx(items)
            self._positions[handle] = (items, positions)
        return positions

    def _open_search(self) -> TextSearch:
        store = open_store(self._state, self._current)
        search = self.spec.search
        assert search is not None  # or there would be no vectors
        embedder = Embedder(self._current.embedding_model, self._state.folder / MODELS_FOLDER, SERVING_THREADS)
        embedder.load()
        return TextSearch(store, embedder, Bm25Indexer(search.language))

    @property
    def searchable(self) -> bool:
        return self._current.vectors is not None

    async def warm(self) -> None:
        """Open everything, so that the first question does not wait. What fails says so when it is asked for."""
        openers = [self.catalog, self.ranker, self.item_sets, *([self.search] if self.searchable else [])]
        await asyncio.gather(*(opener() for opener in openers), return_exceptions=True)

    def close(self) -> None:
        closable: tuple[Opened[Catalog] | Opened[TextSearch] | Opened[ItemSets], ...]
        closable = (self._catalog, self._search, self._item_sets)
        for opened in closable:
            if opened.value is not None:
                opened.value.close()
