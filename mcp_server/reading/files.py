"""The files of a dataset: where they are, and whether they have changed."""

import hashlib
import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mcp_server.dataset.sources import Alternatives, Source, SourceFile, SourceQuery, check_inside, format_of
from mcp_server.dataset.spec import DatasetSpec, load_spec
from mcp_server.errors import MOST_CHARACTERS, DatasetError, quoted
from mcp_server.reading.patterns import find_matching
from mcp_server.reading.sql_text import parse_query
from recsys_shared.plain_text import cut

if TYPE_CHECKING:
    from mcp_server.reading.databases import Databases

READING_VERSION = 1
"""A number in the fingerprint of datasets. Raise it when the same files are read to other records."""

MOST_FILES = 10_000
"""Largest number of files that a folder or a pattern may stand for."""

PATTERN = re.compile(r"[*?\[]")

PARTS = ("items", "users", "interactions")


@dataclass(frozen=True)
class LocatedFile:
    """A source of files, and where they were found."""

    source: SourceFile
    paths: tuple[Path, ...]
    """At least one."""


@dataclass(frozen=True)
class LocatedQuery:
    """A source that is a query, and the files that it reads."""

    source: SourceQuery
    files: Mapping[str, LocatedFile]
    """By the name that the query has for them. For a query of a database its result, as one file named "result"."""


Located = LocatedFile | LocatedQuery


@dataclass(frozen=True)
class DatasetFiles:
    """A specification with its sources found and fingerprinted, before anything is parsed."""

    spec: DatasetSpec
    sources: Mapping[str, list[Located]] = field(repr=False)
    """The sources of "items", "users" and "interactions"."""
    fingerprint: str
    """SHA-256 of the specification and of all files."""
    _fetched: TemporaryDirectory[str] | None = field(default=None, repr=False)
    """Results of databases. They go away with this object."""

    @classmethod
    def find(
        cls,
        spec_path: Path,
        data_folder: Path | None,
        databases: "Databases | None" = None,
        advance: Callable[[str, int], None] = lambda name, n_rows: None,
    ) -> "DatasetFiles":
        """Read a specification, find its files, and fetch what it asks of databases.

        Args:
            data_folder: Folder that the user names; it is searched first.
            databases: The databases that the user has named.
            advance: Called with the name of a database and the number of rows fetched so far by a query of it.

        Raises:
            DatasetError: The specification is wrong, a file is missing or outside its folders, or a database is not
                named by the user or cannot be read.
        """
        spec = load_spec(spec_path)
        locator = _Locator(spec, spec_path.parent, data_folder)
        declared = {"items": spec.items.sources, "users": spec.users.sources, "interactions": spec.interactions.sources}
        asked = [s for sources in declared.values() for s in sources if isinstance(s, SourceQuery) and s.from_]
        fetched = TemporaryDirectory(prefix="recsys-mcp-") if asked else None
        results: dict[SourceQuery, Path] = {}
        for source in dict.fromkeys(asked):
            assert fetched is not None
            results[source] = Path(fetched.name) / f"{len(results)}.csv"
            _fetch(source, databases, results[source], advance)
        found = {part: [locator.locate(source, results) for source in declared[part]] for part in PARTS}
        digest = hashlib.sha256(f"{READING_VERSION}{spec.model_dump_json(exclude={'model'})}".encode())
        for part in PARTS:
            for path in paths_of(found[part]):
                digest.update(f"{part}\0{path.name}\0".encode())
                digest.update(_digest(path))
        return cls(spec, found, digest.hexdigest(), fetched)

    @property
    def paths(self) -> list[Path]:
        """All files that are read, each once."""
        return list(dict.fromkeys(path for part in PARTS for path in paths_of(self.sources[part])))


def _fetch(
    source: SourceQuery, databases: "Databases | None", target: Path, advance: Callable[[str, int], None]
) -> None:
    """Put the result of a query of a database into a file."""
    from mcp_server.reading.databases import Databases  # with SQLAlchemy, which datasets of files do not need

    assert source.from_ is not None
    advance(source.from_, 0)
    (databases or Databases({})).fetch(source.from_, source.query, target, partial(advance, source.from_))


