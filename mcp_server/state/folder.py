"""The folder of a prepared state: its manifest, and its parts as folders of files.

::

    state/
      current.json        the manifest; replaced in one rename
      parts/KIND-FINGERPRINT/   a part: catalog, model or vectors; complete, and its content never changes
      parts/.../digests.json    digests of the part's files
      parts/.making-...   a part being made; without meaning after a crash (as parts/.evaluating-...)
      item_sets.sqlite    handles that tools pass to one another
      preparing.json      progress of a preparation that is running

A part is made aside and renamed into place, so whatever has its name is complete. The name holds the fingerprint of
everything the part is made from, so whatever has its name is also current. Where a database keeps the manifest
(``database``), the folder has the copies that this machine needs.

A server imports this module before it lists its tools, so it imports nothing heavy.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Literal, TypeVar

from filelock import FileLock

from mcp_server.errors import DamagedPartError, NotPreparedError
from mcp_server.files.atomic import write_atomically
from mcp_server.files.digests import DIGESTS_FILE, Digests, check_folder, digest_folder, read_digests
from mcp_server.files.disk import unwritable
from mcp_server.state.manifest import Manifest, ManifestStore, PublishedParts, parse_manifest, parse_parts

T = TypeVar("T")

Purpose = Literal["making", "evaluating", "fetching"]
"""The work for which a process holds a lock and scratch folders."""

CATALOG_FILE = "catalog.sqlite"
"""Name of the database in a catalogue's part."""
STORE_FOLDER = "store"
"""Name of the vector store in a part of vectors."""
MODELS_FOLDER = "embedding-models"
"""Name of the folder for files of embedding models, in the state folder."""


class StateFolder(ManifestStore):
    """A state folder. Nothing is created until something is made."""

    is_remote = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def place(self) -> str:
        return str(self.folder)

    @property
    def item_sets_file(self) -> Path:
        return self.folder / "item_sets.sqlite"

    @property
    def manifest_file(self) -> Path:
        return self.folder / "current.json"

    @property
    def progress_file(self) -> Path:
        return self.folder / "preparing.json"

    # The manifest

    def version(self) -> int | None:
        """A number that changes whenever a manifest is published, or None where there is none."""
        try:
            return self.manifest_file.stat().st_mtime_ns
        except FileNotFoundError:
            return None
        except OSError as error:
            raise NotPreparedError(f"{self.manifest_file} cannot be read ({error.strerror})") from error

    def manifest(self) -> Manifest:
        """The published manifest.

        Raises:
            NotPreparedError: There is none, or it was made by another version of this program.
        """
        try:
            content = self.manifest_file.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise NotPreparedError(f"nothing has been prepared in {self.folder}: run `recsys-mcp prepare`") from None
        except (OSError, ValueError) as error:
            raise NotPreparedError(
                f"{self.manifest_file} cannot be read ({error}): run `recsys-mcp prepare`"
            ) from error
        return parse_manifest(content, self.place)

    def published_parts(self) -> PublishedParts | None:
        """The published parts, also those that another version has made; None where there are none."""
        try:
            return parse_parts(self.manifest_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def publish(self, manifest: Manifest) -> None:
        """Publish a manifest. The caller holds the lock."""
        write_atomically(self.manifest_file, json.dumps(manifest.model_dump(mode="json"), ensure_ascii=False))

    # Locks and scratch folders

    @contextlib.contextmanager
    def lock(self, purpose: Purpose = "making") -> Iterator[None]:
        """Wait until no other process does this, and keep others waiting. The lock ends with its process.

        Raises:
            UnwritableError: Something could not be written while the lock was held, or to take it.
        """
        try:
            with self._locked(purpose):
                yield
        except Exception as error:
            found = unwritable(error, self.folder, f"the state in {self.folder}")
            if found is None or found is error:
                raise
            raise found from error

    @contextlib.contextmanager
    def _locked(self, purpose: Purpose) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / f"{purpose}.lock"):
            for left in self.folder.glob(f"parts/.{purpose}-*"):  # by a process that was killed
                shutil.rmtree(left, ignore_errors=True)
            for file in (self.manifest_file, self.progress_file) if purpose == "making" else ():
                for left in self.folder.glob(f".{file.name}.*"):
                    left.unlink(missing_ok=True)
            yield

    def scratch(self, purpose: Purpose = "making") -> "tempfile.TemporaryDirectory[str]":
        """A temporary folder inside the state. The caller holds the lock for this purpose."""
        parts = self.folder / "parts"
        parts.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=f".{purpose}-", dir=parts, ignore_cleanup_errors=True)

    def close(self) -> None:
        """Do nothing, because nothing is kept open."""

    # Parts

    def part(self, name: str) -> Path:
        """The folder of a part, which may be missing."""
        return self.folder / "parts" / name

    def exists(self, name: str) -> bool:
        """True if the part is there."""
        return self.part(name).is_dir()

    def make(self, name: str, fill: Callable[[Path], None], purpose: Purpose = "making") -> None:
        """Make a part, unless it is there. The caller holds the lock for this purpose.

        Args:
            fill: Fills the empty folder that it is given.
        """
        if self.exists(name):
            return
        with self.scratch(purpose) as scratch:
            folder = Path(scratch) / "part"
            folder.mkdir()
            fill(folder)
            write_atomically(folder / DIGESTS_FILE, json.dumps(digest_folder(folder)))
            _flush_to_disk(folder)
            folder.rename(self.part(name))

    def open(self, name: str, open_: Callable[[Path], T], digests: Digests, *, only_quick: bool = True) -> T:
        """Check a part, and open it.

        Args:
            open_: Opens the folder that it is given, and raises DamagedPartError where that is not what it should be.
            digests: Digests of the part when it was made. Where they are empty, those in its own folder count.
            only_quick: Leave out checks that would take long, as those of a large part do.

        Raises:
            DamagedPartError: The part is missing, or not what it should be.
        """
        folder = self.part(name)
        if folder.is_dir():  # otherwise ``open_`` says what is missing
            check_folder(folder, digests or read_digests(folder), only_quick=only_quick)
        return open_(folder)

    def digests(self, name: str) -> Digests:
        """Digests of the part when it was made. For a part that version 0.1 made, its digests now."""
        folder = self.part(name)
        return read_digests(folder) or digest_folder(folder)

    def is_whole(self, name: str) -> bool:
        """True if the files are what they were when the part was made, as far as that was written down."""
        folder = self.part(name)
        try:
            check_folder(folder, read_digests(folder))
        except DamagedPartError:
            return False
        return True

    def discard(self, name: str, purpose: Purpose = "making") -> None:
        """Remove a part. It is renamed first, so that nobody ever finds half of it."""
        with self.scratch(purpose) as scratch, contextlib.suppress(FileNotFoundError):
            self.part(name).rename(Path(scratch) / "discarded")

    def keep_only(self, names: Collection[str]) -> None:
        """Remove all parts except these, and those that the folder's own manifest names."""
        own = self.published_parts()
        kept = {*names, *(own.parts if own is not None else [])}
        for folder in self.folder.glob("parts/[!.]*"):
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)


def _flush_to_disk(folder: Path) -> None:
    """Write contents to the disk, because a rename must not reach it before them."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
