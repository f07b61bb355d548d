"""The lock of a state in a database: only one process, on whichever machine, prepares at a time."""

import contextlib
import logging
from collections.abc import Iterator

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from mcp_server.catalog.item_sets import create_item_sets
from mcp_server.errors import BackendError
from mcp_server.sql.mysql_address import MysqlAddress
from mcp_server.state.tables import discard_leftovers, metadata

logger = logging.getLogger(__name__)

LOCK_WAIT_SECONDS = 10
"""Time that one attempt to get the lock takes. Attempts go on."""

LONGEST_PREPARATION_SECONDS = 7 * 86_400
"""Time during which the server must not close the connection that holds the lock."""


class PreparationLock:
    """A lock that belongs to a connection, and so ends with its process."""

    def __init__(self, engine: Engine, address: MysqlAddress) -> None:
        self._engine, self._address = engine, address
        self._holder: Connection | None = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the lock, make the tables, remove what killed processes have left, and hold the lock.

        Raises:
            BackendError: The database cannot be used.
        """
        name = f"recsys:{self._address.database}"[:64]
        try:
            holder = self._take(name)
        except SQLAlchemyError as error:
            raise self._address.explain(error) from error
        self._holder = holder
        try:
            yield
        finally:
            self._holder = None
            with contextlib.suppress(SQLAlchemyError):
                holder.scalar(text("SELECT RELEASE_LOCK(:name)"), {"name": name})
            holder.invalidate()
            holder.close()

    def _take(self, name: str) -> Connection:
        holder = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            holder.execute(text("SET SESSION wait_timeout = :seconds"), {"seconds": LONGEST_PREPARATION_SECONDS})
            wait = {"name": name, "wait": LOCK_WAIT_SECONDS}
            while holder.scalar(text("SELECT GET_LOCK(:name, :wait)"), wait) != 1:
                logger.info("another process prepares the database at %s: waiting for it", self._address)
            metadata.create_all(holder)
            create_item_sets(holder)
            discard_leftovers(holder)
        except BaseException:
            holder.invalidate()  # and with it the lock
            holder.close()
            raise
        return holder

    def check(self) -> None:
        """Check that the lock is still held.

        Raises:
            BackendError: The connection that held it is gone, and another process may prepare.
        """
        assert self._holder is not None
        try:
            self._holder.scalar(text("SELECT 1"))
        except SQLAlchemyError as error:
            raise BackendError(
                f"the connection to the database at {self._address} was lost while preparing, and with it the lock: "
                "run `recsys-mcp prepare` again; what has been made is kept"
            ) from error
