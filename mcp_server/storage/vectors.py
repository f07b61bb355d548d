"""Vector stores as parts, and those of the embedded engine, which are folders."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mcp_server.current import Current
from mcp_server.errors import DamagedPartError
from mcp_server.state import STORE_FOLDER
from mcp_server.storage.parts import FolderParts, Parts
from mcp_server.vectors.qdrant_edge_store import QdrantEdgeStore, write_store
from mcp_server.vectors.store import Point, VectorStore


@dataclass(frozen=True)
class StoreContents:
    """What goes into a store."""

    points: Iterable[Point]
    n_points: int
    dimension: int
    embedding_model: str


class VectorStores(Parts, Protocol):
    """The vector stores of one place."""

    def make(self, name: str, contents: StoreContents, advance: Callable[[int], None]) -> None:
        """Make a store.

        Args:
            advance: Called with the number of points written since the last call.
        """

    async def open(self, current: Current) -> VectorStore:
        """Raises: BackendError: there is none, it cannot be read, is another model's, or has lost points."""

    def is_damaged(self, current: Current) -> bool:
        """Is it missing, unreadable, or without some of its points?"""

    def publish(self, current: Current) -> None:
        """Show the store that is served to those who look for it by other ways."""

    def describe(self) -> str:
        """The place, for people. Raises: BackendError: it cannot be used."""


class FolderVectorStores:
    """Stores of the embedded engine.

    Args:
        parts: Where their files are.
    """

    def __init__(self, parts: FolderParts) -> None:
        self._parts = parts
        self.exists, self.discard, self.keep_only = parts.exists, parts.discard, parts.keep_only

    def make(self, name: str, contents: StoreContents, advance: Callable[[int], None]) -> None:
        def fill(folder: Path) -> None:
            write_store(folder / STORE_FOLDER, contents.points, contents.dimension, advance)

        self._parts.make_files(name, fill)

    def _open(self, current: Current) -> QdrantEdgeStore:
        assert current.vectors is not None  # or nobody would ask
        name = current.vectors
        try:
            return QdrantEdgeStore(self._parts.path(name) / STORE_FOLDER, current.n_searchable)
        except DamagedPartError:
            if not self._parts.renew(name):
                raise
            return QdrantEdgeStore(self._parts.path(name) / STORE_FOLDER, current.n_searchable)

    async def open(self, current: Current) -> VectorStore:
        return await asyncio.to_thread(self._open, current)

    def is_damaged(self, current: Current) -> bool:
        assert current.vectors is not None
        if not self._parts.exists(current.vectors) or not self._parts.is_whole(current.vectors):
            return True
        try:
            store = self._open(current)
        except DamagedPartError:
            return True
        store.dispose()
        return False

    def publish(self, current: Current) -> None:
        pass

    def describe(self) -> str:
        return "Qdrant Edge, in the state folder"
