"""Looking at a folder or a database: its tables are read into a scratch database, then what they are is decided."""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from mcp_server.discovery.database_tables import database_name, parse_url, read_database
from mcp_server.discovery.folders import data_files, read_folder
from mcp_server.discovery.tables import Tables
from mcp_server.errors import DatasetError, quoted
from mcp_server.reading.session import Session

SOURCE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""Names that a dataset can give to databases."""


@dataclass(frozen=True)
class Place:
    """A folder of files, or a database."""

    name: str
    """A name for the dataset."""
    path: Path | None
    """The folder, or a file alone; None for a database."""
    urls: Mapping[str, str] = field(repr=False)
    """URL of the database by its name; it may hold a password."""
    shown: str
    """The place for messages, without a password."""

    @property
    def folder(self) -> Path | None:
        """The folder of the files."""
        return self.path if self.path is None or self.path.is_dir() else self.path.parent


def find_place(source: str, name: str | None = None) -> Place:
    """The folder or the database that a text names.

    Args:
        name: Name that the dataset gives to a database; by default that of the database.

    Raises:
        DatasetError: There is none.
    """
    if "://" in source:
        url = parse_url(source)
        name = name if name is not None and SOURCE_NAME.fullmatch(name) else database_name(url)
        address = url.render_as_string(hide_password=False)
        return Place(name, None, {name: address}, url.render_as_string(hide_password=True))
    path = Path(source).expanduser().absolute()
    if not path.exists():
        raise DatasetError(
            f"{quoted(source)} is neither a folder nor a URL: name the folder of your files, or a database as in "
            "sqlite:///shop.db or mysql+pymysql://USER:PASSWORD@HOST/DATABASE"
        )
    return Place(path.name if path.is_dir() else path.name.split(".")[0], path, {}, str(path))


@dataclass(frozen=True)
class Workspace:
    """A scratch database for the tables of a place."""

    place: Place
    root: Path | None
    """Folder that the names of files are relative to."""
    tables: Tables
    _files: list[Path]
    _scratch: Path

    def read(self, advance: Callable[[str], None] = lambda name: None) -> Tables:
        """Read the tables of the place.

        Args:
            advance: Called with the name of each table before it is read.

        Raises:
            DatasetError: There are none, or the database cannot be read.
        """
        if self.root is not None:
            read_folder(self.root, self._files, self.tables, self._scratch, advance)
        for name, address in self.place.urls.items():
            read_database(parse_url(address), name, self.tables, self._scratch, advance)
        return self.tables


@contextmanager
def open_workspace(place: Place, root: Path | None = None) -> Iterator[Workspace]:
    """A workspace for a place, which is gone afterwards.

    Args:
        root: Folder that the names of files are relative to; by default the folder of the place.

    Raises:
        DatasetError: A folder has no files with data.
    """
    files = [] if place.path is None else data_files(place.path)
    with TemporaryDirectory(prefix="recsys-mcp-") as name:
        scratch = Path(name) / "copies"
        scratch.mkdir()
        with contextlib.closing(Session(Path(name), files, [scratch])) as session:
            session.lock()
            yield Workspace(place, root or place.folder, Tables(session), files, scratch)
