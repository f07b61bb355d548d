"""The backends of one published state, opened when first asked for: catalogue, recommender, search, item sets.

They are opened one by one, so that one that cannot be opened does not take the others with it, and is tried
again at the next call.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from mcp_server.errors import RecsysError, UnwritableError
from mcp_server.recommender.ranker import Ranker
from mcp_server.settings import Settings
from mcp_server.sql.cache import BoundedCache
from mcp_server.state.folder import MODELS_FOLDER
from mcp_server.state.manifest import Manifest
from mcp_server.state.open_state import Storage
from mcp_server.types import Id, IntArray
from mcp_server.vectors.embedder import SERVING_THREADS, Embedder
from mcp_server.vectors.search import TextSearch
from mcp_server.vectors.words import Bm25Indexer

logger = logging.getLogger(__name__)

T = TypeVar("T")

CHECK_SECONDS = 4.0
"""A backend that has not answered by then cannot be used."""


class Opened(Generic[T]):
    """Something that is opened once, when first needed. Where that fails, the next to need it tries again."""

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
            self._opening.add_done_callback(self._keep)
        return await asyncio.shield(self._opening)  # a call that is given up does not take the others' work with it

    def _keep(self, opening: asyncio.Task[T]) -> None:
        self._opening = None
        if not opening.cancelled() and opening.exception() is None:
            self.value = opening.result()


class _Closable(Protocol):
    async def close(self) -> None: ...


class Backends:
    """The backends of one state, at the places that the settings name."""

    def __init__(self, settings: Settings, current: Manifest) -> None:
        self.spec, self.card = current.spec, current.card
        self._current = current
        self._storage = storage = Storage(settings)
        self._catalog = Opened(lambda: storage.catalogs.open(current))
        self._ranker = Opened(self._open_ranker)
        self._search = Opened(lambda: self._open_search(settings))
        self._item_sets = Opened(lambda: storage.open_item_sets(settings.item_set_days))
        self._positions: BoundedCache[str, tuple[tuple[Id, ...], IntArray]] = BoundedCache(256)
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

    async def _open_ranker(self) -> Ranker:
        return Ranker(await asyncio.to_thread(self._storage.models.open, self._current))

    async def _open_search(self, settings: Settings) -> TextSearch:
        language = self.spec.search
        assert language is not None  # or there would be no vectors
        embedder = Embedder(self._current.embedding_model, settings.state_folder / MODELS_FOLDER, SERVING_THREADS)
        await asyncio.to_thread(embedder.load)
        store = await self._storage.vectors.open(self._current)
        return TextSearch(store, embedder, Bm25Indexer(language.language))

    @property
    def searchable(self) -> bool:
        return self._current.vectors is not None

    async def warm(self) -> None:
        """Open everything, so that the first question does not wait. What fails says so when it is asked for."""
        openers = [self.item_sets, self.catalog, self.ranker, *([self.search] if self.searchable else [])]
        found = await asyncio.gather(*(opener() for opener in openers), return_exceptions=True)
        if isinstance(found[0], UnwritableError):  # for long, maybe, and all else goes on
            logger.warning("filters give no item sets: %s", found[0])

    async def check(self) -> dict[str, str]:
        """Each backend's name and "ok", or what is wrong with it; all are really asked something."""

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

    async def close(self) -> None:
        closable: tuple[_Closable | None, ...] = (self._catalog.value, self._search.value, self._item_sets.value)
        for backend in closable:
            if backend is not None:
                await backend.close()
        await self._storage.close()


async def _outcome(check: Callable[[], Awaitable[object]]) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except RecsysError as error:
        return str(error)
    except TimeoutError:
        return f"no answer in {CHECK_SECONDS:g} s"
    return "ok"
