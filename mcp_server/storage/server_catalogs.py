"""Catalogues as parts on a database server: tables."""

from collections.abc import Callable, Collection

from sqlalchemy import Connection, inspect, text

from mcp_server.catalog.catalog import Catalog
from mcp_server.catalog.layout import Layout
from mcp_server.catalog.loader import load_catalog
from mcp_server.catalog.schema import CatalogTables
from mcp_server.catalog.server_address import ServerAddress
from mcp_server.catalog.server_database import ServerDatabase
from mcp_server.current import Current
from mcp_server.dataset.records import Dataset
from mcp_server.storage.catalogs import has_all, open_catalog
from mcp_server.storage.database_record import DatabaseRecord

DROP_WAIT_SECONDS = 60
"""How long dropping a table waits for a query that still reads it."""


class ServerCatalogs:
    """Catalogues on a database server: tables whose names begin with the part's fingerprint.

    Args:
        record: Says which are complete.
    """

    def __init__(self, address: ServerAddress, record: DatabaseRecord) -> None:
        self._address, self._record = address, record

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
        return await open_catalog(ServerDatabase(self._address), tables, current, f"the database at {self._address}")

    def is_damaged(self, current: Current) -> bool:
        """Raises: BackendError: the database cannot be used, which says nothing of the catalogue."""
        tables = CatalogTables(current.spec, _prefix(current.catalog))
        with self._record.connected() as connection:
            present = set(inspect(connection).get_table_names())
            if not present.issuperset(tables.metadata.tables):
                return True
            return not has_all(Layout.read(connection, tables), current)

    def discard(self, name: str) -> None:
        self._record.discard_part(name)
        self._drop(name)

    def keep_only(self, names: Collection[str]) -> None:
        for name in self._record.parts("catalog"):
            if name not in names:
                self.discard(name)

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
