"""The folder of prepared state, and how a new state takes the place of an old one.

::

    state/
      current.json        which parts are served; replaced in one rename
      parts/KIND-FINGERPRINT/   a part: catalog, model or vectors; complete, and its content never changes
      parts/.../digests.json    what the part's files are
      parts/.making-...   a part being made; of no meaning after a crash (as parts/.evaluating-...)
      item_sets.sqlite    handles that tools pass to one another
      preparing.json      progress of a preparation that is running

A part is made aside and renamed into place, so whatever is found under its name is complete. A part's name
holds the fingerprint of all that it is made of, so whatever is there is also current. With a database server, the
record of what is served is there (``storage.database_record``), and the folder has what this machine needs of it.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from mcp_server.errors import NotPreparedError
from mcp_server.files.digests import DIGESTS_FILE, digest_folder
from mcp_server.files.disk import unwritable
from mcp_server.state.manifest import Manifest, parse_current

Purpose = Literal["making", "evaluating", "fetching"]
"""What a process holds a lock and scratch folders for."""

CATALOG_FILE = "catalog.sqlite"
"""In the catalogue's part."""
STORE_FOLDER = "store"
"""In the vectors' part."""
MODELS_FOLDER = "embedding-models"
"""In the state folder: files of embedding models."""


class StateFolder:
    """Access to a state folder, and the record in it. Creates nothing until something is made."""

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
    def current_file(self) -> Path:
        return self.folder / "current.json"

    @property
    def progress_file(self) -> Path:
        return self.folder / "preparing.json"

    def part(self, name: str) -> Path:
        return self.folder / "parts" / name

    def parts(self, kind: str) -> list[Path]:
        """The folders of the parts of a kind."""
        return list((self.folder / "parts").glob(f"{kind}-*"))

    def version(self) -> int | None:
        """Changes whenever another state is published; None where nothing is."""
        try:
            return self.current_file.stat().st_mtime_ns
        except FileNotFoundError:
            return None
        except OSError as error:
            raise NotPreparedError(f"{self.current_file} cannot be read ({error.strerror})") from error

    def current(self) -> Manifest:
        """What is published.

        Raises:
            NotPreparedError: Nothing is, or it was made by another version of this program.
        """
        try:
            content = self.current_file.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise NotPreparedError(f"nothing has been prepared in {self.folder}: run `recsys-mcp prepare`") from None
        except (OSError, ValueError) as error:
            raise NotPreparedError(f"{self.current_file} cannot be read ({error}): run `recsys-mcp prepare`") from error
        return parse_current(content, self.place)

    def published(self) -> Manifest | None:
        """What is published, or None where nothing usable is."""
        try:
            return self.current()
        except NotPreparedError:
            return None

    @contextlib.contextmanager
    def lock(self, purpose: Purpose = "making") -> Iterator[None]:
        """Only one process does this at a time; others wait. The lock ends with its process.

        Raises:
            UnwritableError: While it is held, or to take it, something could not be written.
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
            for rest in self.folder.glob(f"parts/.{purpose}-*"):  # of a process that was killed
                shutil.rmtree(rest, ignore_errors=True)
            for file in (self.current_file, self.progress_file) if purpose == "making" else ():
                for rest in self.folder.glob(f".{file.name}.*"):
                    rest.unlink(missing_ok=True)
            yield

    def close(self) -> None:
        """Nothing is kept open."""

    def scratch(self, purpose: Purpose = "making") -> "tempfile.TemporaryDirectory[str]":
        """A folder inside the state for files of passing use, to be made while the lock is held."""
        parts = self.folder / "parts"
        parts.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=f".{purpose}-", dir=parts, ignore_cleanup_errors=True)

    def make_part(self, name: str, fill: Callable[[Path], None], purpose: Purpose = "making") -> None:
        """Make a part unless it is there. Only with the lock of this purpose.

        Args:
            fill: Fills the empty folder it is given.
        """
        target = self.part(name)
        if target.is_dir():
            return
        with self.scratch(purpose) as scratch:
            folder = Path(scratch) / "part"
            folder.mkdir()
            fill(folder)
            write_json(folder / DIGESTS_FILE, digest_folder(folder))
            _flush_to_disk(folder)
            folder.rename(target)

    def discard_part(self, name: str) -> None:
        """Take a part away, whole: it is renamed first, so that no half of it is ever found."""
        with self.scratch() as scratch, contextlib.suppress(FileNotFoundError):
            self.part(name).rename(Path(scratch) / "discarded")

    def publish(self, current: Manifest) -> None:
        """Serve these parts from now on."""
        write_json(self.current_file, current.model_dump(mode="json"))


def write_json(path: Path, content: Any) -> None:
    """Replace a file in one step."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("w", encoding="utf-8") as stream:
            json.dump(content, stream, ensure_ascii=False)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def _flush_to_disk(folder: Path) -> None:
    """A rename must not reach the disk before the contents do."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
