"""A MySQL or MariaDB server, through SQLAlchemy Core and aiomysql, with one pool of connections for a process.

Connections are checked before use, so a server that was away is simply used again when it is back. A query whose
connection was lost is tried again, and so is a change that a deadlock has undone.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pymysql
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from mcp_server.errors import BackendError
from mcp_server.sql.mysql_address import MysqlAddress, is_lost, is_undone

T = TypeVar("T")

ANSWER_SECONDS = 15.0
"""Time after which a query without an answer is given up: the server is stuck, or can no longer be reached."""

ATTEMPTS = 4
PAUSE_SECONDS = 0.02
"""Pause between the first two attempts. Later pauses are longer."""


class MysqlDatabase:
    """One database of a server, as a ``Database``."""

    def __init__(self, address: MysqlAddress) -> None:
        self._address = address
        self._engine = address.async_engine()

    async def read(self, query: Callable[[Connection], T]) -> T:
        async def run() -> T:
            async with self._engine.connect() as connection:
                return await connection.run_sync(query)

        return await self._attempt(run)

    scan = read

    async def write(self, change: Callable[[Connection], T]) -> T:
        def transaction(connection: Connection) -> T:
            # By hand, because switching the connection from autocommit and back takes four more round trips.
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            connection.exec_driver_sql("START TRANSACTION")
            try:
                result = change(connection)
            except BaseException:
                with contextlib.suppress(SQLAlchemyError):  # the reason for the failure is what counts
                    connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")
            return result

        async def run() -> T:
            async with self._engine.connect() as connection:
                try:
                    return await connection.run_sync(transaction)
                except asyncio.CancelledError:
                    await connection.invalidate()  # and with it the transaction that it may be in
                    raise

        return await self._attempt(run)

    write_little = write

    async def _attempt(self, run: Callable[[], Awaitable[T]]) -> T:
        """Run, and run again if the connection was lost or the server has undone the change."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await run()
            except TimeoutError as error:
                raise BackendError(
                    f"the database at {self._address} has not answered for {ANSWER_SECONDS:.0f} s"
                ) from error
            except (SQLAlchemyError, pymysql.Error) as error:
                if attempt == ATTEMPTS or not (is_lost(error) or is_undone(error)):
                    raise self._address.explain(error) from error
            await asyncio.sleep(PAUSE_SECONDS * attempt)
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        await self._engine.dispose()
