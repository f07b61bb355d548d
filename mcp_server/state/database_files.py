"""The files of parts in a database: kept in pieces, checked where they are, and fetched by every machine."""

import zlib
from dataclasses import astuple, dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from sqlalchemy import delete, func, insert, select

from mcp_server.errors import DamagedPartError
from mcp_server.state.database import DatabaseRecord
from mcp_server.state.database_tables import FILES

PIECE_BYTES = 2**20
"""Of a file in one row, below every server's limit on packets."""


@dataclass(frozen=True)
class KeptFile:
    """A file in the database, in pieces. Pieces of zeros alone are not kept."""

    size: int
    n_pieces: int
    """That are kept."""
    checksum: int
    """Of the kept pieces, with their numbers: CRC-32 of each, combined by exclusive or."""
    piece_bytes: int


class DatabaseFiles:
    """Args:
    record: Says which parts are complete, and remembers what their files are.
    """

    def __init__(self, record: DatabaseRecord) -> None:
        self._record = record

    def keep(self, name: str, folder: Path) -> None:
        """Make a part of the files of a folder. Only with the record's lock."""
        with self._record.connected() as connection:  # of an attempt that has failed
            connection.execute(delete(FILES).where(FILES.c.part == name))
        files = {}
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            path = file.relative_to(folder).as_posix()
            files[path] = astuple(self._keep_file(name, path, file))
        with self._record.connected() as connection:
            self._record.add_part(connection, name, files)

    def _keep_file(self, name: str, path: str, file: Path) -> KeptFile:
        n_pieces = checksum = number = 0
        with file.open("rb") as stream:
            while piece := stream.read(PIECE_BYTES):
                if any(piece):  # files of vectors are mostly holes
                    content = zlib.compress(piece, 1)
                    row = {"part": name, "path": path, "piece": number, "content": content}
                    with self._record.connected() as connection:
                        connection.execute(insert(FILES).values(row))
                    n_pieces += 1
                    checksum ^= zlib.crc32(f"{number}:".encode() + content)
                number += 1
        return KeptFile(file.stat().st_size, n_pieces, checksum, PIECE_BYTES)

    def are_whole(self, name: str) -> bool:
        """Are the files of a part all there, and unchanged? The server computes that: nothing is fetched.

        Raises:
            DamagedPartError: There is no such part.
        """
        return self._match(name, self._listed(name))

    def damaged(self, name: str) -> DamagedPartError:
        return DamagedPartError(f"the files of {name} in {self._record.place} are damaged: run `recsys-mcp prepare`")

    def _listed(self, name: str) -> dict[str, KeptFile]:
        return {path: KeptFile(*file) for path, file in self._record.files_of(name).items()}

    def _match(self, name: str, listed: dict[str, KeptFile]) -> bool:
        checksum = func.bit_xor(func.crc32(func.concat(FILES.c.piece, ":", FILES.c.content)))
        columns = (FILES.c.path, func.count(), checksum)
        with self._record.connected() as connection:
            rows = connection.execute(select(*columns).where(FILES.c.part == name).group_by(FILES.c.path)).all()
        found = {path: (n_pieces, int(checksum)) for path, n_pieces, checksum in rows}
        return found == {path: (file.n_pieces, file.checksum) for path, file in listed.items() if file.n_pieces}

    def fetch(self, name: str, folder: Path) -> None:
        """Write the files of a part into a folder.

        Raises:
            DamagedPartError: The database does not have them as they were.
            BackendError: It cannot be read.
        """
        listed = self._listed(name)
        if not self._match(name, listed):
            raise self.damaged(name)
        for path, file in listed.items():
            target = folder / PurePosixPath(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as stream:
                stream.truncate(file.size)
                self._fetch_pieces(name, path, file, stream)

    def _fetch_pieces(self, name: str, path: str, file: KeptFile, stream: BinaryIO) -> None:
        of_file = (FILES.c.part == name, FILES.c.path == path)
        with self._record.connected() as connection:
            for number in connection.scalars(select(FILES.c.piece).where(*of_file)).all():
                content = connection.scalar(select(FILES.c.content).where(*of_file, FILES.c.piece == number))
                stream.seek(number * file.piece_bytes)
                stream.write(zlib.decompress(content or b""))
