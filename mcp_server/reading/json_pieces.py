"""Pieces of JSON: an object a line, arrays of objects, and objects one after the other."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mcp_server.dataset.sources import SourceFile
from mcp_server.errors import DatasetError, quoted
from mcp_server.reading.pieces import LIMITS, TEXT, Column, Piece, Scan, listed, name_of, row_number
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import text_literal
from mcp_server.reading.text_files import LONGEST_ROW, open_text, readable_text

SAMPLED_OBJECTS = 10_000
"""JSON objects among which names of columns are looked for first."""

READABLE = 'CASE WHEN json_valid("raw:json") AND json_type("raw:json") = \'OBJECT\' THEN "raw:json" END'
"""SQL for a row that is an object."""


def json_lines(source: SourceFile, shown: Mapping[Path, Path], session: Session) -> Piece:
    """Files with an object on each line."""
    lines = (
        f"auto_detect=false, header=false, quote='', escape='', delim='\x01\x02\x03', columns={{'line': 'VARCHAR'}}, "
        f"{LIMITS}"
    )

    def scan(files: Sequence[Path], with_rows: bool) -> str:
        return (
            f'SELECT line AS "raw:json"{row_number(with_rows)} FROM read_csv({listed(files)}, {lines}) '
            "WHERE trim(line, ' \t\r') <> ''"
        )

    return _piece(source, shown, scan, session, line_of=line_of_json)


def json_arrays(source: SourceFile, shown: Mapping[Path, Path], session: Session) -> Piece:
    """Files with an array of objects."""
    return _piece(source, shown, _scan_of_objects("array"), session, line_of=lambda path, row: None)


def json_objects(source: SourceFile, shown: Mapping[Path, Path], session: Session) -> Piece:
    """Files with objects that go over several lines."""
    return _piece(source, shown, _scan_of_objects("unstructured"), session, line_of=lambda path, row: None)


def _scan_of_objects(form: str) -> Scan:
    def scan(files: Sequence[Path], with_rows: bool) -> str:
        objects = f"read_json_objects({listed(files)}, format='{form}', maximum_object_size={LONGEST_ROW})"
        return f'SELECT CAST(json AS VARCHAR) AS "raw:json"{row_number(with_rows)} FROM {objects}'

    return scan


def readable_json(source: SourceFile, path: Path, scratch: Path) -> Path:
    """A file of JSON in UTF-8, whose lines all end in the same way."""
    return readable_text(source.model_copy(update={"quote": "", "escape": None}), path, scratch)


def form_of_json(path: Path) -> str:
    """Tell what a file of JSON holds: "array", "lines" or "objects"."""
    with open_text(path) as stream:
        first = next((line for line in stream if line.strip()), "")
    if first.lstrip().startswith("["):
        return "array"
    try:
        return "lines" if isinstance(json.loads(first), dict) else "objects"
    except (ValueError, RecursionError):
        return "objects"


def part_of(column: Column, keys: Sequence[str]) -> Column:
    """A part of a column that holds objects, or lists of objects."""
    content = column.plain.sql
    valid = f"CASE WHEN json_valid({content}) THEN {content} END"
    within = f"CAST(to_json(json_extract({valid}, {_path(keys, of_list=True)})) AS VARCHAR)"
    part = f"json_extract_string({valid}, {_path(keys)})"
    return Column(f"CASE WHEN json_type({valid}) = 'ARRAY' THEN {within} ELSE {part} END", TEXT)


def keys_of(piece: Piece, column: Column, session: Session) -> list[str]:
    """The keys that the objects in a column of a piece have."""
    content = column.plain.sql
    objects = f"CASE WHEN json_valid({content}) AND json_type({content}) = 'OBJECT' THEN {content} END"
    found = session.rows(
        f"SELECT DISTINCT unnest(json_keys({objects})) AS key FROM ({piece.scan(piece.paths, False)}) ORDER BY key",
        piece.name,
    )
    return [key for (key,) in found]


def line_of_json(path: Path, row: int) -> int | None:
    """The line of a JSON object, counted from 1 among the lines that are not blank."""
    with open_text(path) as stream:
        written = (number for number, line in enumerate(stream, start=1) if line.strip(" \t\r\n"))
        return next((line for place, line in enumerate(written, start=1) if place == row), None)


def _piece(
    source: SourceFile,
    shown: Mapping[Path, Path],
    scan: Scan,
    session: Session,
    line_of: Callable[[Path, int], int | None],
) -> Piece:
    columns = _ObjectColumns(scan, list(shown), session, name_of(list(shown.values())))
    piece = Piece(
        name=columns.name,
        paths=tuple(shown),
        shown=shown,
        columns=columns,
        scan=scan,
        where=source.where,
        broken=(f"{READABLE} IS NULL", '"raw:json"'),
        line_of=line_of,
    )
    if not columns:
        for path in piece.paths:
            for text in session.rows(f'SELECT "raw:json" FROM ({scan([path], False)}) LIMIT 1', piece.name):
                raise DatasetError(f"{piece.place(path, 1)}: {quoted(text[0])} is not a JSON object with keys")
        columns.are_any = True
    return piece


class _ObjectColumns(dict[str, Column]):
    """Columns of JSON objects. Those beyond the sampled objects are found when they are asked for."""

    are_any = False
    """True if there is no object, so that no column is missing."""

    def __init__(self, scan: Scan, paths: Sequence[Path], session: Session, name: str) -> None:
        super().__init__()
        self.name, self._session, self._rows = name, session, scan(paths, False)
        self._is_complete = False
        self._add(f"{self._rows} LIMIT {SAMPLED_OBJECTS}")

    def _add(self, rows: str) -> None:
        keys = self._session.rows(f"SELECT DISTINCT unnest(json_keys({READABLE})) FROM ({rows})", self.name)
        for key in sorted(key for (key,) in keys):
            self.setdefault(key, Column(f"json_extract_string({READABLE}, {_path([key])})", TEXT))

    def __contains__(self, key: object) -> bool:
        if not super().__contains__(key) and not self._is_complete:
            self._is_complete = True
            self._add(self._rows)
        return self.are_any or super().__contains__(key)

    def __missing__(self, key: str) -> Column:
        if not self.are_any:
            raise KeyError(key)
        return Column("CAST(NULL AS VARCHAR)", TEXT)


def _path(keys: Sequence[str], *, of_list: bool = False) -> str:
    """A path into a JSON object, or into each object of a list, as an SQL literal."""
    steps = "".join("." + json.dumps(key, ensure_ascii=False) for key in keys)
    return text_literal(("$[*]" if of_list else "$") + steps)
