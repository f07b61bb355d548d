"""Catalogues as parts, and those in the state folder, which are SQLite files."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, create_engine, func, select
from sqlalchemy.engine import URL

from mcp_server.catalog.catalog import Catalog
from mcp_server.catalog.layout import Layout
from mcp_server.catalog.loader import load_catalog
from mcp_server.catalog.schema import CatalogTables
from mcp_server.dataset.records import Dataset
from mcp_server.errors import BackendError, DamagedPartError
from mcp_server.sql.database import Database
from mcp_server.sql.embedded import EmbeddedDatabase
from mcp_server.state.folder import CATALOG_FILE, StateFolder
from mcp_server.state.manifest import Manifest
from mcp_server.state.parts import FolderParts, Parts


class Catalogs(Parts, Protocol):
    """The catalogues of one place."""

    def make(self, name: str, dataset: Dataset, advance: Callable[[int], None]) -> None:
        """Make a catalogue.

        Args:
            advance: Called with the number of interactions written since the last call.
        """

    async def open(self, current: Manifest) -> Catalog:
        """Raises: BackendError: it is missing, cannot be read, or has lost rows."""

    def check(self, current: Manifest) -> None:
        """Raises: DamagedPartError: it is missing, unreadable, without some of its rows, or not as it was made."""


def _fits(layout: Layout, current: Manifest) -> bool:
    return (layout.n_items, layout.n_users) == (current.card.n_items, current.card.n_users)


def has_all_rows(connection: Connection, tables: CatalogTables, current: Manifest) -> bool:
    """Counts interactions too, which opening a catalogue leaves out, for there may be millions."""
    layout = Layout.read(connection, tables)
    n_interactions = connection.scalar(select(func.count()).select_from(tables.interactions))
    connection.execute(select(tables.item_terms).limit(1))
    connection.execute(select(tables.terms).limit(1))
    return _fits(layout, current) and n_interactions == current.card.n_interactions


def lost_rows(place: str) -> DamagedPartError:
    return DamagedPartError(f"{place} has lost rows: run `recsys-mcp prepare`")


async def open_catalog(database: Database, tables: CatalogTables, current: Manifest, place: str) -> Catalog:
    layout = await database.scan(lambda connection: Layout.read(connection, tables))
    if not _fits(layout, current):
        raise lost_rows(place)
    ids = {"items": current.card.item_ids, "users": current.card.user_ids}
    return Catalog(database, tables, layout, current.spec, ids)


class FolderCatalogs(FolderParts):
    """Catalogues in the state folder."""

    def __init__(self, state: StateFolder) -> None:
        super().__init__(state, "catalog")

    def make(self, name: str, dataset: Dataset, advance: Callable[[int], None]) -> None:
        def fill(folder: Path) -> None:
            engine = create_engine(URL.create("sqlite", database=str(folder / CATALOG_FILE)))
            with engine.begin() as connection:
                load_catalog(connection, CatalogTables(dataset.spec), dataset, advance)
            with engine.connect() as connection:
                connection.exec_driver_sql("ANALYZE")
                connection.commit()
            engine.dispose()

        self.make_files(name, fill)

    def _database(self, current: Manifest) -> EmbeddedDatabase:
        path = self.path(current.catalog) / CATALOG_FILE
        if not path.is_file():
            raise DamagedPartError(f"the catalogue {path} is missing: run `recsys-mcp prepare`")
        return EmbeddedDatabase(path, "the catalogue", read_only=True)

    def _place(self, current: Manifest) -> str:
        return f"the catalogue {self.path(current.catalog) / CATALOG_FILE}"

    async def open(self, current: Manifest) -> Catalog:
        database = await asyncio.to_thread(self._open, current, only_quick=True)
        return await open_catalog(database, CatalogTables(current.spec), current, self._place(current))

    def _open(self, current: Manifest, *, only_quick: bool) -> EmbeddedDatabase:
        digests = current.digests_of(current.catalog)
        return self.read(current.catalog, lambda folder: self._database(current), digests, only_quick=only_quick)

    def check(self, current: Manifest) -> None:
        tables = CatalogTables(current.spec)
        database = self._open(current, only_quick=False)
        try:
            whole = database.run(lambda connection: has_all_rows(connection, tables, current))
        except BackendError as error:
            raise DamagedPartError(f"{error}: run `recsys-mcp prepare`") from error
        finally:
            database.dispose()
        if not whole:
            raise lost_rows(self._place(current))
