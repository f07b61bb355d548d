"""The folder of prepared state, and how a new state takes the place of an old one.

::

    state/
      current.json        which parts are served; replaced in one rename
      parts/KIND-FINGERPRINT/   a part: catalog, model or vectors; complete, and its content never changes
      parts/.making-...   a part being made; of no meaning after a crash (as parts/.evaluating-...)
      item_sets.sqlite    handles that tools pass to one another
      preparing.json      progress of a preparation that is running

A part is made aside and renamed into place, so whatever is found under its name is complete. A part's name
holds the fingerprint of all that it is made of, so whatever is there is also current.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from mcp_server.dataset.spec import DatasetSpec, ModelSpec
from mcp_server.errors import NotPreparedError

FORMAT = 1
"""Of current.json and of everything it points to."""

Purpose = Literal["making", "evaluating"]
"""What a process holds a lock and scratch folders for."""

CATALOG_FILE = "catalog.sqlite"
"""In the catalogue's part."""
STORE_FOLDER = "store"
"""In the vectors' part."""
MODELS_FOLDER = "embedding-models"
"""In the state folder: files of embedding models."""


class DatasetCard(BaseModel):
    """Facts about a prepared dataset, for descriptions and messages."""

    n_items: int
    n_users: int
    n_interactions: int
    n_dropped: int = 0
    """Interactions left out because they name an unknown item or user."""
    item_ids: str
    """What IDs look like: "IDs run from 1 to 1682"."""
    user_ids: str
    example_items: list[int | str]
    example_users: list[int | str]
    terms: dict[str, list[str]]
    """The most frequent names of each category of items."""
    term_counts: dict[str, int]
    """How many names each category has."""
    ranges: dict[str, tuple[float, float]]
    """Least and greatest value of each number field."""
    groups: dict[str, list[str]]
    """Names of the user groups, by field."""


class Current(BaseModel):
    """What is served."""

    model_config = ConfigDict(protected_namespaces=())

    format: int = FORMAT
    spec: DatasetSpec
    fingerprint: str
    """Of the dataset."""
    card: DatasetCard
    training_fingerprint: str
    """Of what the model was trained on: users, items and interactions."""
    chosen_model: ModelSpec | None = None
    """The model that `train` was asked for, in place of the specification's; a new preparation keeps it."""
    embedding_model: str
    index_version: int
    """Of what is embedded and how it is stored."""
    n_searchable: int
    """How many items have texts."""
    catalog: str
    model: str
    vectors: str | None

    @property
    def parts(self) -> list[str]:
        """Names of the parts."""
        return [name for name in (self.catalog, self.model, self.vectors) if name is not None]


def fingerprint(*parts: object) -> str:
    """A short digest of JSON-like values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


class State:
    """Access to a state folder. Creates nothing until something is made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

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

    def version(self) -> int | None:
        """Changes whenever another state is published; None where nothing is."""
        try:
            return self.current_file.stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def current(self) -> Current:
        """What is published.

        Raises:
            NotPreparedError: Nothing is, or it was made by another version of this program.
        """
        try:
            content = json.loads(self.current_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotPreparedError(f"nothing has been prepared in {self.folder}: run `recsys-mcp prepare`") from None
        except (OSError, ValueError) as error:
            raise NotPreparedError(f"{self.current_file} cannot be read ({error}): run `recsys-mcp prepare`") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise NotPreparedError(
                f"{self.folder} was prepared by another version of this program: run `recsys-mcp prepare`"
            )
        try:
            return Current.model_validate(content)
        except ValidationError as error:
            raise NotPreparedError(
                f"{self.current_file} is damaged ({error.error_count()} problems): run `recsys-mcp prepare`"
            ) from error

    def published(self) -> Current | None:
        """What is published, or None where nothing usable is."""
        try:
            return self.current()
        except NotPreparedError:
            return None

    @contextlib.contextmanager
    def lock(self, purpose: Purpose = "making") -> Iterator[None]:
        """Only one process does this at a time; others wait. The lock ends with its process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / f"{purpose}.lock"):
            for rest in self.folder.glob(f"parts/.{purpose}-*"):  # of a process that was killed
                shutil.rmtree(rest, ignore_errors=True)
            for file in (self.current_file, self.progress_file) if purpose == "making" else ():
                for rest in self.folder.glob(f".{file.name}.*"):
                    rest.unlink(missing_ok=True)
            yield

    def scratch(self, purpose: Purpose = "making") -> "tempfile.TemporaryDirectory[str]":
        """A folder inside the state for files of passing use, to be made while the lock is held."""
        parts = self.folder / "parts"
        parts.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=f".{purpose}-", dir=parts, ignore_cleanup_errors=True)

    def make_part(self, name: str, make: Callable[[Path], None]) -> bool:
        """Make a part unless it is there.

        Args:
            make: Fills the empty folder it is given.

        Returns:
            Whether it had to be made.
        """
        target = self.part(name)
        if target.is_dir():
            return False
        with self.scratch() as scratch:
            folder = Path(scratch) / "part"
            folder.mkdir()
            make(folder)
            _flush_to_disk(folder)
            folder.rename(target)
        return True

    def discard_part(self, name: str) -> None:
        """Take a part away, whole: it is renamed first, so that no half of it is ever found."""
        with self.scratch() as scratch, contextlib.suppress(FileNotFoundError):
            self.part(name).rename(Path(scratch) / "discarded")

    def publish(self, current: Current) -> None:
        """Serve these parts from now on.

        The parts of the state before stay for servers that still answer from them, until the next publication.
        """
        before = self.published()
        kept = {name for state in (before, current) if state is not None for name in state.parts}
        write_json(self.current_file, current.model_dump(mode="json"))
        for part in (self.folder / "parts").iterdir():
            if part.name not in kept and not part.name.startswith("."):
                shutil.rmtree(part, ignore_errors=True)


def write_json(path: Path, content: Any) -> None:
    """Replace a file in one step."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, ensure_ascii=False)
        stream.flush()
        os.fsync(stream.fileno())
    aside.replace(path)


def _flush_to_disk(folder: Path) -> None:
    """A rename must not reach the disk before the contents do."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
