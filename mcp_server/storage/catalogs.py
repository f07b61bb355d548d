"""Catalogues as parts, and those in the state folder, which are SQLite files."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, create_engine, func, select
from sqlalchemy.engine import URL

from mcp_server.catalog.catalog import Catalog
from mcp_server.catalog.database import Database
from mcp_server.catalog.embedded_database import EmbeddedDatabase
from mcp_server.catalog.layout import Layout
from mcp_server.catalog.loader import load_catalog
from mcp_server.catalog.schema import CatalogTables
from mcp_server.current import Current
from mcp_server.dataset.records import Dataset
from mcp_server.errors import BackendError
from mcp_server.state import CATALOG_FILE, State
from mcp_server.storage.parts import FolderParts, Parts


class Catalogs(Parts, Protocol):
    """The catalogues of one place."""

    def make(self, name: str, dataset: Dataset, advance: Callable[[int], None]) -> None:
        """Make a catalogue.

        Args:
            advance: Called with the number of interactions written since the last call.
        """

    async def open(self, current: Current) -> Catalog:
        """Raises: BackendError: it is missing, cannot be read, or has lost rows."""

    def is_damaged(self, current: Current) -> bool:
        """Is it missing, unreadable, or without some of its rows?"""


def _fits(layout: Layout, current: Current) -> bool:
    return (layout.n_items, layout.n_users) == (current.card.n_items, current.card.n_users)


def has_all_rows(connection: Connection, tables: CatalogTables, current: Current) -> bool:
    """Counts interactions too, which opening a catalogue leaves out, for there may be millions."""
    layout = Layout.read(connection, tables)
    n_interactions = connection.scalar(select(func.count()).select_from(tables.interactions))
    connection.execute(select(tables.item_terms).limit(1))
    connection.execute(select(tables.terms).limit(1))
    return _fits(layout, current) and n_interactions == current.card.n_interactions


async def open_catalog(database: Database, tables: CatalogTables, current: Current, place: str) -> Catalog:
    layout = await database.scan(lambda connection: Layout.read(connection, tables))
    if not _fits(layout, current):
        raise BackendError(f"{place} has lost rows: run `recsys-mcp prepare`")
    ids = {"items": current.card.item_ids, "users": current.card.user_ids}
    return Catalog(database, tables, layout, current.spec, ids)


class FolderCatalogs(FolderParts):
    """Catalogues in the state folder."""

    def __init__(self, state: State) -> None:
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

    def _database(self, current: Current) -> EmbeddedDatabase:
        path = self.path(current.catalog) / CATALOG_FILE
        if not path.is_file():
            raise BackendError(f"the catalogue {path} is missing: run `recsys-mcp prepare`")
        return EmbeddedDatabase(path, "the catalogue", read_only=True)

    async def open(self, current: Current) -> Catalog:
        place = f"the catalogue {self.path(current.catalog) / CATALOG_FILE}"
        return await open_catalog(self._database(current), CatalogTables(current.spec), current, place)

    def is_damaged(self, current: Current) -> bool:
        tables = CatalogTables(current.spec)
        try:
            database = self._database(current)
            whole = database.run(lambda connection: has_all_rows(connection, tables, current))
            database.dispose()
        except BackendError:
            return True
        return not whole
