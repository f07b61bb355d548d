"""Vector stores as parts, and those of the embedded engine, which are folders."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from mcp_server.state.folder import STORE_FOLDER
from mcp_server.state.manifest import Manifest
from mcp_server.state.parts import FolderParts, Parts
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

    async def open(self, current: Manifest) -> VectorStore:
        """Raises: BackendError: there is none, it cannot be read, is another model's, or has lost points."""

    def check(self, current: Manifest) -> None:
        """Raises: DamagedPartError: it is missing, unreadable, without some of its points, or not as it was made."""

    def publish(self, current: Manifest) -> None:
        """Show the store that is served to those who look for it by other ways."""


class FolderVectorStores:
    """Stores of the embedded engine.

    Args:
        parts: Where their files are.
    """

    def __init__(self, parts: FolderParts) -> None:
        self._parts = parts
        self.exists, self.discard, self.keep_only = parts.exists, parts.discard, parts.keep_only
        self.digests, self.is_whole = parts.digests, parts.is_whole

    def make(self, name: str, contents: StoreContents, advance: Callable[[int], None]) -> None:
        def fill(folder: Path) -> None:
            write_store(folder / STORE_FOLDER, contents.points, contents.dimension, advance)

        self._parts.make_files(name, fill)

    async def open(self, current: Manifest) -> VectorStore:
        name = _name(current)
        return await asyncio.to_thread(self._parts.read, name, partial(_load, current), current.digests_of(name))

    def check(self, current: Manifest) -> None:
        name = _name(current)
        self._parts.check_part(name, lambda folder: _load(current, folder).dispose(), current.digests_of(name))

    def publish(self, current: Manifest) -> None:
        """Nothing: who looks for it by other ways finds it by its name."""


def _name(current: Manifest) -> str:
    assert current.vectors is not None  # or nobody would ask
    return current.vectors


def _load(current: Manifest, folder: Path) -> QdrantEdgeStore:
    return QdrantEdgeStore(folder / STORE_FOLDER, current.n_searchable)
