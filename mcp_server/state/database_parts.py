"""The parts of a state in a database: making, opening and checking a catalogue, a model and item sets there."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, inspect

from mcp_server.catalog.catalog import Catalog
from mcp_server.catalog.item_sets import ItemSets
from mcp_server.catalog.loader import load_catalog
from mcp_server.catalog.schema import CatalogTables
from mcp_server.dataset.records import Dataset
from mcp_server.errors import DamagedPartError
from mcp_server.recommender.artifact import ArtifactHeader
from mcp_server.recommender.drift import Side
from mcp_server.recommender.model import Recommender
from mcp_server.recommender.trained_on import TrainedOn
from mcp_server.sql.mysql import MysqlDatabase
from mcp_server.state.database import StateDatabase
from mcp_server.state.folder import StateFolder
from mcp_server.state.folder_parts import FolderParts, all_ids, has_all_rows, lost_rows, read_catalog
from mcp_server.state.manifest import Manifest
from mcp_server.state.tables import as_digests, catalog_prefix, content_checksums, quoted
from mcp_server.types import Id

T = TypeVar("T")


class DatabaseParts:
    """The catalogue, the model and the item sets of a state in a database.

    Args:
        pool: Connections for the event loop. Whoever opened the pool closes it.
        folder: This machine's folder, for copies of models.
    """

    def __init__(self, database: StateDatabase, pool: MysqlDatabase, folder: StateFolder) -> None:
        self._database, self._pool, self._folder = database, pool, folder
        self._copies = FolderParts(folder)

    # The catalogue

    def make_catalog(self, name: str, dataset: Dataset, advance: Callable[[int], None]) -> None:
        """Write a dataset into new tables.

        Args:
            advance: Called with the number of interactions written since the last call.
        """
        with self._database.connected() as connection:
            tables = CatalogTables(dataset.spec, catalog_prefix(name), _collation(connection))
            load_catalog(connection, tables, dataset, advance)
        with self._database.connected() as connection:
            connection.exec_driver_sql(f"ANALYZE TABLE {quoted(connection, tables.metadata.tables)}").all()
            self._database.complete(connection, name, content_checksums(connection, name))

    @asynccontextmanager
    async def catalog(self, manifest: Manifest) -> AsyncIterator[Catalog]:
        """Open the catalogue.

        Raises:
            BackendError: It cannot be read, or has lost rows.
        """
        tables = CatalogTables(manifest.spec, catalog_prefix(manifest.catalog))
        yield await read_catalog(self._pool, tables, manifest, self._database.place)

    def check_catalog(self, manifest: Manifest) -> None:
        """Check the catalogue whole.

        Raises:
            DamagedPartError: It has lost tables or rows, or is not as it was made.
            BackendError: The database cannot be used, which says nothing about the catalogue.
        """
        tables = CatalogTables(manifest.spec, catalog_prefix(manifest.catalog))
        place, expected = f"the catalogue in {self._database.place}", manifest.digests_of(manifest.catalog)
        with self._database.connected() as connection:
            missing = set(tables.metadata.tables) - set(inspect(connection).get_table_names())
            if missing:
                raise DamagedPartError(f"{place} has lost its table {min(missing)}: run `recsys-mcp prepare`")
            if not has_all_rows(connection, tables, manifest):
                raise lost_rows(place)
            found = as_digests(content_checksums(connection, manifest.catalog)) if expected else {}
        for table in expected:
            if found.get(table) != expected[table]:
                raise DamagedPartError(
                    f"{place} is not as it was made (table {table} has changed): "
                    "run `recsys-mcp prepare` to make it again"
                )

    # The model

    def make_model(self, name: str, train: Callable[[Path], None]) -> None:
        """Make a model, and save it in the database.

        Args:
            train: Trains, and writes the artifact into the folder that it is given.
        """
        if not self._folder.is_whole(name):
            self._folder.discard(name)
        self._copies.make_model(name, train)  # an earlier attempt may have trained, and not got as far as saving
        self._database.save(name)

    def model(self, manifest: Manifest) -> Recommender:
        """Open the model for the catalogue that is served. A copy that is missing or damaged is fetched.

        Raises:
            ArtifactError: It is missing, corrupt or outdated, or trained on other data than the manifest says.
            BackendError: The database cannot be reached.
        """
        return self._with_copy(manifest, lambda: self._copies.model_for(manifest, partial(self._ids, manifest)))

    def _ids(self, manifest: Manifest, side: Side) -> list[Id]:
        tables = CatalogTables(manifest.spec, catalog_prefix(manifest.catalog))
        with self._database.connected() as connection:
            return all_ids(connection, tables, side)

    def check_model(self, manifest: Manifest) -> None:
        """Check the model whole, in the database and in this machine's folder.

        Raises:
            DamagedPartError: It is missing, not as it was made, or trained on other data than the manifest says.
        """
        self._database.check_files(manifest.model, manifest.digests_of(manifest.model))
        self._with_copy(manifest, lambda: self._copies.check_model(manifest))

    def trained_on(self, manifest: Manifest) -> TrainedOn | None:
        """The data that the model was trained on; None for a model of an earlier version, which does not say.

        Raises:
            ArtifactError: It cannot be read.
        """
        return self._with_copy(manifest, lambda: self._copies.trained_on(manifest))

    def _with_copy(self, manifest: Manifest, read: Callable[[], T]) -> T:
        """Read this machine's copy of the model, and fetch it where it is missing or damaged."""
        self._database.fetch(manifest.model)
        try:
            return read()
        except DamagedPartError:
            self._database.fetch(manifest.model, anew=True)
            return read()

    def model_header(self, manifest: Manifest) -> ArtifactHeader:
        """The header of the model.

        Raises:
            ArtifactError: It cannot be read.
        """
        self._database.fetch(manifest.model)
        return self._copies.model_header(manifest)

    # Item sets

    @asynccontextmanager
    async def item_sets(self, days: float) -> AsyncIterator[ItemSets]:
        """Open the item sets, whose table preparing has made.

        Args:
            days: Days after which an unused set is forgotten.
        """
        yield ItemSets(self._pool, days)


def _collation(connection: Connection) -> str:
    """A collation that compares by code points, trailing spaces included, as Python does."""
    mariadb = getattr(connection.dialect, "is_mariadb", False)
    return "utf8mb4_nopad_bin" if mariadb else "utf8mb4_0900_bin"
