"""Files that are mostly holes, such as those of the vector engine: reading and copying only their content."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

PIECE_BYTES = 2**18

_ZEROS = bytes(PIECE_BYTES)


def pieces(path: Path) -> Iterator[tuple[int, bytes]]:
    """The pieces of a file that are not only zeros, in order, each with its offset.

    The result does not depend on whether the file system stores zeros as holes. Holes that it reports are not read.
    """
    with path.open("rb", buffering=0) as stream:
        size = os.fstat(stream.fileno()).st_size
        start = 0
        while (start := _next_data(stream.fileno(), start)) < size:
            stream.seek(start)
            piece = stream.read(PIECE_BYTES)
            if not piece:
                return
            if piece != _ZEROS[: len(piece)]:
                yield start, piece
            start += PIECE_BYTES


def _next_data(file: int, start: int) -> int:
    """Offset of the next piece that is not a hole, or an offset far beyond the end if there is none."""
    if not hasattr(os, "SEEK_DATA"):
        return start
    try:
        return max(start, os.lseek(file, start, os.SEEK_DATA) // PIECE_BYTES * PIECE_BYTES)
    except OSError as error:
        return 2**63 - 1 if error.errno == errno.ENXIO else start  # an error means that the file system cannot say


def stored_bytes(path: Path) -> int:
    """Size of a file without its holes."""
    status = path.stat()
    blocks: int | None = getattr(status, "st_blocks", None)
    return status.st_size if blocks is None else min(status.st_size, blocks * 512)


def copy_sparsely(source: Path, target: Path) -> None:
    """Copy a file, with holes in place of zeros."""
    with target.open("wb") as stream:
        for start, piece in pieces(source):
            stream.seek(start)
            stream.write(piece)
        stream.truncate(source.stat().st_size)
