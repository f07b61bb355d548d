"""Reading a dataset's files: where they are, their formats, and their raw rows.

Rows are dictionaries from column to raw value (a string, or a value of JSON). Their meaning is left to ``records``.
"""

import csv
import hashlib
import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from mcp_server.dataset.sources import Alternatives, Source, SourceFile, SourceQuery, format_of
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.errors import MOST_CHARACTERS, DatasetError
from recsys_shared.plain_text import cut

Row = Mapping[str, object]


@dataclass(frozen=True)
class LocatedFile:
    """A source of the specification and where it was found."""

    source: SourceFile
    path: Path


def locate_sources(spec: DatasetSpec, spec_folder: Path, data_folder: Path | None) -> dict[str, list[LocatedFile]]:
    """Find each file of the specification.

    Args:
        spec_folder: The folder of dataset.yaml.
        data_folder: Folder that the user names; it is searched first.

    Returns:
        The files of "items", "users" and "interactions".

    Raises:
        DatasetError: A file is missing (the text lists the folders that were searched), or outside these folders.
    """
    folders = [*([data_folder] if data_folder else []), spec_folder]
    folders += [folder for name in spec.folders if (folder := _resolve_folder(name, spec_folder)) is not None]

    def locate(source: Source) -> LocatedFile:
        assert not isinstance(source, SourceQuery)
        choices = source.one_of if isinstance(source, Alternatives) else [source]
        for folder in folders:
            for choice in choices:
                path = folder / choice.file
                if _is_file(path):
                    if folder.is_relative_to(spec_folder):
                        _check_inside(path, spec_folder)
                    return LocatedFile(choice, path)
        absent = [name for name in spec.folders if _resolve_folder(name, spec_folder) is None]
        packages = ", ".join(name.removeprefix("package:").partition("/")[0] for name in absent)
        remedy = f"Install {packages}, or name" if absent else "Name"
        raise DatasetError(
            f"{' or '.join(choice.file for choice in choices)} of dataset {spec.name} is in none of: "
            f"{', '.join(map(str, folders))}. {remedy} its folder with --data FOLDER"
        )

    return {
        "items": [locate(source) for source in spec.items.sources],
        "users": [locate(source) for source in spec.users.sources],
        "interactions": [locate(source) for source in spec.interactions.sources],
    }


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:  # a name that is too long, a folder that this user may not look into
        raise DatasetError(f"{cut(str(path), MOST_CHARACTERS)}: {error.strerror}") from error


def _check_inside(path: Path, spec_folder: Path) -> None:
    """Refuse a link that leads out of the dataset's folder: a dataset from elsewhere may bring links.

    Raises:
        DatasetError: The file is outside the folder of dataset.yaml.
    """
    target = path.resolve()
    if not target.is_relative_to(spec_folder.resolve()):
        raise DatasetError(
            f"{path} is a link to {target}, outside the folder of dataset.yaml: if you trust this dataset, name the "
            "folder of the file itself with --data FOLDER"
        )


def _resolve_folder(name: str, spec_folder: Path) -> Path | None:
    """A folder of the specification; None where its package is not installed."""
    if not name.startswith("package:"):
        return spec_folder / name
    package, _, inside = name.removeprefix("package:").partition("/")
    found = importlib.util.find_spec(package)  # imports nothing: the specification allows no dots in the name
    if found is None or not found.submodule_search_locations:
        return None
    return Path(next(iter(found.submodule_search_locations))) / inside


def digest_files(files: list[LocatedFile]) -> str:
    """SHA-256 over the names and contents of the files, in order."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.source.model_dump_json().encode())
        with file.path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def read_rows(file: LocatedFile) -> Iterator[tuple[int, Row]]:
    """The rows of a file, with their line numbers.

    Raises:
        DatasetError: A line breaks the format; the text names file and line.
    """
    try:
        yield from (
            _read_jsonl(file) if (file.source.format or format_of(file.source.file)) == "jsonl" else _read_columns(file)
        )
    except UnicodeError as error:
        reason = error.reason if isinstance(error, UnicodeDecodeError) else error
        raise DatasetError(f"{file.path} is not {file.source.encoding}: {reason}") from error
    except OSError as error:
        raise DatasetError(f"{file.path} cannot be read: {error.strerror or error}") from error
    except csv.Error as error:
        raise DatasetError(f"{file.path}: {error}") from error


def _read_jsonl(file: LocatedFile) -> Iterator[tuple[int, Row]]:
    with file.path.open(encoding=file.source.encoding or "utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise DatasetError(f"{file.path}, line {number}: not JSON: {error.msg}") from error
            except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
                raise DatasetError(f"{file.path}, line {number}: JSON beyond the limits: {error}") from error
            if not isinstance(row, dict):
                raise DatasetError(f"{file.path}, line {number}: not a JSON object")
            yield number, row


def _read_columns(file: LocatedFile) -> Iterator[tuple[int, Row]]:
    """Rows of a delimited or an atomic file. RecBole's atomic files have tabs, and a header of ``name:type``."""
    source, is_atomic = file.source, (file.source.format or format_of(file.source.file)) == "atomic"
    with file.path.open(encoding=source.encoding or "utf-8", newline="") as stream:
        lines = _split_lines(stream, "\t" if is_atomic else source.separator or ",")
        columns = source.columns or next(lines, (0, None))[1]
        if columns is None:
            raise DatasetError(f"{file.path} is empty: a header line with the column names was expected")
        if is_atomic:
            columns = [column.rpartition(":")[0] for column in columns]
            if not all(columns):
                raise DatasetError(f"{file.path}, line 1: the header of an atomic file says name:type")
        for number, values in lines:
            if not values:
                continue
            if len(values) != len(columns):
                raise DatasetError(f"{file.path}, line {number}: {len(values)} columns instead of {len(columns)}")
            row: dict[str, object] = dict(zip(columns, values, strict=True))
            for name, flags in source.flags.items():
                row[name] = [flag for flag in flags if row.get(flag) == "1"]
            yield number, row


def _split_lines(stream: TextIO, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and columns. The csv module reads quoted values, but takes no separator of several characters."""
    if separator == ",":
        reader = csv.reader(stream)
        for values in reader:
            yield reader.line_num, values
    else:
        for number, line in enumerate(stream, start=1):
            text = line.rstrip("\r\n")
            yield number, text.split(separator) if text.strip() else []
