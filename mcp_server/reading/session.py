"""A DuckDB database in a scratch folder, which reads the files that it is told and nothing else."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from mcp_server.errors import DatasetError
from mcp_server.files.disk import no_room
from mcp_server.reading.sql_text import reason_of

MEMORY_LIMIT = "1GB"
"""Memory for data. What is larger goes to the scratch folder."""

SCRATCH_LIMIT = "50GB"

MOST_THREADS = 8
"""Upper bound on threads, each of which has buffers of its own within the memory limit."""

LONGEST_STATEMENT_SECONDS = 900.0
"""Time after which a statement is given up: a query of a dataset may be without end."""

BATCH = 10_000
"""Rows that are fetched at a time."""


_Config = dict[str, str | bool | int | float | list[str]]


def _config(folder: Path) -> _Config:
    return {
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_unsigned_extensions": False,
        "memory_limit": MEMORY_LIMIT,
        "threads": min(os.cpu_count() or 1, MOST_THREADS),
        "max_temp_directory_size": SCRATCH_LIMIT,
        "temp_directory": str(folder / "spilled"),
        "secret_directory": str(folder / "secrets"),
        "extension_directory": str(folder / "extensions"),
    }


class Session:
    """One connection to the database.

    Args:
        folder: An empty folder, for the database and what does not fit into memory.
        files: Files that may be read. Everything else is closed: other files, other hosts, extensions, settings.
        folders: Folders of which all files may be read.

    Raises:
        UnwritableError: The folder cannot be written.
    """

    def __init__(self, folder: Path, files: Iterable[Path], folders: Iterable[Path]) -> None:
        self._folder = folder
        self._connection = self._connect(_config(folder), read_only=False)
        self._connection.execute("SET allowed_paths = ?", [[str(file) for file in files]])
        self._connection.execute("SET allowed_directories = ?", [[str(each) for each in folders]])
        self._connection.execute("SET enable_external_access = false")

    @classmethod
    def reopen(cls, folder: Path) -> "Session":
        """The tables of a session that has been closed, to be read."""
        session = cls.__new__(cls)
        session._folder = folder
        session._connection = session._connect(_config(folder), read_only=True)
        session._connection.execute("SET enable_external_access = false")
        session.lock()
        return session

    def _connect(self, config: _Config, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        try:
            connection = duckdb.connect(str(self._folder / "reading.duckdb"), read_only=read_only, config=config)
        except duckdb.Error as error:
            raise self._failure(error, "the scratch database") from error
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET TimeZone = 'UTC'")
        return connection

    def add_function(self, name: str, function: Callable[[str], str]) -> None:
        """Add a function of one text to the SQL of this session. Unknown texts stay unknown."""
        self._connection.create_function(name, function, ["VARCHAR"], "VARCHAR")

    def lock(self) -> None:
        """Close the settings, before anything of a dataset runs."""
        self._connection.execute("SET lock_configuration = true")

    def run(self, statement: str, what: str, parameters: Sequence[Any] = ()) -> duckdb.DuckDBPyConnection:
        """Run a statement.

        Args:
            what: The thing that is read, for messages.

        Raises:
            DatasetError: DuckDB refuses the statement, or it takes too much time or memory.
            UnwritableError: There is no room in the scratch folder.
        """
        with self._limited(self._connection, what):
            return self._connection.execute(statement, list(parameters))

    def row(self, statement: str, what: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...]:
        """The one row that a statement finds."""
        with self._limited(self._connection, what):
            found = self._connection.execute(statement, list(parameters)).fetchone()
        assert found is not None
        return found

    def rows(self, statement: str, what: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows that a statement finds. They are fetched bit by bit, on a cursor of their own."""
        with self._connection.cursor() as cursor:
            with self._limited(cursor, what):
                cursor.execute(statement, list(parameters))
                batch = cursor.fetchmany(BATCH)
            while batch:
                yield from batch
                with self._limited(cursor, what):
                    batch = cursor.fetchmany(BATCH)

    @contextmanager
    def _limited(self, connection: duckdb.DuckDBPyConnection, what: str) -> Iterator[None]:
        """Stop what a connection does when its time is over, and explain errors."""
        is_over = threading.Event()

        def stop() -> None:
            is_over.set()
            connection.interrupt()

        timer = threading.Timer(LONGEST_STATEMENT_SECONDS, stop)
        timer.daemon = True
        timer.start()
        try:
            yield
        except duckdb.InterruptException as error:
            if not is_over.is_set():
                raise  # somebody else has interrupted it
            raise DatasetError(f"{what}: reading it took longer than {LONGEST_STATEMENT_SECONDS:.0f} s") from error
        except duckdb.Error as error:
            raise self._failure(error, what) from error
        finally:
            timer.cancel()

    def _failure(self, error: duckdb.Error, what: str) -> Exception:
        if isinstance(error, duckdb.OutOfMemoryException):
            return DatasetError(f"{what} needs more than {MEMORY_LIMIT} of memory to be read: {reason_of(str(error))}")
        if "No space left on device" in str(error):
            return no_room(self._folder, f"the scratch folder {self._folder}")
        return DatasetError(f"{what}: {reason_of(str(error))}")

    def close(self) -> None:
        self._connection.close()
