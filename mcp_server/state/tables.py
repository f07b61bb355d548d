"""The tables of a state in a MySQL or MariaDB database.

All names begin with "recsys":

    recsys_state    one row: the manifest, and when it was published, in microseconds since 1970
    recsys_parts    names of the parts that are complete: a catalogue's tables, a model's files
    recsys_files    the files of models, in pieces
    recsys_<fingerprint>_items, ...   the tables of a catalogue

MySQL can undo a change of rows, but not the creation of a table. So a part counts only when its name is in
recsys_parts, which is written last.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    inspect,
    select,
    text,
)

DROP_WAIT_SECONDS = 60
"""Time that dropping a table waits for queries that still read it."""

_OF_CATALOG = re.compile(r"recsys_([0-9a-f]{16})_(?:items|terms|item_terms|users|interactions|segments|arrays)")

metadata = MetaData()
_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}
STATE = Table(
    "recsys_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="1"),
    Column("version", BigInteger, nullable=False),
    Column("content", Text(2**24 - 1), nullable=False, comment="JSON"),
    **_OPTIONS,
)
PARTS = Table(
    "recsys_parts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("made_at", BigInteger, nullable=False, comment="seconds since 1970"),
    # For a catalogue, the number of rows and a checksum of each table.
    Column("files", Text(2**24 - 1), nullable=False, comment="JSON: size, number of pieces and checksum by path"),
    **_OPTIONS,
)
FILES = Table(
    "recsys_files",
    metadata,
    Column("part", String(64), primary_key=True),
    Column("path", String(255, collation="utf8mb4_bin"), primary_key=True),
    Column("piece", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary(2**24 - 1), nullable=False, comment="deflated"),
    **_OPTIONS,
)


def catalog_prefix(name: str) -> str:
    """The beginning of the names of a catalogue's tables, by the name of its part."""
    return f"recsys_{name.removeprefix('catalog-')}_"


def quoted(connection: Connection, tables: Iterable[str]) -> str:
    """Names of tables, quoted for a statement."""
    return ", ".join(connection.dialect.identifier_preparer.quote(table) for table in tables)


def content_checksums(connection: Connection, name: str) -> dict[str, list[int]]:
    """Number of rows and checksum of each table of a catalogue, by the table's name without the prefix.

    The checksum is the exclusive or of the rows' SHA-256, each cut to 64 bits. The server computes it. Unlike the
    result of CHECKSUM TABLE, it stays the same when a new version of the server stores rows in another way.
    """
    inspector, prefix = inspect(connection), catalog_prefix(name)
    quote = connection.dialect.identifier_preparer.quote
    found = {}
    for table in sorted(table for table in inspector.get_table_names() if table.startswith(prefix)):
        columns = ", ".join(f"QUOTE({quote(column['name'])})" for column in inspector.get_columns(table))
        row = f"CAST(CONV(LEFT(SHA2(CONCAT_WS(',', {columns}), 256), 16), 16, 10) AS UNSIGNED)"
        n_rows, checksum = connection.exec_driver_sql(f"SELECT COUNT(*), BIT_XOR({row}) FROM {quote(table)}").one()
        found[table.removeprefix(prefix)] = [int(n_rows), int(checksum)]
    return found


def as_digests(checksums: Mapping[str, Sequence[int]]) -> dict[str, str]:
    """Checksums of tables in the form in which a manifest has them."""
    return {table: f"{n_rows} rows, {checksum:016x}" for table, (n_rows, checksum) in checksums.items()}


def drop_catalog(connection: Connection, name: str) -> None:
    """Drop all tables of a catalogue that exist."""
    tables = [table for table in inspect(connection).get_table_names() if table.startswith(catalog_prefix(name))]
    if not tables:
        return
    connection.execute(text("SET SESSION lock_wait_timeout = :wait"), {"wait": DROP_WAIT_SECONDS})
    connection.execute(text("SET SESSION foreign_key_checks = 0"))
    connection.exec_driver_sql(f"DROP TABLE {quoted(connection, tables)}")
    connection.execute(text("SET SESSION foreign_key_checks = 1"))


def discard_leftovers(connection: Connection) -> None:
    """Remove tables and files of incomplete parts, which killed processes have left behind."""
    complete = set(connection.scalars(select(PARTS.c.name)))
    of_catalogs = map(_OF_CATALOG.fullmatch, inspect(connection).get_table_names())
    for name in {f"catalog-{table[1]}" for table in of_catalogs if table} - complete:
        drop_catalog(connection, name)
    connection.execute(delete(FILES).where(FILES.c.part.not_in(select(PARTS.c.name))))
