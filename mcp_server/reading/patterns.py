"""Patterns of file names, such as ``prices/**/*.csv.gz``.

A stranger's folder may hold links to itself or to the whole machine, through which a pattern would go on for ever, so
the files that are looked at are counted.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from mcp_server.errors import DatasetError

MOST_LOOKED_AT = 200_000
"""Largest number of files and folders that are looked at for one pattern."""

ANY_DEPTH = "**"


def find_matching(folder: Path, pattern: str) -> list[Path]:
    """Files in a folder by a pattern, whose part ``**`` stands for any number of folders, links excepted.

    Raises:
        DatasetError: Too many files would have to be looked at.
    """
    return [path for path in _Search(folder, pattern).matches() if path.is_file()]


class _Search:
    def __init__(self, folder: Path, pattern: str) -> None:
        self._folder, self._pattern = folder, pattern
        self._n_looked_at = 0

    def matches(self) -> Iterator[Path]:
        """All that matches the pattern, each once."""
        yield from dict.fromkeys(self._below(self._folder, PurePosixPath(self._pattern).parts))

    def _below(self, folder: Path, parts: Sequence[str]) -> Iterator[Path]:
        first, *rest = parts
        if first == ANY_DEPTH:
            yield from self._below(folder, rest or ["*"])
        for entry in self._entries(folder):
            path = folder / entry.name
            if first == ANY_DEPTH:
                if entry.is_dir(follow_symlinks=False):
                    yield from self._below(path, parts)
            elif fnmatchcase(entry.name, first):
                if not rest:
                    yield path
                elif entry.is_dir():
                    yield from self._below(path, rest)

    def _entries(self, folder: Path) -> Iterator["os.DirEntry[str]"]:
        with contextlib.suppress(FileNotFoundError, PermissionError), os.scandir(folder) as entries:
            for entry in entries:
                self._n_looked_at += 1
                if self._n_looked_at > MOST_LOOKED_AT:
                    raise DatasetError(
                        f"{self._pattern}: more than {MOST_LOOKED_AT:,} files would have to be looked at in "
                        f"{self._folder}: name their folder"
                    )
                yield entry
