"""The protocol of a database on which queries run.

A query is a plain function of a SQLAlchemy connection, and the database decides where it runs: ``sqlite`` is SQLite
files in this process, ``mysql`` a MySQL or MariaDB server.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Database(Protocol):
    """A database. If it cannot be used, every method raises BackendError, whose text names it."""

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a small query that an index answers."""

    async def scan(self, query: Callable[[Connection], T]) -> T:
        """Run a query that may read many rows."""

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Run a change in one transaction. It must bear being run again, after a transaction that was undone."""

    async def write_little(self, change: Callable[[Connection], T]) -> T:
        """Run a change of a row or two, as ``write`` does."""

    async def close(self) -> None:
        """Close all connections."""