def paths_of(sources: list[Located]) -> Iterator[Path]:
    """The files of some sources, in order."""
    for source in sources:
        for file in [source] if isinstance(source, LocatedFile) else source.files.values():
            yield from file.paths


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or error}") from error


class _Locator:
    """Finds files in the folders of a dataset."""

    def __init__(self, spec: DatasetSpec, spec_folder: Path, data_folder: Path | None) -> None:
        self._spec, self._spec_folder = spec, spec_folder
        self._absent = [name for name in spec.folders if _resolve_folder(name, spec_folder) is None]
        named = [folder for name in spec.folders if (folder := _resolve_folder(name, spec_folder)) is not None]
        self._folders = [*([data_folder] if data_folder else []), spec_folder, *named]

    def locate(self, source: Source, results: Mapping[SourceQuery, Path]) -> Located:
        """Find the files of a source.

        Args:
            results: Results of queries of databases.

        Raises:
            DatasetError: There is none, or one is outside the folders.
        """
        if isinstance(source, SourceQuery):
            if source in results:
                result = SourceFile(file="result", format="delimited", separator=",")
                return LocatedQuery(source, {"result": LocatedFile(result, (results[source],))})
            names = parse_query(source.query, "query").files
            return LocatedQuery(source, {name: self._find([_named_in_query(name)]) for name in names})
        return self._find(source.one_of if isinstance(source, Alternatives) else [source])

    def _find(self, choices: list[SourceFile]) -> LocatedFile:
        for folder in self._folders:
            for choice in choices:
                paths = self._paths(folder, choice.file)
                if paths:
                    return LocatedFile(choice, tuple(paths))
        packages = _listed(", ", [name.removeprefix("package:").partition("/")[0] for name in self._absent])
        remedy = f"Install {packages}, or name" if self._absent else "Name"
        raise DatasetError(
            f"{_listed(' or ', [choice.file for choice in choices])} of dataset {self._spec.name} is in none of: "
            f"{_listed(', ', self._folders)}. {remedy} its folder with --data FOLDER"
        )

    def _paths(self, folder: Path, name: str) -> list[Path]:
        """The files that a name stands for in a folder; empty where there are none."""
        path = folder / name
        try:
            if path.is_file():
                found = [path]
            elif path.is_dir():
                found = [each for each in path.iterdir() if each.is_file() and format_of(each.name)]
            elif PATTERN.search(name):
                found = find_matching(folder, name)
            else:
                found = []
        except (OSError, ValueError) as error:  # a name that is too long, a folder that this user may not look into
            reason = error.strerror if isinstance(error, OSError) else error
            raise DatasetError(f"{cut(str(path), MOST_CHARACTERS)}: {reason}") from error
        if len(found) > MOST_FILES:
            raise DatasetError(f"{path} stands for {len(found):,} files; at most {MOST_FILES:,} are read")
        if folder.is_relative_to(self._spec_folder):
            for each in found:
                self._check_inside(each)
        return sorted(each.absolute() for each in found)

    def _check_inside(self, path: Path) -> None:
        """Refuse a link that leads out of the dataset's folder: a dataset from elsewhere may bring links.

        Raises:
            DatasetError: The file is outside the folder of dataset.yaml.
        """
        target = path.resolve()
        if not target.is_relative_to(self._spec_folder.resolve()):
            raise DatasetError(
                f"{path} is a link to {target}, outside the folder of dataset.yaml: if you trust this dataset, name "
                "the folder of the file itself with --data FOLDER"
            )


def _listed(separator: str, names: Sequence[object]) -> str:
    return cut(separator.join(map(str, names)), 2 * MOST_CHARACTERS)


def _named_in_query(name: str) -> SourceFile:
    """The declaration of a file that a query names."""
    try:
        return SourceFile(file=check_inside(name))
    except ValueError as error:
        raise DatasetError(f"query: FROM {quoted(name)}: {error}") from error


def _resolve_folder(name: str, spec_folder: Path) -> Path | None:
    """A folder of the specification; None where its package is not installed."""
    if not name.startswith("package:"):
        return spec_folder / name
    package, _, inside = name.removeprefix("package:").partition("/")
    found = importlib.util.find_spec(package)  # imports nothing: the specification allows no dots in the name
    if found is None or not found.submodule_search_locations:
        return None
    return Path(next(iter(found.submodule_search_locations))) / inside
