"""All that a state consists of, at the places that the settings name.

What only servers need is imported where they are used: a host that starts this program embedded waits for it.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from mcp_server.catalog.item_sets import ItemSets, create_item_sets
from mcp_server.errors import DamagedPartError
from mcp_server.files.disk import unwritable
from mcp_server.settings import Settings
from mcp_server.sql.database import Database
from mcp_server.sql.embedded import EmbeddedDatabase
from mcp_server.state.catalogs import Catalogs, FolderCatalogs
from mcp_server.state.folder import StateFolder
from mcp_server.state.manifest import Manifest, ManifestStore
from mcp_server.state.models import Models
from mcp_server.state.parts import FolderParts, Parts
from mcp_server.state.vectors import FolderVectorStores, VectorStores

if TYPE_CHECKING:
    from mcp_server.sql.server import ServerDatabase
    from mcp_server.state.qdrant import ServerVectorStores


logger = logging.getLogger(__name__)


class Storage:
    """Where everything of one state is kept."""

    record: ManifestStore
    """Says what is published."""
    catalogs: Catalogs
    models: Models
    vectors: VectorStores

    def __init__(self, settings: Settings) -> None:
        """Raises: RecsysError: a setting cannot be used. Nothing is reached for yet."""
        self.folder = StateFolder(settings.state_folder)
        self._database: ServerDatabase | None = None
        if settings.database_url is None:
            self.record = self.folder
            self.catalogs = FolderCatalogs(self.folder)
            models, stores = FolderParts(self.folder, "model"), FolderParts(self.folder, "vectors")
        else:
            models, stores = self._use_database(settings)
        self.models = Models(models)
        self.collections: ServerVectorStores | None = None
        """The vector stores, where a Qdrant server has them."""
        if settings.qdrant_url is None:
            self.vectors = FolderVectorStores(stores)
        else:
            self.vectors = self.collections = _on_qdrant(settings.qdrant_url, settings)

    def _use_database(self, settings: Settings) -> tuple[FolderParts, FolderParts]:
        from mcp_server.sql.address import ServerAddress
        from mcp_server.sql.server import ServerDatabase
        from mcp_server.state.database import DatabaseRecord
        from mcp_server.state.server_catalogs import ServerCatalogs
        from mcp_server.state.shared_parts import SharedFolderParts

        address = ServerAddress.from_settings(settings)
        self._database = ServerDatabase(address)  # one pool of connections for all that is served from it
        self.record = record = DatabaseRecord(address)
        self.catalogs = ServerCatalogs(self._database, record)
        return SharedFolderParts(self.folder, "model", record), SharedFolderParts(self.folder, "vectors", record)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process prepares at a time, in this folder and in this database; others wait."""
        with self.folder.lock():
            if self.record is self.folder:
                yield
            else:
                with self.record.lock():
                    yield

    def has(self, current: Manifest) -> bool:
        """Are all parts there?"""
        return (
            self.catalogs.exists(current.catalog)
            and self.models.parts.exists(current.model)
            and (current.vectors is None or self.vectors.exists(current.vectors))
        )

    def discard_damaged(self, current: Manifest) -> None:
        """Take away the parts that cannot be opened or are not what they should be, so that they are made again.

        Raises:
            BackendError: A server cannot be reached, which says nothing of its parts.
        """
        for part, check, parts in self._parts_of(current):
            try:
                check(current)
            except DamagedPartError as error:
                logger.warning("%s", error)
                parts.discard(part)

    def _parts_of(self, current: Manifest) -> Iterator[tuple[str, Callable[[Manifest], None], Parts]]:
        """Name, check and place of each part."""
        yield current.catalog, self.catalogs.check, self.catalogs
        yield current.model, self.models.check, self.models.parts
        if current.vectors is not None:
            yield current.vectors, self.vectors.check, self.vectors

    def with_digests(self, current: Manifest, known: Mapping[str, dict[str, str]]) -> Manifest:
        """What is to be published, with what its parts are.

        Args:
            known: Of parts that were made earlier, and have been checked.
        """
        digests = {part: known.get(part) or dict(parts.digests(part)) for part, _, parts in self._parts_of(current)}
        return current.model_copy(update={"digests": digests})

    def publish(self, current: Manifest) -> None:
        """Serve these parts from now on.

        The parts of the state before stay for servers that still answer from them, until the next publication.
        """
        before = self.record.published()
        states = [state for state in (before, current) if state is not None]
        self.record.publish(current)
        self.vectors.publish(current)
        self.catalogs.keep_only({state.catalog for state in states})
        self.models.parts.keep_only({state.model for state in states})
        self.vectors.keep_only({state.vectors for state in states if state.vectors is not None})

    def describe(self) -> str:
        """Where the state is, for people."""
        if self.record is self.folder:
            return f"state {self.folder.folder}"
        return f"{self.record.place.removeprefix('the ')}, files in {self.folder.folder}"

    async def open_item_sets(self, days: float) -> ItemSets:
        """Args:
            days: Item sets unused for so long are forgotten.

        Raises:
            BackendError: Their database cannot be used.
        """
        database: Database
        if self._database is not None:
            database = self._database  # preparation has made the table
        else:
            name, file = "the database of item sets", self.folder.item_sets_file
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise unwritable(error, file.parent, name) or error from error
            database = EmbeddedDatabase(file, name, read_only=False)
            await database.write(create_item_sets)
        return ItemSets(database, days)

    async def close(self) -> None:
        """Close the connections that are kept for all."""
        if self._database is not None:
            await self._database.close()
        self.record.close()


def _on_qdrant(url: str, settings: Settings) -> "ServerVectorStores":
    from mcp_server.state.qdrant import ServerVectorStores
    from mcp_server.vectors.qdrant_collections import QdrantCollections
    from mcp_server.vectors.qdrant_server import QdrantServer

    key = settings.qdrant_api_key
    server = QdrantServer(url, None if key is None else key.get_secret_value())
    return ServerVectorStores(QdrantCollections(server, settings.qdrant_collection))
