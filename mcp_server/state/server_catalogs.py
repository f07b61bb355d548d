"""Catalogues as parts on a database server: tables."""

from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy import Connection, inspect

from mcp_server.catalog.catalog import Catalog
from mcp_server.catalog.loader import load_catalog
from mcp_server.catalog.schema import CatalogTables
from mcp_server.dataset.records import Dataset
from mcp_server.errors import DamagedPartError
from mcp_server.files.digests import Digests
from mcp_server.sql.server import ServerDatabase
from mcp_server.state.catalogs import has_all_rows, lost_rows, open_catalog
from mcp_server.state.database import DatabaseRecord
from mcp_server.state.database_tables import catalog_prefix, content_checksums, drop_catalog, quoted
from mcp_server.state.manifest import Manifest


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
        with self._record.connected() as connection:
            tables = CatalogTables(dataset.spec, catalog_prefix(name), _collation(connection))
            load_catalog(connection, tables, dataset, advance)
        with self._record.connected() as connection:
            connection.exec_driver_sql(f"ANALYZE TABLE {quoted(connection, tables.metadata.tables)}").all()
            self._record.add_part(connection, name, content_checksums(connection, name))

    async def open(self, current: Manifest) -> Catalog:
        tables = CatalogTables(current.spec, catalog_prefix(current.catalog))
        return await open_catalog(self._database, tables, current, self._record.place)

    def check(self, current: Manifest) -> None:
        """Raises: BackendError: the database cannot be used, which says nothing of the catalogue."""
        tables = CatalogTables(current.spec, catalog_prefix(current.catalog))
        place, expected = f"the catalogue in {self._record.place}", current.digests_of(current.catalog)
        with self._record.connected() as connection:
            missing = set(tables.metadata.tables) - set(inspect(connection).get_table_names())
            if missing:
                raise DamagedPartError(f"{place} has lost its table {min(missing)}: run `recsys-mcp prepare`")
            if not has_all_rows(connection, tables, current):
                raise lost_rows(place)
            found = _written(content_checksums(connection, current.catalog)) if expected else {}
        for table in expected:
            if found.get(table) != expected[table]:
                raise DamagedPartError(
                    f"{place} is not as it was made (table {table} has changed): "
                    "run `recsys-mcp prepare` to make it again"
                )

    def digests(self, name: str) -> Digests:
        return _written(self._record.files_of(name) or self._found(name))

    def is_whole(self, name: str) -> bool:
        recorded = self._record.files_of(name)
        return not recorded or recorded == self._found(name)

    def _found(self, name: str) -> dict[str, list[int]]:
        with self._record.connected() as connection:
            return content_checksums(connection, name)

    def discard(self, name: str) -> None:
        self._record.discard_part(name)
        with self._record.connected() as connection:
            drop_catalog(connection, name)

    def keep_only(self, names: Collection[str]) -> None:
        for name in self._record.parts("catalog"):
            if name not in names:
                self.discard(name)


def _written(checksums: Mapping[str, Sequence[int]]) -> dict[str, str]:
    """As the record has them."""
    return {table: f"{n_rows} rows, {checksum:016x}" for table, (n_rows, checksum) in checksums.items()}


def _collation(connection: Connection) -> str:
    """Compares by code points, spaces at the end included, as Python does."""
    mariadb = getattr(connection.dialect, "is_mariadb", False)
    return "utf8mb4_nopad_bin" if mariadb else "utf8mb4_0900_bin"
