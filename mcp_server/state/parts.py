"""The parts of a state, by kind; and parts that are folders of files in the state folder."""

import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol, TypeVar

from mcp_server.errors import DamagedPartError
from mcp_server.files.digests import Digests, check_folder, digest_folder, read_digests
from mcp_server.state.folder import StateFolder

T = TypeVar("T")


class Parts(Protocol):
    """The parts of one kind. A part that exists is complete, and its content never changes."""

    def exists(self, name: str) -> bool:
        """Is there such a part?"""

    def discard(self, name: str) -> None:
        """Take a part away."""

    def digests(self, name: str) -> Digests:
        """What the part was when it was made; of a part that version 0.1 has made, what it is now."""

    def is_whole(self, name: str) -> bool:
        """Is the part what it was when it was made, as far as was written down then?"""

    def keep_only(self, names: Collection[str]) -> None:
        """Take away all parts of this kind but these."""


class FolderParts:
    """Parts in the state folder; only preparation, which holds the folder's lock, may make or discard them.

    Args:
        kind: "catalog", "model" or "vectors": begins the names of the parts.
    """

    def __init__(self, state: StateFolder, kind: str) -> None:
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

    def digests(self, name: str) -> Digests:
        folder = self.path(name)
        return read_digests(folder) or digest_folder(folder)

    def read(self, name: str, open_: Callable[[Path], T], digests: Digests, *, only_quick: bool = True) -> T:
        """Open a part.

        Args:
            open_: Is given its folder, and raises DamagedPartError where that is not what it should be.
            digests: What it was when it was made.
            only_quick: Do not compare a large part with them.

        Raises:
            DamagedPartError: It is missing, or not what it should be.
        """
        folder = self.path(name)
        if folder.is_dir():  # else whoever opens it says what is missing
            check_folder(folder, digests, only_quick=only_quick)
        return open_(folder)

    def is_whole(self, name: str) -> bool:
        folder = self.path(name)
        try:
            check_folder(folder, read_digests(folder))
        except DamagedPartError:
            return False
        return True

    def check_part(self, name: str, open_: Callable[[Path], object], digests: Digests) -> None:
        """Raises: DamagedPartError: it is missing or not as it was made, here or where other machines get it from."""
        self.read(name, open_, digests, only_quick=False)

    def discard(self, name: str) -> None:
        self.state.discard_part(name)

    def keep_only(self, names: Collection[str]) -> None:
        for folder in self.state.parts(self.kind):
            if folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)
