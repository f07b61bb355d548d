"""Places on disk that cannot be written because they are full, read-only, or another user's.

The system, SQLite, the vector engine and a training process each report this in their own way. People get one error
that names the place.
"""

import errno
import os
import re
import shutil
from pathlib import Path

from mcp_server.errors import RecsysError, TrainingError, UnwritableError

MIB = 2**20

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
FORBIDDEN = frozenset({errno.EACCES, errno.EPERM})
UNWRITABLE = FULL | FORBIDDEN | {errno.EROFS}

_NUMBER = re.compile(r"\[Errno (\d+)\]|\(os error (\d+)\)")
"""The forms in which Python and Rust write the system's error numbers into messages."""


def existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def free_bytes(path: Path) -> int:
    """Free bytes of the file system that a path is on, or will be on."""
    return shutil.disk_usage(existing(path)).free


def unwritable(error: BaseException, place: Path, what: str) -> UnwritableError | None:
    """An error for people, if an error means that a place cannot be written, or None.

    Args:
        place: The place that was written to, unless the error names another.
        what: The thing that could not be written, with which the message begins.
    """
    if isinstance(error, UnwritableError):
        return error
    number = _number(error, place)
    if number not in UNWRITABLE:
        return None
    named = getattr(error, "filename", None)
    path = Path(os.fsdecode(named)) if isinstance(named, str | bytes) else place
    if number in FORBIDDEN:
        return UnwritableError(f"{what} cannot be written: this user has no access to {path}: {_OTHER_FOLDER}")
    place = place if path.is_relative_to(place) else path.parent
    if number in FULL:
        return no_room(place, what)
    return UnwritableError(f"{what} cannot be written: {place} is read-only for this user: {_OTHER_FOLDER}")


_OTHER_FOLDER = "give this user the right to write there, or name another folder with --state or RECSYS_STATE"


def no_room(place: Path, what: str, needed: int | None = None) -> UnwritableError:
    """An error that says how much room there is.

    Args:
        needed: Approximate number of bytes needed, if it is known.
    """
    room = f"{free_bytes(place) / MIB:,.0f} MiB free"
    if needed is not None:
        room += f", about {max(needed / MIB, 1):,.0f} MiB needed"
    return UnwritableError(
        f"{what} cannot be written: there is not enough room in {place} ({room}): make room there, or name another "
        "folder with --state or RECSYS_STATE"
    )


def require_room(place: Path, what: str, needed: int) -> None:
    """Before something writes that would be ended by a full disk: memory-mapped files are.

    Args:
        needed: Bytes, about.

    Raises:
        UnwritableError: There is less room.
    """
    if free_bytes(place) < needed:
        raise no_room(place, what, needed)


def system_number(text: str) -> int | None:
    """The system's number of an error, in a message that is all there is of it."""
    found = _NUMBER.search(text)
    return int(found[1] or found[2]) if found else None


def _number(error: BaseException, place: Path) -> int | None:
    """The system's number of what is behind an error."""
    error = getattr(error, "orig", None) or error  # of SQLAlchemy
    if isinstance(error, OSError):
        return error.errno
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int):
        return _of_sqlite(code & 0xFF, place)
    if isinstance(error, RecsysError) and not isinstance(error, TrainingError):
        return None  # has said what is wrong
    number = system_number(str(error))
    return None if number in FORBIDDEN else number  # which may be of a place that was only to be read


def _of_sqlite(code: int, place: Path) -> int | None:
    import sqlite3  # here, for a server that starts waits for each import

    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR):  # which have many causes
        return None if os.access(existing(place), os.W_OK) else errno.EROFS
    known = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_READONLY: errno.EROFS, sqlite3.SQLITE_PERM: errno.EACCES}
    return known.get(code)
