"""The record of what is served, in a MySQL or MariaDB database: for servers that share no folder.

Tables (all names begin with "recsys"):

    recsys_state    one row: what is published, and when, in microseconds since 1970
    recsys_parts    names of the parts that are complete: tables of a catalogue, files of a model or of vectors
    recsys_files    the files of parts, in pieces
    recsys_<fingerprint>_items, ...   the tables of a catalogue

Creating tables cannot be undone in MySQL as rows can, so a part counts only when its name is in recsys_parts,
which is written last.
"""

import contextlib
import json
import logging
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from mcp_server.catalog.server_address import ServerAddress, is_missing_table
from mcp_server.current import Current, parse_current
from mcp_server.errors import BackendError, DamagedPartError, NotPreparedError
from mcp_server.item_sets import create_item_sets

logger = logging.getLogger(__name__)

PIECE_BYTES = 2**20
"""Of a file in one row, below every server's limit on packets."""

LOCK_WAIT_SECONDS = 10
"""How long one attempt to get the lock takes; attempts go on."""

LONGEST_PREPARATION_SECONDS = 7 * 86_400
"""The server must not close the connection that holds the lock before."""

_metadata = MetaData()
_options: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}
_state = Table(
    "recsys_state",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="1"),
    Column("version", BigInteger, nullable=False),
    Column("content", Text(2**24 - 1), nullable=False, comment="JSON"),
    **_options,
)
_parts = Table(
    "recsys_parts",
    _metadata,
    Column("name", String(64), primary_key=True),
    Column("made_at", BigInteger, nullable=False, comment="seconds since 1970"),
    Column("files", Text(2**24 - 1), nullable=False, comment="JSON: size, number of pieces and checksum by path"),
    **_options,
)
_files = Table(
    "recsys_files",
    _metadata,
    Column("part", String(64), primary_key=True),
    Column("path", String(255, collation="utf8mb4_bin"), primary_key=True),
    Column("piece", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary(2**24 - 1), nullable=False, comment="deflated"),
    **_options,
)


