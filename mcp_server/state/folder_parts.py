"""The parts of a state folder: making, opening and checking a catalogue, a model and a vector store there."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, create_engine, func, select
from sqlalchemy.engine import URL

from mcp_server.catalog.arrays import Arrays
from mcp_server.catalog.catalog import Catalog
from mcp_server.catalog.item_ids import read_item_ids
from mcp_server.catalog.item_sets import ItemSets, create_item_sets
from mcp_server.catalog.layout import Layout
from mcp_server.catalog.loader import load_catalog
from mcp_server.catalog.schema import CatalogTables
from mcp_server.dataset.records import Dataset
from mcp_server.errors import BackendError, DamagedPartError
from mcp_server.files.disk import unwritable
from mcp_server.recommender.artifact import (
    ArtifactHeader,
    ServedIds,
    check_artifact,
    load_artifact,
    read_header,
    read_trained_on,
)
from mcp_server.recommender.drift import Side
from mcp_server.recommender.model import Recommender
from mcp_server.recommender.trained_on import TrainedOn
from mcp_server.sql.database import Database
from mcp_server.sql.sqlite import SqliteDatabase
from mcp_server.state.folder import CATALOG_FILE, STORE_FOLDER, StateFolder
from mcp_server.state.manifest import Manifest
from mcp_server.types import Id
from mcp_server.vectors.qdrant_edge_store import QdrantEdgeStore, write_store
from mcp_server.vectors.store import Point, VectorStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoreContents:
    """The points of a vector store that is to be made."""

    points: Iterable[Point]
    n_points: int
    dimension: int
    embedding_model: str


class FolderParts:
    """The catalogue, the model, the vectors and the item sets of a state folder.

    Args:
        shares_manifest: True if a database keeps the manifest, so that other machines serve it too.
    """

    def __init__(self, folder: StateFolder, *, shares_manifest: bool = False) -> None:
        self._folder, self._shares_manifest = folder, shares_manifest

    # The catalogue

    def make_catalog(self, name: str, dataset: Dataset, advance: Callable[[int], None]) -> None:
        """Write a dataset into a new SQLite file.

        Args:
            advance: Called with the number of interactions written since the last call.
        """

        def fill(folder: Path) -> None:
            engine = create_engine(URL.create("sqlite", database=str(folder / CATALOG_FILE)))
            try:
                with engine.begin() as connection:
                    # Nobody reads the file before it is whole, and what is half made is thrown away.
                    connection.exec_driver_sql("PRAGMA journal_mode=OFF")
                    connection.exec_driver_sql("PRAGMA synchronous=OFF")
                    load_catalog(connection, CatalogTables(dataset.spec), dataset, advance)
                with engine.connect() as connection:
                    connection.exec_driver_sql("ANALYZE")
                    connection.commit()
            finally:
                engine.dispose()

        self._folder.make(name, fill)

    @asynccontextmanager
    async def catalog(self, manifest: Manifest) -> AsyncIterator[Catalog]:
        """Open the catalogue.

        Raises:
            BackendError: It is missing, cannot be read, or has lost rows.
        """
        database = await asyncio.to_thread(self._open_catalog, manifest, only_quick=True)
        try:
            yield await read_catalog(database, CatalogTables(manifest.spec), manifest, self._catalog_place(manifest))
        finally:
            await database.close()

    def check_catalog(self, manifest: Manifest) -> None:
        """Check the catalogue whole.

        Raises:
            DamagedPartError: It is missing, unreadable, without some of its rows, or not as it was made.
        """
        tables = CatalogTables(manifest.spec)
        database = self._open_catalog(manifest, only_quick=False)
        try:
            whole = database.run(lambda connection: has_all_rows(connection, tables, manifest))
        except BackendError as error:
            raise DamagedPartError(f"{error}: run `recsys-mcp prepare`") from error
        finally:
            database.dispose()
        if not whole:
            raise lost_rows(self._catalog_place(manifest))

    def _open_catalog(self, manifest: Manifest, *, only_quick: bool) -> SqliteDatabase:
        def open_(folder: Path) -> SqliteDatabase:
            path = folder / CATALOG_FILE
            if not path.is_file():
                raise DamagedPartError(f"the catalogue {path} is missing: run `recsys-mcp prepare`")
            return SqliteDatabase(path, "the catalogue", read_only=True)

        digests = manifest.digests_of(manifest.catalog)
        return self._folder.open(manifest.catalog, open_, digests, only_quick=only_quick)

    def _catalog_place(self, manifest: Manifest) -> str:
        return f"the catalogue {self._folder.part(manifest.catalog) / CATALOG_FILE}"

    # The model

    def make_model(self, name: str, train: Callable[[Path], None]) -> None:
        """Make a model.

        Args:
            train: Trains, and writes the artifact into the folder that it is given.
        """
        self._folder.make(name, train)

    def model(self, manifest: Manifest) -> Recommender:
        """Open the model for the catalogue that is served.

        Raises:
            DamagedPartError: It is missing, not as it was made, or trained on other data than the manifest says.
        """
        return self.model_for(manifest, lambda side: self._ids(manifest, side))

    def model_for(self, manifest: Manifest, read_ids: Callable[[Side], list[Id]]) -> Recommender:
        """Open the model for a catalogue that is kept somewhere else.

        Args:
            read_ids: Reads the catalogue's IDs, in the order of their positions.
        """
        card = manifest.card
        served = ServedIds(card.n_items, card.n_users, manifest.ids, read_ids)
        load = partial(load_artifact, fingerprint=manifest.training_fingerprint, served=served)
        return self._folder.open(manifest.model, load, manifest.digests_of(manifest.model))

    def _ids(self, manifest: Manifest, side: Side) -> list[Id]:
        database = self._open_catalog(manifest, only_quick=True)
        try:
            return database.run(lambda connection: all_ids(connection, CatalogTables(manifest.spec), side))
        finally:
            database.dispose()

    def check_model(self, manifest: Manifest) -> None:
        """Check the model whole.

        Raises:
            DamagedPartError: It is missing, not as it was made, or trained on other data than the manifest says.
        """
        check = partial(check_artifact, fingerprint=manifest.training_fingerprint)
        self._folder.open(manifest.model, check, manifest.digests_of(manifest.model), only_quick=False)

    def trained_on(self, manifest: Manifest) -> TrainedOn | None:
        """The data that the model was trained on; None for a model of an earlier version, which does not say.

        Raises:
            ArtifactError: It cannot be read.
        """
        return read_trained_on(self._folder.part(manifest.model))

    def model_header(self, manifest: Manifest) -> ArtifactHeader:
        """The header of the model.

        Raises:
            ArtifactError: It cannot be read.
        """
        return read_header(self._folder.part(manifest.model))

    # The vectors

    def make_vectors(self, name: str, contents: StoreContents, advance: Callable[[int], None]) -> None:
        """Write points into a new store of the embedded engine.

        Args:
            advance: Called with the number of points written since the last call.
        """
        self._folder.make(
            name, lambda folder: write_store(folder / STORE_FOLDER, contents.points, contents.dimension, advance)
        )

    async def vectors(self, manifest: Manifest) -> VectorStore:
        """Open the vector store.

        Raises:
            BackendError: It is missing, cannot be read, or has lost points.
        """
        return await asyncio.to_thread(self._open_vectors, manifest, only_quick=True)

    def check_vectors(self, manifest: Manifest) -> None:
        """Check the vector store whole.

        Raises:
            DamagedPartError: It is missing, unreadable, without some of its points, or not as it was made.
        """
        self._open_vectors(manifest, only_quick=False).dispose()

    def _open_vectors(self, manifest: Manifest, *, only_quick: bool) -> QdrantEdgeStore:
        assert manifest.vectors is not None  # or nobody would ask
        if self._shares_manifest and not self._folder.exists(manifest.vectors):
            raise DamagedPartError(
                f"the vectors that search needs are not in {self._folder.folder}: run `recsys-mcp prepare` on this "
                "machine, or, for all machines that share the database, set RECSYS_QDRANT_URL to a Qdrant server and "
                "run it once"
            )
        # Machines that share a manifest each make vectors of their own, whose digests are beside them.
        digests = {} if self._shares_manifest else manifest.digests_of(manifest.vectors)
        return self._folder.open(
            manifest.vectors,
            lambda folder: QdrantEdgeStore(folder / STORE_FOLDER, manifest.n_searchable),
            digests,
            only_quick=only_quick,
        )

    # Item sets

    @asynccontextmanager
    async def item_sets(self, days: float) -> AsyncIterator[ItemSets]:
        """Open the item sets.

        Args:
            days: Days after which an unused set is forgotten.

        Raises:
            BackendError: Their database cannot be used.
        """
        name, file = "the database of item sets", self._folder.item_sets_file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(error, file.parent, name) or error from error
        # Sets can be made again by the tools that have made them, and writing one takes a tenth of the time unsynced.
        database = SqliteDatabase(file, name, read_only=False, synced=False)
        try:
            if await asyncio.to_thread(database.is_damaged):
                logger.warning("%s (%s) is damaged: it is made again; earlier item sets are forgotten", name, file)
                database.dispose()
                file.unlink(missing_ok=True)
            await database.write(create_item_sets)
            yield ItemSets(database, days)
        finally:
            await database.close()


def has_all_rows(connection: Connection, tables: CatalogTables, manifest: Manifest) -> bool:
    """True if a catalogue has as many rows as its manifest says. Interactions are counted too, which opening a
    catalogue leaves out, because there may be millions.
    """
    layout = Layout.read(connection, tables)
    n_pairs = connection.scalar(select(func.count()).select_from(tables.interactions))
    for table in (tables.item_terms, tables.terms, tables.segments):
        connection.execute(select(table).limit(1))
    return _fits(layout, manifest) and n_pairs == manifest.card.n_pairs


def all_ids(connection: Connection, tables: CatalogTables, side: Side) -> list[Id]:
    """The IDs of a catalogue's items or users, in the order of their positions."""
    columns = (tables.items if side == "items" else tables.users).c
    return list(connection.scalars(select(columns.id).order_by(columns.idx)))


def lost_rows(place: str) -> DamagedPartError:
    return DamagedPartError(f"{place} has lost rows: run `recsys-mcp prepare`")


async def read_catalog(database: Database, tables: CatalogTables, manifest: Manifest, place: str) -> Catalog:
    """The catalogue in a database.

    Raises:
        BackendError: The database cannot be read, or the catalogue has lost rows.
    """
    layout = await database.scan(lambda connection: Layout.read(connection, tables))
    if not _fits(layout, manifest):
        raise lost_rows(place)
    arrays = Arrays(database, tables.arrays)
    item_ids = await read_item_ids(arrays, manifest.spec.items.id_type)
    ranges = {"items": manifest.card.item_ids, "users": manifest.card.user_ids}
    return Catalog(database, tables, layout, arrays, item_ids, manifest.spec, ranges)


def _fits(layout: Layout, manifest: Manifest) -> bool:
    return (layout.n_items, layout.n_users) == (manifest.card.n_items, manifest.card.n_users)
