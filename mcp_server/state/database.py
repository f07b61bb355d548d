"""The record of what is served, in a MySQL or MariaDB database: for servers that share no folder."""

import contextlib
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Engine, delete, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from mcp_server.catalog.item_sets import create_item_sets
from mcp_server.errors import BackendError, DamagedPartError, NotPreparedError
from mcp_server.sql.address import ServerAddress, is_missing_table
from mcp_server.state.database_tables import FILES, PARTS, STATE, discard_rests, metadata
from mcp_server.state.manifest import Manifest, parse_current

logger = logging.getLogger(__name__)

LOCK_WAIT_SECONDS = 10
"""How long one attempt to get the lock takes; attempts go on."""

LONGEST_PREPARATION_SECONDS = 7 * 86_400
"""The server must not close the connection that holds the lock before."""


class DatabaseRecord:
    """What is published, and which parts are complete. Used outside the event loop only."""

    is_remote = True

    def __init__(self, address: ServerAddress) -> None:
        self._address = address
        self._engine: Engine = address.engine()
        self._lock_holder: Connection | None = None

    @property
    def place(self) -> str:
        """For messages."""
        return f"the database at {self._address}"

    @contextlib.contextmanager
    def connected(self) -> Iterator[Connection]:
        """A connection with a transaction that is committed at the end.

        Raises:
            BackendError: The database cannot be used; the text names it and the remedy.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._address.explain(error) from error

    # What is published

    def version(self) -> int | None:
        """Changes whenever another state is published; None where nothing is.

        Raises:
            BackendError: The database cannot be read.
        """
        version: int | None = self._read_state(STATE.c.version)
        return version

    def current(self) -> Manifest:
        """What is published.

        Raises:
            NotPreparedError: Nothing is, or it was made by another version of this program.
            BackendError: The database cannot be read.
        """
        content = self._read_state(STATE.c.content)
        if content is None:
            raise NotPreparedError(f"nothing has been prepared in {self.place}: run `recsys-mcp prepare`")
        return parse_current(content, self.place)

    def published(self) -> Manifest | None:
        """What is published, or None where nothing usable is."""
        try:
            return self.current()
        except NotPreparedError:
            return None

    def publish(self, current: Manifest) -> None:
        """Serve these parts from now on."""
        content = current.model_dump_json()
        with self.connected() as connection:
            self._check_lock()
            before = connection.scalar(select(STATE.c.version))
            # By the clock, so that a database that is made anew or restored never has a version that servers know.
            version = max(time.time_ns() // 1_000, (before or 0) + 1)
            if before is None:
                connection.execute(insert(STATE).values(id=1, version=version, content=content))
            else:
                connection.execute(update(STATE).values(version=version, content=content))

    def _read_state(self, column: Column[Any]) -> Any:
        """A value of the one row; None where there is no row, or no table yet."""
        try:
            with self._engine.connect() as connection:
                return connection.scalar(select(column))
        except SQLAlchemyError as error:
            if is_missing_table(error):
                return None
            raise self._address.explain(error) from error

    # Preparing

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Only one process, on whichever machine, prepares at a time; others wait. Makes the tables of the record, and
        takes away what killed processes have left.

        The lock belongs to a connection, and so ends with its process.
        """
        name = f"recsys:{self._address.database}"[:64]
        try:
            holder = self._take_lock(name)
        except SQLAlchemyError as error:
            raise self._address.explain(error) from error
        self._lock_holder = holder
        try:
            yield
        finally:
            self._lock_holder = None
            with contextlib.suppress(SQLAlchemyError):
                holder.scalar(text("SELECT RELEASE_LOCK(:name)"), {"name": name})
            holder.invalidate()
            holder.close()

    def _take_lock(self, name: str) -> Connection:
        holder = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        holder.execute(text("SET SESSION wait_timeout = :seconds"), {"seconds": LONGEST_PREPARATION_SECONDS})
        wait = {"name": name, "wait": LOCK_WAIT_SECONDS}
        while holder.scalar(text("SELECT GET_LOCK(:name, :wait)"), wait) != 1:
            logger.info("another process prepares %s: waiting for it", self.place)
        metadata.create_all(holder)
        create_item_sets(holder)
        discard_rests(holder)
        return holder

    def _check_lock(self) -> None:
        """Raises: BackendError: the connection that held the lock is gone, and another process may prepare."""
        assert self._lock_holder is not None
        try:
            self._lock_holder.scalar(text("SELECT 1"))
        except SQLAlchemyError as error:
            raise BackendError(
                f"the connection to {self.place} was lost while preparing, and with it the lock: run "
                "`recsys-mcp prepare` again; what has been made is kept"
            ) from error

    def has_part(self, name: str) -> bool:
        with self.connected() as connection:
            return connection.scalar(select(PARTS.c.name).where(PARTS.c.name == name)) is not None

    def parts(self, kind: str) -> list[str]:
        """Names of the complete parts of a kind."""
        with self.connected() as connection:
            return list(connection.scalars(select(PARTS.c.name).where(PARTS.c.name.startswith(f"{kind}-"))))

    def add_part(self, connection: Connection, name: str, files: Mapping[str, Sequence[int]] | None = None) -> None:
        """Say that a part is complete.

        Args:
            files: What to remember of each of its files, by path.
        """
        row = {"name": name, "made_at": int(time.time()), "files": json.dumps(files or {})}
        connection.execute(insert(PARTS).values(row))

    def files_of(self, name: str) -> dict[str, list[int]]:
        """What was to be remembered of a part's files.

        Raises:
            DamagedPartError: There is no such part.
        """
        with self.connected() as connection:
            listed = connection.scalar(select(PARTS.c.files).where(PARTS.c.name == name))
        if listed is None:
            raise DamagedPartError(f"{self.place} has lost {name}: run `recsys-mcp prepare`")
        files: dict[str, list[int]] = json.loads(listed)
        return files

    def discard_part(self, name: str) -> None:
        """A part is not complete any more, and its files go."""
        with self.connected() as connection:
            connection.execute(delete(PARTS).where(PARTS.c.name == name))
        with self.connected() as connection:
            connection.execute(delete(FILES).where(FILES.c.part == name))

    def close(self) -> None:
        self._engine.dispose()