@dataclass(frozen=True)
class KeptFile:
    """A file in the database, in pieces. Pieces of zeros alone are not kept."""

    size: int
    n_pieces: int
    """That are kept."""
    checksum: int
    """Of the kept pieces, with their numbers: CRC-32 of each, combined by exclusive or."""
    piece_bytes: int

    @property
    def listed(self) -> list[int]:
        return [self.size, self.n_pieces, self.checksum, self.piece_bytes]


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
        version: int | None = self._read_state(_state.c.version)
        return version

    def current(self) -> Current:
        """What is published.

        Raises:
            NotPreparedError: Nothing is, or it was made by another version of this program.
            BackendError: The database cannot be read.
        """
        content = self._read_state(_state.c.content)
        if content is None:
            raise NotPreparedError(f"nothing has been prepared in {self.place}: run `recsys-mcp prepare`")
        return parse_current(content, self.place)

    def published(self) -> Current | None:
        """What is published, or None where nothing usable is."""
        try:
            return self.current()
        except NotPreparedError:
            return None

    def publish(self, current: Current) -> None:
        """Serve these parts from now on."""
        content = current.model_dump_json()
        with self.connected() as connection:
            self._check_lock()
            before = connection.scalar(select(_state.c.version))
            # By the clock, so that a database that is made anew or restored never has a version that servers know.
            version = max(time.time_ns() // 1_000, (before or 0) + 1)
            if before is None:
                connection.execute(insert(_state).values(id=1, version=version, content=content))
            else:
                connection.execute(update(_state).values(version=version, content=content))

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
        """Only one process, on whichever machine, prepares at a time; others wait. Makes the tables of the record.

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
        _metadata.create_all(holder)
        create_item_sets(holder)
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
            return connection.scalar(select(_parts.c.name).where(_parts.c.name == name)) is not None

    def parts(self, kind: str) -> list[str]:
        """Names of the complete parts of a kind."""
        with self.connected() as connection:
            return list(connection.scalars(select(_parts.c.name).where(_parts.c.name.startswith(f"{kind}-"))))

    def add_part(self, connection: Connection, name: str, files: Mapping[str, "KeptFile"] | None = None) -> None:
        """Say that a part is complete."""
        listed = json.dumps({path: file.listed for path, file in (files or {}).items()})
        connection.execute(insert(_parts).values(name=name, made_at=int(time.time()), files=listed))

    def discard_part(self, name: str) -> None:
        """A part is not complete any more, and its files go."""
        with self.connected() as connection:
            connection.execute(delete(_parts).where(_parts.c.name == name))
        with self.connected() as connection:
            connection.execute(delete(_files).where(_files.c.part == name))

    def discard_rests(self) -> None:
        """Take away the files of parts that are not complete: what killed processes have left."""
        with self.connected() as connection:
            connection.execute(delete(_files).where(_files.c.part.not_in(select(_parts.c.name))))

    # Files

    def keep_files(self, name: str, folder: Path) -> None:
        """Make a part of the files of a folder."""
        with self.connected() as connection:  # of a process that was killed
            connection.execute(delete(_files).where(_files.c.part == name))
        files = {}
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            path = file.relative_to(folder).as_posix()
            files[path] = self._keep_file(name, path, file)
        with self.connected() as connection:
            self.add_part(connection, name, files)

    def _keep_file(self, name: str, path: str, file: Path) -> "KeptFile":
        n_pieces = checksum = number = 0
        with file.open("rb") as stream:
            while piece := stream.read(PIECE_BYTES):
                if any(piece):  # files of vectors are mostly holes
                    content = zlib.compress(piece, 1)
                    row = {"part": name, "path": path, "piece": number, "content": content}
                    with self.connected() as connection:
                        connection.execute(insert(_files).values(row))
                    n_pieces += 1
                    checksum ^= zlib.crc32(f"{number}:".encode() + content)
                number += 1
        return KeptFile(file.stat().st_size, n_pieces, checksum, PIECE_BYTES)

    def has_files(self, name: str) -> bool:
        """Are the files of a part all there, and unchanged? The server computes that: nothing is fetched."""
        listed = self._listed_files(name)
        checksum = func.bit_xor(func.crc32(func.concat(_files.c.piece, ":", _files.c.content)))
        columns = (_files.c.path, func.count(), checksum)
        with self.connected() as connection:
            rows = connection.execute(select(*columns).where(_files.c.part == name).group_by(_files.c.path)).all()
        found = {path: (n_pieces, int(checksum)) for path, n_pieces, checksum in rows}
        return found == {path: (file.n_pieces, file.checksum) for path, file in listed.items() if file.n_pieces}

    def _listed_files(self, name: str) -> dict[str, "KeptFile"]:
        with self.connected() as connection:
            listed = connection.scalar(select(_parts.c.files).where(_parts.c.name == name))
        if listed is None:
            raise DamagedPartError(f"{self.place} has lost {name}: run `recsys-mcp prepare`")
        return {path: KeptFile(*file) for path, file in json.loads(listed).items()}

    def fetch_files(self, name: str, folder: Path) -> None:
        """Write the files of a part into a folder.

        Raises:
            DamagedPartError: The database does not have them as they were.
            BackendError: It cannot be read.
        """
        if not self.has_files(name):
            raise DamagedPartError(f"the files of {name} in {self.place} are damaged: run `recsys-mcp prepare`")
        for path, file in self._listed_files(name).items():
            target = folder / PurePosixPath(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as stream:
                stream.truncate(file.size)
                self._fetch_pieces(name, path, file, stream)

    def _fetch_pieces(self, name: str, path: str, file: "KeptFile", stream: BinaryIO) -> None:
        of_file = (_files.c.part == name, _files.c.path == path)
        with self.connected() as connection:
            for number in connection.scalars(select(_files.c.piece).where(*of_file)).all():
                content = connection.scalar(select(_files.c.content).where(*of_file, _files.c.piece == number))
                stream.seek(number * file.piece_bytes)
                stream.write(zlib.decompress(content or b""))

    def close(self) -> None:
        self._engine.dispose()
