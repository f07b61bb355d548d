"""Permissions of every user of this machine on files and folders, as POSIX has them."""

import os
import stat
from pathlib import Path


def mode(path: Path) -> int:
    """The permissions of a path; none for others where there is nothing, or where permissions are not these."""
    if os.name != "posix":
        return 0
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def all_can_write(path: Path) -> bool:
    """True if everybody can change a file, or the content of a folder."""
    return bool(mode(path) & stat.S_IWOTH)


def all_can_replace_in(folder: Path) -> bool:
    """True if everybody can replace the files in a folder. With the sticky bit they can
    rename only what is their own.
    """
    return all_can_write(folder) and not mode(folder) & stat.S_ISVTX


def all_can_read(file: Path) -> bool:
    """True if a file's own permissions, and those of all folders above it, let everybody read it."""
    return bool(mode(file) & stat.S_IROTH) and all(mode(folder) & stat.S_IXOTH for folder in file.absolute().parents)
