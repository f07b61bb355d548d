"""The embedded database: SQLite files, through SQLAlchemy Core.

An indexed read of a local file takes about 50 microseconds, and handing it to another thread four times as long, so
reads run where they are called, and so do little changes that wait for neither the disk nor a lock. Scans and other
writes, which may take milliseconds, run on a worker thread.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from mcp_server.errors import BackendError
from mcp_server.files.disk import MIB, require_room, unwritable

T = TypeVar("T")

LOCK_TIMEOUT_SECONDS = 5
"""Time that a write waits for another process's write."""

DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
"""Errors of a file that has been changed by something else than SQLite, or is written in part."""

SHARED_MEMORY_BYTES = MIB
"""Room that the mapped file of a write-ahead log may need."""

INSTRUCTIONS_BETWEEN_CHECKS = 100_000
"""Number of instructions of SQLite's virtual machine between two checks. It runs some 100 million a second."""


class SqliteDatabase:
    """One SQLite file, as a ``Database``. ``run`` and ``change`` are for callers without an event loop.

    Args:
        name: The database's name in error messages, such as "the catalogue".
        synced: False for what can be lost: a change then does not wait until it is on the disk. A process that is
            killed loses nothing, but a machine that loses its power may leave the file damaged (``is_damaged``).
    """

    def __init__(self, path: Path, name: str, *, read_only: bool, synced: bool = True) -> None:
        self._name = name
        self._path = path
        self._engine = _read_only_engine(path) if read_only else _writable_engine(path, synced, LOCK_TIMEOUT_SECONDS)
        self._impatient = None if read_only or synced else _writable_engine(path, synced, 0)
        """For little changes of what is not synced: never waits for a lock."""
        self._reader: Connection | None = None
        self._writer: Connection | None = None

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query at once, on a connection that is kept, because the event loop runs one query at a time."""
        try:
            if self._reader is None:
                self._reader = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            return query(self._reader)
        except SQLAlchemyError as error:
            self._drop_reader()
            raise self._failure(error) from error

    def _drop_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def scan(self, query: Callable[[Connection], T]) -> T:
        """Run a query beside the event loop, and stop it when its caller is cancelled."""
        stoppable = _Stoppable(query)
        try:
            return await asyncio.to_thread(self.run, stoppable)
        except asyncio.CancelledError:
            stoppable.stop()
            raise

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Run a change beside the event loop."""
        return await asyncio.to_thread(self.change, change)

    async def write_little(self, change: Callable[[Connection], T]) -> T:
        """Run a change at once where it need not wait for the disk or for another process, else as ``write`` does."""
        if self._impatient is not None:
            try:
                if self._writer is None:
                    self._writer = self._impatient.connect()
                with self._writer.begin():
                    return change(self._writer)
            except SQLAlchemyError as error:
                self._drop_writer()
                if _code(error) != sqlite3.SQLITE_BUSY:
                    raise self._failure(error) from error
        return await self.write(change)

    def run(self, query: Callable[[Connection], T]) -> T:
        """Run a query in the calling thread.

        Raises:
            BackendError: The database cannot be read. The text names it.
        """
        return self._within(self._engine.connect, query)

    def change(self, change: Callable[[Connection], T]) -> T:
        """Run a change in one transaction in the calling thread.

        Raises:
            BackendError: The database cannot be written. Nothing has changed.
        """
        return self._within(self._engine.begin, change)

    def _within(self, open_: Callable[[], AbstractContextManager[Connection]], work: Callable[[Connection], T]) -> T:
        try:
            with open_() as connection:
                return work(connection)
        except SQLAlchemyError as error:
            raise self._failure(error) from error

    def is_damaged(self) -> bool:
        """True if the file is not what SQLite has written, in the calling thread. It is read as a whole."""
        try:
            with self._engine.connect() as connection:
                return connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar() != "ok"
        except DatabaseError as error:
            return _code(error) in DAMAGED

    async def close(self) -> None:
        self.dispose()

    def dispose(self) -> None:
        """Close the database, for callers without an event loop."""
        self._drop_reader()
        self._drop_writer()
        for engine in (self._engine, self._impatient):
            if engine is not None:
                engine.dispose()

    def _failure(self, error: SQLAlchemyError) -> BackendError:
        if (found := unwritable(error, self._path.parent, f"{self._name} ({self._path})")) is not None:
            return found
        reason = getattr(error, "orig", None) or error
        return BackendError(f"{self._name} ({self._path}) cannot be used just now: {reason}")


class _Stoppable(Generic[T]):
    """A query that another thread can stop.

    SQLite asks now and then whether to go on. Interrupting its connection would not work: a query that is about to run
    its next statement does not notice, and another query that uses the connection later would be hit.
    """

    def __init__(self, query: Callable[[Connection], T]) -> None:
        self._query, self._stopped = query, threading.Event()

    def __call__(self, connection: Connection) -> T:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_progress_handler(self._stopped.is_set, INSTRUCTIONS_BETWEEN_CHECKS)
        try:
            return self._query(connection)
        finally:
            driver.set_progress_handler(None, 0)

    def stop(self) -> None:
        self._stopped.set()


def _read_only_engine(path: Path) -> Engine:
    # "immutable" avoids all locking: a published file never changes, and is replaced as a whole.
    query = {"mode": "ro", "immutable": "1", "uri": "true"}
    database = f"file:{quote(path.as_posix())}"  # ?, # and % in a path would mean something to SQLite
    return create_engine(URL.create("sqlite", database=database, query=query))


@cache
def _is_write_ahead(path: Path) -> bool:
    """True for a database in the mode of version 0.1, in which SQLite maps a file that processes share.

    The file is read once, before this process has a connection, because closing a file releases all locks that the
    process has on it.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(20)[18:] == b"\x02\x02"
    except OSError:
        return False


def _code(error: SQLAlchemyError) -> int | None:
    """SQLite's number for a kind of error; None for errors that are not SQLite's."""
    code: int | None = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # the rest says more of some


def _writable_engine(path: Path, synced: bool, lock_timeout: float) -> Engine:
    """An engine with a rollback journal. A write-ahead log would make a commit 0.5 ms faster, but it maps a file into
    memory, and the system ends a process that touches such a page when there is no room for it on disk.
    """
    was_write_ahead = _is_write_ahead(path)
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": lock_timeout})

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
        cursor = connection.cursor()
        if was_write_ahead:
            require_room(path.parent, f"the database {path}", SHARED_MEMORY_BYTES)
            with contextlib.suppress(sqlite3.OperationalError):  # while servers of version 0.1 use it, it stays so
                cursor.execute("PRAGMA journal_mode=TRUNCATE")
        else:
            cursor.execute("PRAGMA journal_mode=TRUNCATE")
        cursor.execute(f"PRAGMA synchronous={'NORMAL' if synced else 'OFF'}")
        cursor.close()

    return engine
