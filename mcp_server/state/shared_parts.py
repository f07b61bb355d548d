"""Parts that are folders of files, kept in a database: every machine fetches those that it uses."""

import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from mcp_server.errors import DamagedPartError
from mcp_server.files.digests import DIGESTS_FILE, Digests
from mcp_server.state.database import DatabaseRecord
from mcp_server.state.database_files import DatabaseFiles
from mcp_server.state.folder import StateFolder
from mcp_server.state.parts import FolderParts

T = TypeVar("T")

KEPT_COPIES = 2
"""Fetched parts of a kind that stay on this machine: the present one, and the one before for servers that still
read it."""


class SharedFolderParts(FolderParts):
    """Parts that a database keeps; the state folder has copies of those that this machine has used."""

    def __init__(self, state: StateFolder, kind: str, record: DatabaseRecord) -> None:
        super().__init__(state, kind)
        self._record, self._files = record, DatabaseFiles(record)

    def exists(self, name: str) -> bool:
        return self._record.has_part(name)

    def make_files(self, name: str, fill: Callable[[Path], None]) -> None:
        if super().exists(name) and not super().is_whole(name):
            super().discard(name)
        super().make_files(name, fill)  # finds it made where an earlier run did not come to the next step
        self._files.keep(name, super().path(name))

    def path(self, name: str) -> Path:
        """The folder of a part, fetched first where this machine does not have it.

        Raises:
            BackendError: The database cannot be read.
        """
        if not super().exists(name):
            with self.state.lock("fetching"):
                self._fetch(name)
        return super().path(name)

    def digests(self, name: str) -> Digests:
        if not (self.path(name) / DIGESTS_FILE).exists():  # a copy of version 0.1, which may have been used
            self.renew(name)
        return super().digests(name)

    def is_whole(self, name: str) -> bool:
        """Says nothing of this machine's copy."""
        return self._files.are_whole(name)

    def read(self, name: str, open_: Callable[[Path], T], digests: Digests, *, only_quick: bool = True) -> T:
        """A copy that turns out damaged is replaced."""
        try:
            return super().read(name, open_, digests, only_quick=only_quick)
        except DamagedPartError:
            self.renew(name)
            return super().read(name, open_, digests, only_quick=only_quick)

    def check_part(self, name: str, open_: Callable[[Path], object], digests: Digests) -> None:
        super().check_part(name, open_, digests)
        if not self.is_whole(name):
            raise self._files.damaged(name)

    def renew(self, name: str) -> Path:
        """Replace this machine's copy of a part; gives its folder.

        Raises:
            BackendError: The database does not have the part, or cannot be read.
        """
        with self.state.lock("fetching"):
            super().discard(name)
            self._fetch(name)
        return super().path(name)

    def _fetch(self, name: str) -> None:
        self.state.make_part(name, lambda folder: self._files.fetch(name, folder), "fetching")
        copies = [folder for folder in self.state.parts(self.kind) if folder.name not in self._embedded]
        copies.sort(key=lambda folder: folder.stat().st_mtime)
        for folder in copies[:-KEPT_COPIES]:
            shutil.rmtree(folder, ignore_errors=True)
        self._record.close()  # nothing is fetched again for long: the connection need not wait

    def discard(self, name: str) -> None:
        self._record.discard_part(name)
        super().discard(name)

    def keep_only(self, names: Collection[str]) -> None:
        for name in self._record.parts(self.kind):
            if name not in names:
                self._record.discard_part(name)
        super().keep_only({*names, *self._embedded})

    @property
    def _embedded(self) -> list[str]:
        """Parts of a state that is served from the folder itself, when no database is named."""
        embedded = self.state.published()
        return embedded.parts if embedded is not None else []
