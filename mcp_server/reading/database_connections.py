"""Connections to databases that datasets read from: read-only, with a time limit, and with values as they are.

The drivers turn values into Python's, which cannot hold all of them (dates before the year 1, numbers of JSON, an
infinite time). Here they stay the text that the database writes.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pymysql.connections import Connection as MysqlConnection
from pymysql.constants import CLIENT, FIELD_TYPE
from pymysql.converters import encoders
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from mcp_server.errors import DatasetError
from mcp_server.reading.text_files import LONGEST_ROW

CONNECT_SECONDS = 10

STEPS_BETWEEN_LOOKS = 100_000
"""Steps of SQLite's machine between two looks at the clock: a few milliseconds."""

SQL_MODE = "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"
"""The mode of MySQL for which queries are checked: double quotation marks are for texts, and backslashes quote."""

READABLE = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
"""All that a query may do in SQLite, functions aside."""


@contextmanager
def connect(url: URL, seconds: float) -> Iterator[Connection]:
    """A connection within a transaction that cannot write.

    Args:
        url: Its driver is one of ``OPENERS``.
        seconds: Time that a statement may take.

    Raises:
        SQLAlchemyError: The database cannot be reached, or the statements within fail.
    """
    engine = OPENERS[url.get_backend_name()](url, seconds)
    try:
        with engine.connect() as connection:
            for statement in _beginning(connection, seconds):
                connection.exec_driver_sql(statement)
            driver = connection.connection.driver_connection
            if isinstance(driver, sqlite3.Connection):
                driver.set_authorizer(_authorize)  # not before: SQLAlchemy asks about the version first
            try:
                yield connection
            except BaseException:
                _give_up(connection)
                raise
    finally:
        engine.dispose()


def _give_up(connection: Connection) -> None:
    """Close a connection whose result has not been read to its end."""
    driver = connection.connection.driver_connection
    if isinstance(driver, MysqlConnection) and driver._result is not None:
        driver._result.unbuffered_active = False  # it would read all other rows first
    connection.invalidate()


def _beginning(connection: Connection, seconds: float) -> list[str]:
    milliseconds = round(seconds * 1000)
    if connection.dialect.name == "postgresql":
        return [
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
            f"SET LOCAL statement_timeout = {milliseconds}",
            "SET LOCAL TimeZone = 'UTC'",
            "SET LOCAL DateStyle = 'ISO'",
            "SET LOCAL IntervalStyle = 'iso_8601'",
            "SET LOCAL standard_conforming_strings = on",
            "SET LOCAL synchronize_seqscans = off",  # by which a table's rows come in another order each time
        ]
    if connection.dialect.name in ("mysql", "mariadb"):
        limit = f"max_statement_time = {seconds}"
        if not getattr(connection.dialect, "is_mariadb", False):
            limit = f"max_execution_time = {milliseconds}"
        return [
            f"SET SESSION sql_mode = '{SQL_MODE}', time_zone = '+00:00', {limit}",
            "START TRANSACTION READ ONLY",
        ]
    return []


def _open_mysql(url: URL, seconds: float) -> Engine:
    number = {FIELD_TYPE.BIT: lambda value: int.from_bytes(value, "big")}
    day = dict.fromkeys((FIELD_TYPE.DATE, FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP, FIELD_TYPE.NEWDATE), _known_date)
    if url.password is not None:  # the driver sends it as Latin-1, and servers take it as UTF-8
        url = url.set(password=str(url.password).encode().decode("latin-1"))
    arguments = {
        "conv": {**encoders, **number, **day},
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": seconds + CONNECT_SECONDS,
        "program_name": "recsys-mcp",
    }
    engine = create_engine(url.set(drivername="mysql+pymysql"), connect_args=arguments, poolclass=NullPool)
    if any(option.startswith("ssl") for option in url.query):
        event.listen(engine, "connect", _insist_on_tls)
    return engine


def _known_date(value: str) -> str | None:
    """A date; None for 0000-00-00, which stands for none."""
    return None if value.startswith("0000-00-00") else value


def _insist_on_tls(connection: Any, _record: object) -> None:
    """Refuse servers that do not offer TLS: the driver goes on without it then."""
    if not connection.server_capabilities & CLIENT.SSL:
        raise DatasetError("it does not offer TLS, which the URL asks for")


def _open_postgresql(url: URL, _seconds: float) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={"connect_timeout": CONNECT_SECONDS, "application_name": "recsys-mcp"},
        poolclass=NullPool,
    )
    event.listen(engine, "connect", _keep_texts)
    return engine


def _keep_texts(connection: Any, _record: object) -> None:
    """Take values as PostgreSQL writes them. Arrays become lists of such texts."""
    from psycopg.types.string import TextLoader

    for known in connection.adapters.types:
        if known.name not in ("bool", "bytea", "int2", "int4", "int8"):
            connection.adapters.register_loader(known.oid, TextLoader)


def _open_sqlite(url: URL, seconds: float) -> Engine:
    path = Path(url.database or "").expanduser().absolute()

    def open_file() -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
        connection.execute("PRAGMA query_only = on")
        connection.execute("PRAGMA trusted_schema = off")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_ROW)
        end = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > end, STEPS_BETWEEN_LOOKS)
        return connection

    return create_engine("sqlite://", creator=open_file, poolclass=NullPool)


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """The answer to SQLite, which asks for each thing that a statement does."""
    if action in READABLE or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() != "load_extension"):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


OPENERS: dict[str, Callable[[URL, float], Engine]] = {
    "mysql": _open_mysql,
    "mariadb": _open_mysql,
    "postgresql": _open_postgresql,
    "sqlite": _open_sqlite,
}
"""By the beginning of a URL."""
