"""A DuckDB database in a scratch folder, which reads the files that it is told and nothing else."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
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

LONGEST_STATEMENT_SECONDS = 1800.0
"""Time after which a statement is given up: a query of a dataset may be without end."""

BATCH = 10_000
"""Rows that are fetched at a time."""


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
        config: dict[str, str | bool | int | float | list[str]] = {
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
        try:
            self._connection = duckdb.connect(str(folder / "reading.duckdb"), config=config)
        except duckdb.Error as error:
            raise self._failure(error, "the scratch database") from error
        self._connection.execute("SET enable_progress_bar = false")
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET allowed_paths = ?", [[str(file) for file in files]])
        self._connection.execute("SET allowed_directories = ?", [[str(each) for each in folders]])
        self._connection.execute("SET enable_external_access = false")

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
        timer = threading.Timer(LONGEST_STATEMENT_SECONDS, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            return self._connection.execute(statement, list(parameters))
        except duckdb.InterruptException as error:
            if timer.is_alive():
                raise  # somebody else has interrupted it
            raise DatasetError(f"{what}: reading it took longer than {LONGEST_STATEMENT_SECONDS:.0f} s") from error
        except duckdb.Error as error:
            raise self._failure(error, what) from error
        finally:
            timer.cancel()

    def row(self, statement: str, what: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...]:
        """The one row that a statement finds."""
        found = self.run(statement, what, parameters).fetchone()
        assert found is not None
        return found

    def rows(self, statement: str, what: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows that a statement finds. They are fetched bit by bit, on a cursor of their own."""
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(statement, list(parameters))
                while batch := cursor.fetchmany(BATCH):
                    yield from batch
            except duckdb.Error as error:
                raise self._failure(error, what) from error

    def _failure(self, error: duckdb.Error, what: str) -> Exception:
        if isinstance(error, duckdb.OutOfMemoryException):
            return DatasetError(f"{what} needs more than {MEMORY_LIMIT} of memory to be read: {reason_of(str(error))}")
        if "No space left on device" in str(error):
            return no_room(self._folder, f"the scratch folder {self._folder}")
        return DatasetError(f"{what}: {reason_of(str(error))}")

    def close(self) -> None:
        self._connection.close()
