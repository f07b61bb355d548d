"""A state in a MySQL or MariaDB database, for servers that share no folder.

The database keeps the manifest, the catalogue's tables and the model's files. Each machine has a folder with copies of
the models that it has used. Nothing here runs on an event loop: see ``database_parts`` for what does.
"""

import contextlib
import json
import shutil
import tempfile
import time
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Column, Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from mcp_server.errors import DamagedPartError, NotPreparedError
from mcp_server.files.digests import Digests, check_folder, read_digests
from mcp_server.sql.mysql_address import MysqlAddress, is_missing_table
from mcp_server.state.database_lock import PreparationLock
from mcp_server.state.folder import StateFolder
from mcp_server.state.manifest import Manifest, ManifestStore, PublishedParts, parse_manifest, parse_parts
from mcp_server.state.tables import FILES, PARTS, STATE, as_digests, content_checksums, drop_catalog

PIECE_BYTES = 2**20
"""Size of the part of a file that is in one row, below every server's limit on packets."""

KEPT_COPIES = 2
"""Number of models that stay in a machine's folder: the present one, and one that servers may still be reading."""


class StateDatabase(ManifestStore):
    """A state in a database.

    Args:
        folder: This machine's folder, for copies of models.
    """

    is_remote = True

    def __init__(self, address: MysqlAddress, folder: StateFolder) -> None:
        self._address, self.folder = address, folder
        self._engine: Engine = address.engine()
        self._lock = PreparationLock(self._engine, address)

    @property
    def place(self) -> str:
        return f"the database at {self._address}"

    @contextlib.contextmanager
    def connected(self) -> Iterator[Connection]:
        """A connection with a transaction that is committed at the end.

        Raises:
            BackendError: The database cannot be used. The text names it and the remedy.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._address.explain(error) from error

    def close(self) -> None:
        """Close connections. They are opened again when they are needed."""
        self._engine.dispose()

    # The manifest

    def version(self) -> int | None:
        """A number that changes whenever a manifest is published, or None where there is none.

        Raises:
            BackendError: The database cannot be read.
        """
        version: int | None = self._read_state(STATE.c.version)
        return version

    def manifest(self) -> Manifest:
        """The published manifest.

        Raises:
            NotPreparedError: There is none, or it was made by another version of this program.
            BackendError: The database cannot be read.
        """
        content = self._read_state(STATE.c.content)
        if content is None:
            raise NotPreparedError(f"nothing has been prepared in {self.place}: run `recsys-mcp prepare`")
        return parse_manifest(content, self.place)

    def published_parts(self) -> PublishedParts | None:
        """The published parts, also those that another version has made; None where there are none.

        Raises:
            BackendError: The database cannot be read.
        """
        content = self._read_state(STATE.c.content)
        return None if content is None else parse_parts(content)

    def publish(self, manifest: Manifest) -> None:
        """Publish a manifest. The caller holds the lock."""
        content = manifest.model_dump_json()
        with self.connected() as connection:
            self._lock.check()
            before = connection.scalar(select(STATE.c.version))
            # From the clock, so that a database that is made anew or restored never has a version that servers know.
            version = max(time.time_ns() // 1_000, (before or 0) + 1)
            if before is None:
                connection.execute(insert(STATE).values(id=1, version=version, content=content))
            else:
                connection.execute(update(STATE).values(version=version, content=content))

    def _read_state(self, column: Column[Any]) -> Any:
        """A value of the only row, or None where there is no row, or no table yet."""
        try:
            with self._engine.connect() as connection:
                return connection.scalar(select(column))
        except SQLAlchemyError as error:
            if is_missing_table(error):
                return None
            raise self._address.explain(error) from error

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Wait until no other process, on whichever machine, prepares, and keep others waiting. Makes the tables, and
        removes what killed processes have left behind.
        """
        with self.folder.lock(), self._lock.held():
            yield
            self._discard_vectors()

    # Parts

    def exists(self, name: str) -> bool:
        """True if the part is in the database, and complete."""
        with self.connected() as connection:
            return connection.scalar(select(PARTS.c.name).where(PARTS.c.name == name)) is not None

    def complete(self, connection: Connection, name: str, listed: Mapping[str, Sequence[int]]) -> None:
        """Write down that a part is complete.

        Args:
            listed: Numbers for each of its files or tables.
        """
        row = {"name": name, "made_at": int(time.time()), "files": json.dumps(listed)}
        connection.execute(insert(PARTS).values(row))

    def is_whole(self, name: str) -> bool:
        """True if the part is what it was when it was made, as far as that was written down."""
        if name.startswith("catalog-"):
            recorded = self._listed(name)
            with self.connected() as connection:
                return not recorded or recorded == content_checksums(connection, name)
        try:
            self.check_files(name)
        except DamagedPartError:
            return False
        return True

    def digests(self, name: str) -> Digests:
        """Digests of the part when it was made. For a part that version 0.1 made, its digests now."""
        if not name.startswith("catalog-"):
            self.fetch(name)
            return self.folder.digests(name)
        recorded = self._listed(name)
        if not recorded:
            with self.connected() as connection:
                recorded = content_checksums(connection, name)
        return as_digests(recorded)

    def discard(self, name: str) -> None:
        """Remove the part, and this machine's copy of it."""
        self._forget(name)
        if not name.startswith("catalog-"):
            self.folder.discard(name)

    def _forget(self, name: str) -> None:
        """Remove a part from the database: first its name, so that half of it never counts as complete."""
        with self.connected() as connection:
            connection.execute(delete(PARTS).where(PARTS.c.name == name))
        with self.connected() as connection:
            connection.execute(delete(FILES).where(FILES.c.part == name))
            if name.startswith("catalog-"):
                drop_catalog(connection, name)

    def keep_only(self, names: Collection[str]) -> None:
        """Remove all parts except these."""
        with self.connected() as connection:
            found = connection.scalars(select(PARTS.c.name)).all()
        for name in found:
            if name not in names:
                self._forget(name)

    def _discard_vectors(self) -> None:
        """Remove vectors that earlier versions kept in the database."""
        with self.connected() as connection:
            former = connection.scalars(select(PARTS.c.name).where(PARTS.c.name.startswith("vectors-"))).all()
        for name in former:
            self._forget(name)

    def _listed(self, name: str) -> dict[str, list[int]]:
        """Numbers that were written down for the files or tables of a part.

        Raises:
            DamagedPartError: There is no such part.
        """
        with self.connected() as connection:
            listed = connection.scalar(select(PARTS.c.files).where(PARTS.c.name == name))
        if listed is None:
            raise DamagedPartError(f"{self.place} has lost {name}: run `recsys-mcp prepare`")
        numbers: dict[str, list[int]] = json.loads(listed)
        return numbers

    # Files of models

    def save(self, name: str) -> None:
        """Save the files of a part that this machine's folder has. The caller holds the lock."""
        folder = self.folder.part(name)
        with self.connected() as connection:  # remove the pieces of an attempt that failed
            connection.execute(delete(FILES).where(FILES.c.part == name))
        files = {
            file.relative_to(folder).as_posix(): self._save_file(name, file.relative_to(folder).as_posix(), file)
            for file in sorted(path for path in folder.rglob("*") if path.is_file())
        }
        with self.connected() as connection:
            self.complete(connection, name, files)

    def _save_file(self, name: str, path: str, file: Path) -> list[int]:
        """Save a file in pieces. The numbers that are written down are its size, and what version 0.1 checks it by:
        the number of pieces, their checksum, and the size of a piece.
        """
        n_pieces = checksum = 0
        with file.open("rb") as stream:
            while piece := stream.read(PIECE_BYTES):
                content = zlib.compress(piece, 1)
                row = {"part": name, "path": path, "piece": n_pieces, "content": content}
                with self.connected() as connection:
                    connection.execute(insert(FILES).values(row))
                checksum ^= zlib.crc32(f"{n_pieces}:".encode() + content)
                n_pieces += 1
        return [file.stat().st_size, n_pieces, checksum, PIECE_BYTES]

    def fetch(self, name: str, *, anew: bool = False) -> None:
        """Copy a part into this machine's folder, unless it is there.

        Args:
            anew: Replace a copy that is there.

        Raises:
            BackendError: The database does not have the part as it was made, or cannot be read.
        """
        if self.folder.exists(name) and not anew:
            return
        with self.folder.lock("fetching"):
            if anew:
                self.folder.discard(name, "fetching")
            self.folder.make(name, lambda folder: self._fetch_files(name, folder), "fetching")
            own = self.folder.published_parts()  # served from this folder where no database is named
            copies = [
                path for path in self.folder.folder.glob("parts/model-*") if own is None or path.name not in own.parts
            ]
            for path in sorted(copies, key=lambda path: path.stat().st_mtime)[:-KEPT_COPIES]:
                shutil.rmtree(path, ignore_errors=True)
        self.close()  # nothing will be fetched for a long time, so the connection need not stay open

    def check_files(self, name: str, digests: Digests | None = None) -> None:
        """Check the files of a part in the database, by fetching them into a temporary folder.

        Args:
            digests: Digests of the files when the part was made, for parts of version 0.1, which wrote none with them.

        Raises:
            DamagedPartError: They are not what they were when the part was made.
        """
        with tempfile.TemporaryDirectory(prefix="recsys-check-") as scratch:
            self._fetch_files(name, Path(scratch), digests)

    def _fetch_files(self, name: str, folder: Path, digests: Digests | None = None) -> None:
        for path, (size, *_) in self._listed(name).items():
            target = folder / PurePosixPath(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as stream:
                try:
                    for number, content in self._pieces(name, path):
                        stream.seek(number * PIECE_BYTES)
                        stream.write(zlib.decompress(content))
                except zlib.error as error:
                    raise self._damaged(name) from error
                stream.truncate(size)
        try:
            check_folder(folder, read_digests(folder) or digests or {})
        except DamagedPartError as error:
            raise self._damaged(name) from error

    def _pieces(self, name: str, path: str) -> Iterator[tuple[int, bytes]]:
        of_file = (FILES.c.part == name, FILES.c.path == path)
        with self.connected() as connection:
            for number in connection.scalars(select(FILES.c.piece).where(*of_file)).all():
                content: bytes = (
                    connection.scalar(select(FILES.c.content).where(*of_file, FILES.c.piece == number)) or b""
                )
                yield number, content

    def _damaged(self, name: str) -> DamagedPartError:
        return DamagedPartError(f"the files of {name} in {self.place} are damaged: run `recsys-mcp prepare`")
