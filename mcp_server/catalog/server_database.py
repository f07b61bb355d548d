"""A MySQL or MariaDB server, through SQLAlchemy Core and aiomysql: one pool of connections for a process.

Connections are looked at before use, so a server that was away and is back is simply used again. What was lost with its
connection is tried again; so is a change that was undone by a deadlock.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mcp_server.catalog.server_address import ServerAddress, is_undone
from mcp_server.errors import BackendError

T = TypeVar("T")

ANSWER_SECONDS = 15.0
"""A query without an answer for so long is given up: the server is stuck, or not to be reached any more."""

ATTEMPTS = 4
PAUSE_SECONDS = 0.02
"""Between the first two; longer between later ones."""


class ServerDatabase:
    """One database of a server, as a ``Database``."""

    def __init__(self, address: ServerAddress) -> None:
        self._address = address
        self._engine = address.async_engine()

    async def read(self, query: Callable[[Connection], T]) -> T:
        async def run() -> T:
            async with self._engine.connect() as connection:
                return await connection.run_sync(query)

        return await self._attempt(run)

    scan = read

    async def write(self, change: Callable[[Connection], T]) -> T:
        async def run() -> T:
            async with self._engine.connect() as connection:
                await connection.execution_options(isolation_level="READ COMMITTED")
                async with connection.begin():
                    return await connection.run_sync(change)

        return await self._attempt(run)

    async def _attempt(self, run: Callable[[], Awaitable[T]]) -> T:
        """Run, and again where the connection was lost or the server has undone the change."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await run()
            except TimeoutError as error:
                raise BackendError(
                    f"the database at {self._address} has not answered for {ANSWER_SECONDS:.0f} s"
                ) from error
            except SQLAlchemyError as error:
                lost = isinstance(error, DBAPIError) and error.connection_invalidated
                if attempt == ATTEMPTS or not (lost or is_undone(error)):
                    raise self._address.explain(error) from error
            await asyncio.sleep(PAUSE_SECONDS * attempt)
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        await self._engine.dispose()
