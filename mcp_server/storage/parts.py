"""The parts of a state, by kind; and parts that are folders of files in the state folder."""

import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol, TypeVar

from mcp_server.errors import DamagedPartError
from mcp_server.state import State

T = TypeVar("T")


class Parts(Protocol):
    """The parts of one kind. A part that exists is complete, and its content never changes."""

    def exists(self, name: str) -> bool:
        """Is there such a part?"""

    def discard(self, name: str) -> None:
        """Take a part away."""

    def keep_only(self, names: Collection[str]) -> None:
        """Take away all parts of this kind but these."""


class FolderParts:
    """Parts in the state folder; only preparation, which holds the folder's lock, may make or discard them.

    Args:
        kind: "catalog", "model" or "vectors": begins the names of the parts.
    """

    def __init__(self, state: State, kind: str) -> None:
        self.state, self.kind = state, kind

    def exists(self, name: str) -> bool:
        return self.state.part(name).is_dir()

    def make_files(self, name: str, fill: Callable[[Path], None]) -> None:
        """Make a part.

        Args:
            fill: Fills the empty folder it is given.
        """
        self.state.make_part(name, fill)

    def path(self, name: str) -> Path:
        """The folder of a part, which may be missing."""
        return self.state.part(name)

    def read(self, name: str, open_: Callable[[Path], T]) -> T:
        """Open a part.

        Args:
            open_: Is given its folder, and raises DamagedPartError where that is not what it should be.
        """
        return open_(self.path(name))

    def is_whole(self, name: str) -> bool:
        """Is the part as it was made, where other machines get it from? Says nothing of this machine's own files.

        Raises:
            DamagedPartError: It is not there.
        """
        return True

    def is_unreadable(self, name: str, open_: Callable[[Path], object]) -> bool:
        """Is it missing or not what it should be, here or where other machines get it from?"""
        try:
            self.read(name, open_)
            return not self.is_whole(name)
        except DamagedPartError:
            return True

    def discard(self, name: str) -> None:
        self.state.discard_part(name)

    def keep_only(self, names: Collection[str]) -> None:
        for folder in self.state.parts(self.kind):
            if folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)
