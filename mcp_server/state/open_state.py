"""An open state: where its manifest and its parts are, as the settings say. Opened once per process.

A server opens a state before it lists its tools, so what is heavy is imported where it is needed.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from mcp_server.errors import DamagedPartError
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from mcp_server.state.manifest import Manifest, ManifestStore, Parts

if TYPE_CHECKING:
    from mcp_server.sql.mysql import MysqlDatabase
    from mcp_server.state.database import StateDatabase
    from mcp_server.state.database_parts import DatabaseParts
    from mcp_server.state.folder_parts import FolderParts
    from mcp_server.state.qdrant import QdrantVectors
    from mcp_server.vectors.qdrant_collections import QdrantCollections

logger = logging.getLogger(__name__)


class OpenState:
    """The state of a dataset. Whoever opens it closes it, with ``close`` or, on an event loop, with ``aclose``."""

    manifests: ManifestStore
    """The place of the manifest, the catalogue and the model."""

    def __init__(self, settings: Settings) -> None:
        """Open a state. Nothing is read yet.

        Raises:
            RecsysError: A setting cannot be used.
        """
        self.folder = StateFolder(settings.state_folder)
        self.manifests = self.folder
        self._database: StateDatabase | None = None
        self._pool: MysqlDatabase | None = None
        self._collections: QdrantCollections | None = None
        if settings.database_url is not None:
            self._use_database(settings)
        if settings.qdrant_url is not None:
            self._use_qdrant(settings.qdrant_url, settings)

    def _use_database(self, settings: Settings) -> None:
        from mcp_server.sql.mysql import MysqlDatabase
        from mcp_server.sql.mysql_address import MysqlAddress
        from mcp_server.state.database import StateDatabase

        address = MysqlAddress.from_settings(settings)
        self.manifests = self._database = StateDatabase(address, self.folder)
        self._pool = MysqlDatabase(address)

    def _use_qdrant(self, url: str, settings: Settings) -> None:
        from mcp_server.vectors.qdrant_collections import QdrantCollections
        from mcp_server.vectors.qdrant_server import QdrantServer

        key = settings.qdrant_api_key
        server = QdrantServer(url, None if key is None else key.get_secret_value())
        self._collections = QdrantCollections(server, settings.qdrant_collection)

    @property
    def parts(self) -> "FolderParts | DatabaseParts":
        """The catalogue, the model and the item sets."""
        if self._database is None or self._pool is None:
            return self._in_folder
        from mcp_server.state.database_parts import DatabaseParts

        return DatabaseParts(self._database, self._pool, self.folder)

    @property
    def vectors(self) -> "FolderParts | QdrantVectors":
        """The vectors: on a Qdrant server where one is set, otherwise in the folder."""
        return self.qdrant or self._in_folder

    @property
    def qdrant(self) -> "QdrantVectors | None":
        """The Qdrant server, if one is set."""
        if self._collections is None:
            return None
        from mcp_server.state.qdrant import QdrantVectors

        return QdrantVectors(self._collections)

    @property
    def _in_folder(self) -> "FolderParts":
        from mcp_server.state.folder_parts import FolderParts

        return FolderParts(self.folder, shares_manifest=self._database is not None)

    def place_of(self, name: str) -> Parts:
        """The place that keeps a part, by the part's name."""
        if name.startswith("vectors-"):
            return self._collections or self.folder
        return self.manifests

    def has(self, manifest: Manifest) -> bool:
        """True if all parts are there."""
        return all(self.place_of(name).exists(name) for name in manifest.parts)

    def discard_damaged(self, manifest: Manifest) -> None:
        """Discard parts that cannot be opened or are not what they should be, so that they are made again.

        Raises:
            BackendError: A server cannot be reached, which says nothing about its parts.
        """
        for name, check in self._checks(manifest):
            if name == manifest.vectors and self._vectors_are_local and not self.folder.exists(name):
                continue  # this machine has not made them yet
            try:
                check(manifest)
            except DamagedPartError as error:
                logger.warning("%s", error)
                self.place_of(name).discard(name)

    def _checks(self, manifest: Manifest) -> Iterator[tuple[str, Callable[[Manifest], None]]]:
        yield manifest.catalog, self.parts.check_catalog
        yield manifest.model, self.parts.check_model
        if manifest.vectors is not None:
            yield manifest.vectors, self.vectors.check_vectors

    def with_digests(self, manifest: Manifest, known: Mapping[str, dict[str, str]]) -> Manifest:
        """Add the digests of all parts to a manifest, but not those of vectors that each machine makes for itself.

        Args:
            known: Digests of parts that were made earlier, and have been checked.
        """
        names = [name for name in manifest.parts if name != manifest.vectors or not self._vectors_are_local]
        digests = {name: known.get(name) or dict(self.place_of(name).digests(name)) for name in names}
        return manifest.model_copy(update={"digests": digests})

    @property
    def _vectors_are_local(self) -> bool:
        """True if machines that share the manifest do not share its vectors."""
        return self._database is not None and self._collections is None

    def publish(self, manifest: Manifest, still_served: Manifest | None = None) -> None:
        """Serve these parts from now on. The caller holds the lock.

        The parts of the state before stay for servers that still answer from them, until the next publication.

        Args:
            still_served: A state before that one, whose parts stay as well.
        """
        before = self.manifests.published_parts()
        self.manifests.publish(manifest)
        if self._collections is not None and manifest.vectors is not None:
            self._collections.publish(manifest.vectors)
        kept = {part for state in (manifest, before, still_served) if state is not None for part in state.parts}
        places: list[Parts | None] = [self.folder, self.manifests, self._collections]
        for place in places:
            if place is not None:
                place.keep_only(kept)

    def describe(self) -> str:
        """The place of the state, for people."""
        if self._database is None:
            return f"state {self.folder.folder}"
        return f"{self.manifests.place.removeprefix('the ')}, files in {self.folder.folder}"

    def close(self) -> None:
        """Close connections, for callers without an event loop."""
        try:
            self.manifests.close()
        finally:
            if self._collections is not None:
                self._collections.close()

    async def aclose(self) -> None:
        """Close connections, those of the event loop too."""
        try:
            if self._pool is not None:
                await self._pool.close()
        finally:
            self.close()
