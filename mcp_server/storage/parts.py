"""The parts of a state, by kind; and parts that are folders of files in the state folder."""

import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol

from mcp_server.state import State


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

    def is_whole(self, name: str) -> bool:
        """Is the part as it was made, where other machines get it from? Says nothing of this machine's own files."""
        return True

    def renew(self, name: str) -> bool:
        """Replace this machine's copy of a part that turned out damaged; False where there is nowhere to get it."""
        return False

    def discard(self, name: str) -> None:
        self.state.discard_part(name)

    def keep_only(self, names: Collection[str]) -> None:
        for folder in self.state.parts(self.kind):
            if folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)
