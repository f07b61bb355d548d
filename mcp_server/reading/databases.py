"""Databases as sources: queries of a dataset, run where the user says, and their results as files."""

import importlib.util
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import CursorResult
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from mcp_server.errors import MOST_CHARACTERS, DatasetError
from mcp_server.files.disk import unwritable
from mcp_server.reading.database_connections import OPENERS, connect
from mcp_server.reading.database_sql import Dialect, check_query
from mcp_server.reading.query_results import ResultFile
from mcp_server.reading.session import LONGEST_STATEMENT_SECONDS
from recsys_shared.plain_text import cut

BATCH = 10_000
"""Rows that are fetched at a time."""

LONGEST_QUERY_SECONDS = LONGEST_STATEMENT_SECONDS

DIALECTS: dict[str, Dialect] = {
    "mysql": "mysql",
    "mariadb": "mysql",
    "postgresql": "postgresql",
    "sqlite": "sqlite",
}

EXAMPLE = "mysql://USER:PASSWORD@HOST/DATABASE"

TOO_LONG = frozenset({1969, 3024, "57014"})
"""Codes of statements that were stopped: MariaDB's and MySQL's numbers, PostgreSQL's SQLSTATE."""


class Databases:
    """The databases that the user has named.

    Args:
        urls: SQLAlchemy URLs by name.
    """

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = dict(urls)

    def fetch(self, name: str, query: str, target: Path, advance: Callable[[int], None] = lambda n_rows: None) -> None:
        """Write the result of a query as a CSV file with a header line.

        Args:
            advance: Called with the number of rows so far.

        Raises:
            DatasetError: The user has named no such database, or it cannot be read; the text has no password.
            UnwritableError: There is no room for the result.
        """
        database = self._find(name)
        statement = check_query(query, DIALECTS[database.url.get_backend_name()], f"the query of {name}")
        try:
            with target.open("wb") as stream:
                database.fetch(statement, lambda names: ResultFile(stream, names, database.query), advance)
        except OSError as error:
            raise unwritable(error, target.parent, f"the folder of temporary files {target.parent}") or error from error

    def _find(self, name: str) -> "_Database":
        if name not in self._urls:
            raise DatasetError(
                f"the dataset reads from a database that it calls {name}: give its URL with --source {name}=URL or "
                f"RECSYS_SOURCE_{name.upper()}"
            )
        return _Database(name, _parse_url(name, self._urls[name]))


@dataclass(frozen=True)
class _Database:
    """A database that the user has named."""

    name: str
    url: URL

    def __str__(self) -> str:
        """The database as messages name it: without a user, a password or options."""
        return f"the database {self.name} ({_shown(self.url)})"

    @property
    def query(self) -> str:
        return f"the query of {self.name} ({_shown(self.url)})"

    def fetch(self, statement: str, begin: Callable[[list[str]], ResultFile], advance: Callable[[int], None]) -> None:
        """Run a checked statement, and write its rows into the file that ``begin`` makes for the column names."""
        end, is_connected = time.monotonic() + LONGEST_QUERY_SECONDS, False
        try:
            with connect(self.url, LONGEST_QUERY_SECONDS) as connection:
                is_connected = True
                options = {"stream_results": True, "yield_per": BATCH, "no_parameters": True}
                result = connection.execution_options(**options).exec_driver_sql(statement)
                file = begin(_names(result))
                for rows in result.partitions(BATCH):
                    file.add(rows)
                    advance(file.n_rows)
                    if time.monotonic() > end:
                        raise self._too_long()
        except (SQLAlchemyError, OSError, TypeError) as error:  # the latter are about options of the URL
            if is_connected and not isinstance(error, SQLAlchemyError):
                raise
            raise self._explain(error, is_connected, time.monotonic() > end) from None

    def _too_long(self) -> DatasetError:
        return DatasetError(f"{self.query} took longer than {LONGEST_QUERY_SECONDS:.0f} s")

    def _explain(self, error: Exception, is_connected: bool, is_over: bool) -> DatasetError:
        """An error in words, without the URL's secrets."""
        cause: Any = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        code = getattr(cause, "sqlstate", None) or (cause.args[0] if cause.args else None)
        if code in TOO_LONG or (is_over and "interrupted" in str(cause)):
            return self._too_long()
        said = getattr(getattr(cause, "diag", None), "message_primary", None) or str(cause.args[-1:] and cause.args[-1])
        for secret in _secrets(self.url):
            said = said.replace(secret, "***")
        reason = cut(" ".join(said.split()), MOST_CHARACTERS)
        if is_connected:
            return DatasetError(f"{self.query} fails: {reason}")
        variable = f"RECSYS_SOURCE_{self.name.upper()}"
        return DatasetError(
            f"{self} cannot be reached: {reason.rstrip('.?')}. Check --source {self.name}=URL or {variable}"
        )


def _names(result: CursorResult[Any]) -> list[str]:
    """Names of the columns, as the database writes them."""
    assert result.cursor is not None
    return [str(column[0]) for column in result.cursor.description]


def _parse_url(name: str, written: str) -> URL:
    """The URL of a database that can be read.

    Raises:
        DatasetError: It is none. The text shows nothing of it, for a mistyped URL may show its password.
    """
    place = f"source {name}"
    if written.startswith("postgres://"):
        written = f"postgresql{written.removeprefix('postgres')}"
    try:
        url = make_url(written.strip())
    except (ArgumentError, ValueError):
        raise DatasetError(f"{place}: its URL cannot be read: it looks like {EXAMPLE}") from None
    backend = url.get_backend_name()
    if backend not in OPENERS:
        raise DatasetError(f"{place}: MySQL, MariaDB, PostgreSQL and SQLite can be read, with a URL such as {EXAMPLE}")
    if backend != "sqlite" and written.count("@") > 1:
        raise DatasetError(f"{place}: its URL has an @ in the user or password: write it as %40")
    if backend == "postgresql" and importlib.util.find_spec("psycopg") is None:
        raise DatasetError(f"{place}: PostgreSQL needs a driver: pip install 'recsys-mcp[postgres]'")
    if backend == "sqlite" and not Path(url.database or "").expanduser().is_file():
        raise DatasetError(f"{place}: there is no file {_shown(url).removeprefix('sqlite:///')}")
    return url


def _shown(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return f"sqlite:///{url.database or ''}"
    port = f":{url.port}" if url.port else ""
    return f"{url.get_backend_name()}://{url.host or ''}{port}/{url.database or ''}"


def _secrets(url: URL) -> Iterator[str]:
    """The password, and options that may be one."""
    if url.password:
        yield str(url.password)
    yield from (value for name, value in url.query.items() if "pass" in name and isinstance(value, str))
