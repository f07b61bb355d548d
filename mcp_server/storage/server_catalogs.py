"""Catalogues as parts on a database server: tables."""

import re
from collections.abc import Callable, Collection

from sqlalchemy import Connection, inspect, text

from mcp_server.catalog.catalog import Catalog
from mcp_server.catalog.loader import load_catalog
from mcp_server.catalog.schema import CatalogTables
from mcp_server.catalog.server_database import ServerDatabase
from mcp_server.current import Current
from mcp_server.dataset.records import Dataset
from mcp_server.storage.catalogs import has_all_rows, open_catalog
from mcp_server.storage.database_record import DatabaseRecord

DROP_WAIT_SECONDS = 60
"""How long dropping a table waits for a query that still reads it."""


OURS = re.compile(r"recsys_([0-9a-f]{16})_(?:items|terms|item_terms|users|interactions)")
"""Names of a catalogue's tables."""


class ServerCatalogs:
    """Catalogues on a database server: tables whose names begin with the part's fingerprint.

    Args:
        database: For serving; whoever made it closes it.
        record: Says which are complete.
    """

    def __init__(self, database: ServerDatabase, record: DatabaseRecord) -> None:
        self._database, self._record = database, record

    def exists(self, name: str) -> bool:
        return self._record.has_part(name)

    def make(self, name: str, dataset: Dataset, advance: Callable[[int], None]) -> None:
        self._drop(name)  # what a killed process has left
        with self._record.connected() as connection:
            tables = CatalogTables(dataset.spec, _prefix(name), _collation(connection))
            load_catalog(connection, tables, dataset, advance)
        with self._record.connected() as connection:
            names = ", ".join(connection.dialect.identifier_preparer.quote(table) for table in tables.metadata.tables)
            connection.exec_driver_sql(f"ANALYZE TABLE {names}").all()
            self._record.add_part(connection, name)

    async def open(self, current: Current) -> Catalog:
        tables = CatalogTables(current.spec, _prefix(current.catalog))
        return await open_catalog(self._database, tables, current, self._record.place)

    def is_damaged(self, current: Current) -> bool:
        """Raises: BackendError: the database cannot be used, which says nothing of the catalogue."""
        tables = CatalogTables(current.spec, _prefix(current.catalog))
        with self._record.connected() as connection:
            present = set(inspect(connection).get_table_names())
            if not present.issuperset(tables.metadata.tables):
                return True
            return not has_all_rows(connection, tables, current)

    def discard(self, name: str) -> None:
        self._record.discard_part(name)
        self._drop(name)

    def keep_only(self, names: Collection[str]) -> None:
        for name in self._record.parts("catalog"):
            if name not in names:
                self.discard(name)

    def discard_rests(self) -> None:
        """Drop the tables of catalogues that are not complete: what killed processes have left."""
        complete = set(self._record.parts("catalog"))
        with self._record.connected() as connection:
            found = {match[1] for match in map(OURS.fullmatch, inspect(connection).get_table_names()) if match}
        for fingerprint in found:
            if f"catalog-{fingerprint}" not in complete:
                self._drop(f"catalog-{fingerprint}")

    def _drop(self, name: str) -> None:
        with self._record.connected() as connection:
            tables = [table for table in inspect(connection).get_table_names() if table.startswith(_prefix(name))]
            if not tables:
                return
            quoted = ", ".join(connection.dialect.identifier_preparer.quote(table) for table in tables)
            connection.execute(text("SET SESSION lock_wait_timeout = :wait"), {"wait": DROP_WAIT_SECONDS})
            connection.execute(text("SET SESSION foreign_key_checks = 0"))
            connection.exec_driver_sql(f"DROP TABLE {quoted}")
            connection.execute(text("SET SESSION foreign_key_checks = 1"))


def _prefix(name: str) -> str:
    """Of the names of a catalogue's tables."""
    return f"recsys_{name.removeprefix('catalog-')}_"


def _collation(connection: Connection) -> str:
    """Compares by code points, spaces at the end included, as Python does."""
    mariadb = getattr(connection.dialect, "is_mariadb", False)
    return "utf8mb4_nopad_bin" if mariadb else "utf8mb4_0900_bin"
