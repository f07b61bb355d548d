"""What queries run on: a database, whichever it is.

Queries are plain functions of a SQLAlchemy connection; the database decides where they run. ``embedded_database``
has SQLite files in this process, ``server_database`` a MySQL or MariaDB server.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Database(Protocol):
    """Every method raises BackendError, whose text names the database, where it cannot be used."""

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a small query: one that an index serves."""

    async def scan(self, query: Callable[[Connection], T]) -> T:
        """Run a query that may read much."""

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Run a change in one transaction. It may run twice where the first was undone, and must not mind."""

    async def close(self) -> None:
        """Give up all connections."""
