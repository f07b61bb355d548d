"""Files of a folder as tables: which of them belong together, and how they are declared."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_server.dataset.sources import SourceFile, format_of
from mcp_server.discovery.headers import dialect_keys
from mcp_server.discovery.tables import FileOrigin, Tables
from mcp_server.errors import DatasetError
from mcp_server.reading.files import LocatedFile
from mcp_server.reading.opening import open_pieces
from mcp_server.reading.session import Session
from mcp_server.reading.text_files import open_text, readable_text

MOST_FILES = 500
"""Files of a folder that are looked at."""

ENCODINGS = (None, "windows-1252", "latin-1")
"""Encodings that are tried: UTF-8 first."""

QUOTATIONS: tuple[dict[str, str], ...] = ({}, {"escape": "\\"}, {"quote": ""})
"""Forms of quotations that are tried."""


@dataclass(frozen=True)
class _File:
    """A file, and the keys of a source that reads it."""

    path: Path
    declared: dict[str, Any]
    columns: tuple[str, ...]


def data_files(folder: Path) -> list[Path]:
    """The files of a folder and its sub-folders that may hold data; hidden ones are left out.

    Raises:
        DatasetError: There are none, or too many.
    """
    if folder.is_file():
        return [folder.absolute()]
    found = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.is_file() and format_of(path.name) is not None and not any(part[0] in "._" for part in inside):
            found.append(path.absolute())
    if not found:
        raise DatasetError(
            f"{folder} has no data: CSV, TSV, JSON, JSON lines and Parquet are looked for, with or without .gz and .zst"
        )
    if len(found) > MOST_FILES:
        raise DatasetError(f"{folder} has {len(found):,} files with data; at most {MOST_FILES} are looked at")
    return found


def read_folder(
    root: Path, paths: list[Path], tables: Tables, scratch: Path, advance: Callable[[str], None] = lambda name: None
) -> None:
    """Add the files of a folder to the tables.

    Args:
        root: Folder that the names of files are relative to.
        advance: Called with the name of each table before it is read.
    """
    described: list[_File] = []
    for number, path in enumerate(paths):
        try:
            described.append(_describe(path, root, tables.session, scratch, number))
        except DatasetError as error:
            tables.ignored[path.relative_to(root).as_posix()] = str(error)
    groups: dict[tuple[object, ...], list[_File]] = {}
    for file in described:
        form = {key: value for key, value in file.declared.items() if key != "file"}
        key = (file.path.parent, _family(file.path), file.columns, repr(form))
        groups.setdefault(key, []).append(file)
    for number, group in enumerate(groups.values()):
        files = tuple(file.path for file in group)
        declared = group[0].declared | {"file": _common_name(root, files)}
        advance(str(declared["file"]))
        _add(declared, files, tables, scratch, number)


def _add(declared: dict[str, Any], files: tuple[Path, ...], tables: Tables, scratch: Path, number: int) -> None:
    """Add a table. Where that leaves fewer lines out, quotation marks are quoted by backslashes, or plain text."""
    is_delimited = declared.get("format", format_of(files[0].name)) == "delimited"
    best, fewest, chosen = None, 0, declared
    for place, more in enumerate(QUOTATIONS if is_delimited else QUOTATIONS[:1]):
        source = SourceFile.model_validate(declared | more)
        [piece, *_] = open_pieces(LocatedFile(source, files), tables.session, scratch, len(QUOTATIONS) * number + place)
        n_rejected = tables.count_rejected(piece)
        if best is None or n_rejected < fewest:
            best, fewest, chosen = piece, n_rejected, declared | more
        if not fewest:
            break
    assert best is not None
    tables.add(best, str(declared["file"]), FileOrigin(chosen))


def _family(path: Path) -> str:
    """A file's name without its numbers and dates, by which parts of one table are told."""
    stem = path.name.split(".")[0]
    return re.sub(r"\d+", "#", stem) + path.name[len(stem) :] if re.search(r"[_-]?\d+$", stem) else path.name


def _common_name(root: Path, paths: tuple[Path, ...]) -> str:
    """The name of one file, or a pattern for several."""
    first = paths[0].relative_to(root).as_posix()
    if len(paths) == 1:
        return first
    folder, _, name = first.rpartition("/")
    stem, ending = name.split(".")[0], name[len(name.split(".")[0]) :]
    prefix = re.split(r"\d", stem)[0]
    return f"{folder}/{prefix}*{ending}".lstrip("/")


def _describe(path: Path, root: Path, session: Session, scratch: Path, number: int) -> _File:
    """How a file is to be declared.

    Raises:
        DatasetError: It cannot be read.
    """
    declared: dict[str, Any] = {"file": path.relative_to(root).as_posix()}
    source = SourceFile(file=str(declared["file"]))
    form = format_of(path.name)
    if form == "atomic" and not _is_atomic(path):
        form = declared["format"] = "delimited"
    if form in ("delimited", "json", "jsonl"):
        encoding = _encoding(path, scratch)
        if encoding is not None:
            declared["encoding"] = encoding
        source = SourceFile.model_validate(declared)
    if form == "delimited":
        declared |= dialect_keys(source, readable_text(source, path, scratch))
        source = SourceFile.model_validate(declared)
    [piece, *_] = open_pieces(LocatedFile(source, (path,)), session, scratch, 100_000 + number)
    return _File(path, declared, tuple(piece.columns))


def _is_atomic(path: Path) -> bool:
    """True if the first line of a file names columns with their types, as RecBole's files do."""
    with open_text(path) as stream:
        return all(re.fullmatch(r"[^:\t]+:\w+", name) for name in stream.readline().rstrip("\r\n").split("\t"))


def _encoding(path: Path, scratch: Path) -> str | None:
    for encoding in ENCODINGS:
        try:
            readable_text(SourceFile(file=path.name, encoding=encoding), path, scratch)
        except DatasetError:
            continue
        return encoding
    raise DatasetError("it is not text in any encoding that is known here")
