"""The backends of one manifest: catalogue, recommender, search and item sets.

Each is opened when it is first needed. One that cannot be opened leaves the others working, and is tried again at the
next call.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Generic, TypeVar

from mcp_server.catalog.catalog import Catalog
from mcp_server.catalog.item_sets import REMEMBERED_ITEMS, WEIGHT_OF_A_SET, ItemSets
from mcp_server.dataset.facts import DatasetFacts
from mcp_server.errors import RecsysError, UnwritableError
from mcp_server.recommender.ranker import Ranker
from mcp_server.sql.cache import BoundedCache
from mcp_server.state.folder import MODELS_FOLDER
from mcp_server.state.manifest import Manifest
from mcp_server.state.open_state import OpenState
from mcp_server.types import Id, IntArray
from mcp_server.vectors.embedder import SERVING_THREADS, Embedder
from mcp_server.vectors.search import TextSearch
from mcp_server.vectors.words import Bm25Indexer

logger = logging.getLogger(__name__)

T = TypeVar("T")

CHECK_SECONDS = 4.0
"""Time in which a backend must answer to count as usable."""


class Opened(Generic[T]):
    """A backend that is opened once, when it is first needed. If that fails, the next to need it tries again."""

    def __init__(self, open_: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._open = open_
        self._opening: asyncio.Task[T] | None = None
        self.value: T | None = None
        """None until it is open."""

    async def get(self) -> T:
        if self.value is not None:
            return self.value
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(self._store)
        return await asyncio.shield(self._opening)  # a call that is given up does not take the others' work with it

    async def stop(self) -> None:
        """Give up an opening that is not finished."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)

    def _store(self, opening: asyncio.Task[T]) -> None:
        self._opening = None
        if not opening.cancelled() and opening.exception() is None:
            self.value = opening.result()


class Backends:
    """The backends of one manifest.

    Args:
        state: The state that has the manifest's parts. Whoever opened it closes it, after these backends.
        item_set_days: Days after which an unused item set is forgotten.
    """

    def __init__(self, state: OpenState, manifest: Manifest, item_set_days: float) -> None:
        self.spec, self.card = manifest.spec, manifest.card
        self.facts = DatasetFacts(manifest.spec, manifest.card)
        self._parts, self._vectors, self._folder = state.parts, state.vectors, state.folder
        self._manifest, self._item_set_days = manifest, item_set_days
        self._open = AsyncExitStack()
        self._catalog = Opened(self._open_catalog)
        self._ranker = Opened(self._open_ranker)
        self._search = Opened(self._open_search)
        self._item_sets = Opened(self._open_item_sets)
        self._positions: BoundedCache[str, tuple[tuple[Id, ...], IntArray]] = BoundedCache(
            REMEMBERED_ITEMS, lambda _, kept: WEIGHT_OF_A_SET + len(kept[1])
        )

    async def catalog(self) -> Catalog:
        """The catalogue."""
        return await self._catalog.get()

    async def ranker(self) -> Ranker:
        """The recommender."""
        return await self._ranker.get()

    async def search(self) -> TextSearch:
        """The search by meaning, which only datasets with texts have."""
        return await self._search.get()

    async def item_sets(self) -> ItemSets:
        """The item sets."""
        return await self._item_sets.get()

    async def item_set(self, handle: str) -> IntArray:
        """Positions of the items in a set.

        Raises:
            InvalidInputError: There is no such set, or some of its items are no longer in the catalogue.
        """
        items = await (await self.item_sets()).get(handle)
        known, positions = self._positions.get(handle, (None, None))
        if known is not items or positions is None:
            positions = await (await self.catalog()).item_idx(items)
            self._positions[handle] = (items, positions)
        return positions

    async def _open_catalog(self) -> Catalog:
        return await self._open.enter_async_context(self._parts.catalog(self._manifest))

    async def _open_ranker(self) -> Ranker:
        return await asyncio.to_thread(self._read_ranker)

    def _read_ranker(self) -> Ranker:
        model, header = self._parts.model(self._manifest), self._parts.model_header(self._manifest)
        return Ranker(model, header.history, reaches_cold_items=header.cold_items)

    async def _open_search(self) -> TextSearch:
        texts = self.spec.search
        assert texts is not None  # or there would be no vectors
        cache = self._folder.folder / MODELS_FOLDER
        embedder = Embedder(self._manifest.embedding_model, cache, SERVING_THREADS)
        await asyncio.to_thread(embedder.load)
        store = await self._vectors.vectors(self._manifest)
        self._open.push_async_callback(store.close)
        popularity = (await self.catalog()).popularity
        return await TextSearch.open(store, embedder, Bm25Indexer(texts.language), texts.weights, popularity)

    async def _open_item_sets(self) -> ItemSets:
        return await self._open.enter_async_context(self._parts.item_sets(self._item_set_days))

    @property
    def searchable(self) -> bool:
        """True if there are vectors to search."""
        return self._manifest.vectors is not None

    async def warm(self) -> None:
        """Open everything, so that the first question does not wait. Failures are reported when a backend is used."""
        openers = [self.item_sets, self.catalog, self.ranker, *([self.search] if self.searchable else [])]
        found = await asyncio.gather(*(opener() for opener in openers), return_exceptions=True)
        if isinstance(found[0], UnwritableError):  # perhaps for long, while everything else works
            logger.warning("filters give no item sets: %s", found[0])

    async def check(self) -> dict[str, str]:
        """Ask each backend something, and return "ok" or the reason for a failure, by name."""

        async def database() -> None:
            await (await self.catalog()).ping()
            with contextlib.suppress(UnwritableError):  # filters answer without
                await (await self.item_sets()).ping()

        async def vectors() -> None:
            await (await self.search()).count()

        checks: dict[str, Callable[[], Awaitable[object]]] = {"database": database, "model": self.ranker}
        if self.searchable:
            checks["vectors"] = vectors
        return dict(zip(checks, await asyncio.gather(*map(_outcome, checks.values())), strict=True))

    async def aclose(self) -> None:
        """Close all backends that have been opened."""
        for backend in (self._catalog, self._ranker, self._search, self._item_sets):
            await backend.stop()
        await self._open.aclose()


async def _outcome(check: Callable[[], Awaitable[object]]) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except RecsysError as error:
        return str(error)
    except TimeoutError:
        return f"no answer in {CHECK_SECONDS:g} s"
    return "ok"
