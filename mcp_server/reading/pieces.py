"""Sources as pieces: files of the same form and columns, which one statement scans."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from mcp_server.dataset.sources import FileFormat, SourceFile, format_of
from mcp_server.errors import MOST_CHARACTERS, DatasetError, quoted
from mcp_server.reading.delimited import (
    BUFFER,
    LONGEST_ROW,
    Dialect,
    in_utf8,
    line_of_json,
    line_of_record,
    line_of_row,
    open_text,
    read_dialect,
)
from mcp_server.reading.files import Located, LocatedFile, LocatedQuery
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import identifier, parse_query, text_literal
from recsys_shared.plain_text import cut

ROW = '"raw:row"'
"""Column with the number of a row in its file, from 1."""

TEXT = "VARCHAR"

BLANKS = "' \t\r\n\u00a0'"
"""Characters that are taken away around texts, as an SQL literal."""

SAMPLED_OBJECTS = 10_000
"""JSON objects among which names of columns are looked for first."""


@dataclass(frozen=True)
class Column:
    """A column of a piece."""

    sql: str
    """Its values, as an expression over the rows of the scan."""
    type: str
    """DuckDB's name of its type. Files of text have VARCHAR only; objects and lists of JSON are texts, too."""

    @property
    def text(self) -> str:
        """SQL for its values as text, without blanks around them."""
        if self.type == TEXT:
            return f"trim({self.sql}, {BLANKS})"
        if self.type.endswith("[]"):
            return f"array_to_string({self.sql}, ', ')"
        if self.type.startswith(("STRUCT", "MAP", "UNION", "JSON")):
            return f"CAST(to_json({self.sql}) AS VARCHAR)"
        return f"CAST({self.sql} AS VARCHAR)"


Scan = Callable[[Sequence[Path], bool], str]
"""Makes a SELECT over some files; with the number of each row as ``ROW`` if the flag is set."""


@dataclass(frozen=True)
class Piece:
    """Files of the same form and columns."""

    name: str
    """Name in messages."""
    paths: tuple[Path, ...]
    """Files as they are scanned; copies of those that had to be transcoded."""
    shown: Mapping[Path, Path]
    """The file of the dataset that each of the paths stands for."""
    columns: Mapping[str, Column]
    scan: Scan
    where: str | None = None
    """Condition that rows must meet, as the dataset declares it."""
    broken: tuple[str, str] | None = None
    """SQL over the scan: a condition for rows that are no records, and such a row as text."""
    rejects: str | None = None
    """Table of rows that DuckDB could not divide into columns."""
    line_of: Callable[[Path, int], int | None] = field(default=lambda path, row: None)
    """The line of a row of a file, or None where files have no lines."""
    line_of_reject: Callable[[Path, int], int | None] = field(default=lambda path, record: None)
    """The line of a row that could not be divided into columns."""

    def place(self, path: Path, row: int, *, rejected: bool = False) -> str:
        """The place of a row, for messages."""
        shown = self.shown.get(path, path)
        line = self.line_of_reject(path, row) if rejected else self.line_of(path, row)
        return f"{shown}, line {line}" if line is not None else f"{shown}, row {row}"


def open_pieces(located: Located, session: Session, scratch: Path, number: int) -> list[Piece]:
    """The pieces of a source.

    Args:
        scratch: Folder for copies of files in other encodings. The session may read it.
        number: A number of the source, for names.

    Raises:
        DatasetError: A file is not in its form.
    """
    if isinstance(located, LocatedFile):
        return list(_file_pieces(located, session, scratch, number))
    if located.source.from_ is not None:
        [piece] = _file_pieces(located.files["result"], session, scratch, number)
        name = f"the query of {located.source.from_}"
        shown = {path: Path(name) for path in piece.paths}
        return [replace(piece, name=name, shown=shown, where=located.source.where, line_of=lambda path, row: None)]
    return [_query_piece(located, session, scratch, number)]


def _file_pieces(located: LocatedFile, session: Session, scratch: Path, number: int) -> Iterator[Piece]:
    by_form: dict[FileFormat, list[Path]] = {}
    for path in located.paths:
        form = located.source.format or format_of(path.name)
        if form is None:
            raise DatasetError(
                f"{path}: its ending tells no format: declare format: delimited, jsonl, json, parquet or atomic"
            )
        if form == "json" and _first_character(path) != "[":
            form = "jsonl"
        by_form.setdefault(form, []).append(path)
    makers: dict[FileFormat, Callable[[SourceFile, list[Path], Session, Path], Piece]] = {
        "jsonl": _json_lines,
        "json": _json_arrays,
        "parquet": _parquet,
    }
    for form, paths in by_form.items():
        if form in makers:
            yield makers[form](located.source, paths, session, scratch)
        else:
            yield from _delimited(located.source, paths, session, scratch, number)


def _delimited(source: SourceFile, paths: list[Path], session: Session, scratch: Path, number: int) -> Iterator[Piece]:
    groups: dict[Dialect, dict[Path, Path]] = {}
    for path in paths:
        readable = in_utf8(source, path, scratch)
        groups.setdefault(read_dialect(source, readable), {})[readable] = path
    for place, (dialect, shown) in enumerate(groups.items()):
        rejects = f"rejects_{number}_{place}"
        raw = [f'"raw:{position}"' for position in range(len(dialect.header))]
        columns = {name: Column(column, TEXT) for name, column in zip(dialect.header, raw, strict=True)}
        for flags, names in source.flags.items():
            columns[flags] = Column(_flagged(names, columns, paths[0]), "VARCHAR[]")
        yield Piece(
            name=_name_of(paths),
            paths=tuple(shown),
            shown=shown,
            columns=columns,
            scan=_delimited_scan(dialect, rejects),
            where=source.where,
            rejects=rejects,
            line_of=partial(line_of_row, dialect=dialect),
            line_of_reject=partial(line_of_record, dialect=dialect),
        )


_LIMITS = f"max_line_size={LONGEST_ROW}, buffer_size={BUFFER}"


def _delimited_scan(dialect: Dialect, rejects: str) -> Scan:
    names = ", ".join(f"'raw:{position}': 'VARCHAR'" for position in range(len(dialect.header)))
    quote = text_literal(dialect.quote)
    options = (
        f"auto_detect=false, header={str(dialect.has_header).lower()}, delim={text_literal(dialect.separator)}, "
        f"quote={quote}, escape={quote}, comment='', columns={{{names}}}, {_LIMITS}, "
        f"store_rejects=true, rejects_table='{rejects}', rejects_scan='{rejects}_scan', rejects_limit=0"
    )

    def scan(paths: Sequence[Path], with_rows: bool) -> str:
        files = "[" + ", ".join(text_literal(str(path)) for path in paths) + "]"
        return f"SELECT *{_row_number(with_rows)} FROM read_csv({files}, {options})"

    return scan


def _row_number(with_rows: bool) -> str:
    return f", row_number() OVER () AS {ROW}" if with_rows else ""


def _flagged(names: list[str], columns: Mapping[str, Column], path: Path) -> str:
    """The list of those columns that hold 1."""
    missing = [name for name in names if name not in columns]
    if missing:
        raise DatasetError(f"{path}: flags: there is no column {quoted(missing[0])}")
    chosen = ", ".join(f"CASE WHEN trim({columns[name].sql}) = '1' THEN {text_literal(name)} END" for name in names)
    return f"list_filter([{chosen}], lambda name: name IS NOT NULL)"


def _json_lines(source: SourceFile, paths: list[Path], session: Session, scratch: Path) -> Piece:
    shown = {in_utf8(source, path, scratch): path for path in paths}
    lines = (
        f"auto_detect=false, header=false, quote='', escape='', delim='\x01', columns={{'line': 'VARCHAR'}}, {_LIMITS}"
    )

    def scan(files: Sequence[Path], with_rows: bool) -> str:
        listed = "[" + ", ".join(text_literal(str(path)) for path in files) + "]"
        return (
            f'SELECT line AS "raw:json"{_row_number(with_rows)} FROM read_csv({listed}, {lines}) '
            "WHERE trim(line, ' \t\r') <> ''"
        )

    return _json_piece(source, shown, scan, session, line_of=line_of_json)


def _json_arrays(source: SourceFile, paths: list[Path], session: Session, scratch: Path) -> Piece:
    shown = {in_utf8(source, path, scratch): path for path in paths}

    def scan(files: Sequence[Path], with_rows: bool) -> str:
        listed = "[" + ", ".join(text_literal(str(path)) for path in files) + "]"
        objects = f"read_json_objects({listed}, format='array', maximum_object_size={LONGEST_ROW})"
        return f'SELECT CAST(json AS VARCHAR) AS "raw:json"{_row_number(with_rows)} FROM {objects}'

    return _json_piece(source, shown, scan, session, line_of=lambda path, row: None)


def _json_piece(
    source: SourceFile,
    shown: Mapping[Path, Path],
    scan: Scan,
    session: Session,
    line_of: Callable[[Path, int], int | None],
) -> Piece:
    name = _name_of(list(shown.values()))
    readable = 'CASE WHEN json_valid("raw:json") AND json_type("raw:json") = \'OBJECT\' THEN "raw:json" END'
    keys = session.rows(
        f"SELECT DISTINCT unnest(json_keys({readable})) FROM ({scan(list(shown), False)} LIMIT {SAMPLED_OBJECTS})", name
    )
    names = sorted(key for (key,) in keys)
    columns = {key: Column(f"json_extract_string({readable}, {_path([key])})", TEXT) for key in names}
    return Piece(
        name=name,
        paths=tuple(shown),
        shown=shown,
        columns=_ObjectColumns(columns, readable, list(shown), scan, session, name),
        scan=scan,
        where=source.where,
        broken=(f"{readable} IS NULL", '"raw:json"'),
        line_of=line_of,
    )


class _ObjectColumns(dict[str, Column]):
    """Columns of JSON objects. Those beyond the sampled objects are found when they are asked for."""

    def __init__(
        self, sampled: dict[str, Column], readable: str, paths: list[Path], scan: Scan, session: Session, name: str
    ) -> None:
        super().__init__(sampled)
        self._readable, self._paths, self._scan, self._session, self._name = readable, paths, scan, session, name
        self._is_complete = False

    def __contains__(self, key: object) -> bool:
        if not super().__contains__(key) and not self._is_complete:
            self._is_complete = True
            statement = f"SELECT DISTINCT unnest(json_keys({self._readable})) FROM ({self._scan(self._paths, False)})"
            for (found,) in self._session.rows(statement, self._name):
                self.setdefault(found, Column(f"json_extract_string({self._readable}, {_path([found])})", TEXT))
        return super().__contains__(key)


def _path(keys: Sequence[str]) -> str:
    """A path into a JSON object, as an SQL literal."""
    return text_literal("$" + "".join("." + json.dumps(key, ensure_ascii=False) for key in keys))


def part_of(column: Column, keys: Sequence[str]) -> Column:
    """A part of a column that holds objects."""
    content = column.sql if column.type == TEXT else f"CAST(to_json({column.sql}) AS VARCHAR)"
    valid = f"CASE WHEN json_valid({content}) THEN {content} END"
    return Column(f"json_extract_string({valid}, {_path(keys)})", TEXT)


def _parquet(source: SourceFile, paths: list[Path], session: Session, scratch: Path) -> Piece:
    def scan(files: Sequence[Path], with_rows: bool) -> str:
        listed = "[" + ", ".join(text_literal(str(path)) for path in files) + "]"
        return f"SELECT *{_row_number(with_rows)} FROM read_parquet({listed}, union_by_name=true)"

    name = _name_of(paths)
    return Piece(
        name=name,
        paths=tuple(paths),
        shown={path: path for path in paths},
        columns=_described(scan(paths, False), session, name),
        scan=scan,
        where=source.where,
    )


def _query_piece(located: LocatedQuery, session: Session, scratch: Path, number: int) -> Piece:
    query = parse_query(located.source.query, "query")
    tables = []
    for position, (name, file) in enumerate(located.files.items()):
        pieces = list(_file_pieces(file, session, scratch, 1000 * (number + 1) + position))
        selects = [_typed_select(piece, session) for piece in pieces]
        tables.append(f"{identifier(name)} AS ({' UNION ALL BY NAME '.join(selects)})")
    files = f"WITH {', '.join(tables)} " if tables else ""  # hides all tables of the session that have these names

    def scan(_paths: Sequence[Path], with_rows: bool) -> str:
        return f"SELECT *{_row_number(with_rows)} FROM ({files}SELECT * FROM ({query.sql}))"

    name = f"query over {cut(', '.join(located.files), MOST_CHARACTERS) or 'no files'}"
    return Piece(
        name=name,
        paths=(Path(name),),
        shown={},
        columns=_described(scan((), False), session, name),
        scan=scan,
        where=located.source.where,
    )


def _described(select: str, session: Session, name: str) -> dict[str, Column]:
    return {column: Column(identifier(column), type_) for column, type_, *_ in session.rows(f"DESCRIBE {select}", name)}


def typed_columns(piece: Piece, session: Session, names: Sequence[str]) -> list[str]:
    """SELECT entries of columns by their names. Texts become numbers, booleans, dates or times if all of a column can,
    so that SQL of the dataset can calculate with them.
    """
    types = _best_types(piece, [name for name in names if piece.columns[name].type == TEXT], session)
    return [f"{_cast(piece.columns[name], types.get(name))} AS {identifier(name)}" for name in names]


def _typed_select(piece: Piece, session: Session) -> str:
    """A SELECT of all columns by their names, as ``typed_columns`` gives them."""
    columns = ", ".join(typed_columns(piece, session, list(piece.columns)))
    return f"SELECT {columns} FROM ({piece.scan(piece.paths, False)})"


WHOLE = r"^-?(0|[1-9]\d{0,17})$"
FRACTION = r"^-?(0|[1-9]\d*)?(\.\d+)?([eE][+-]?\d+)?$"
DAY = r"^\d{4}-\d{2}-\d{2}$"
MOMENT = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?$"

UNKNOWN = ("", "null", "nan", "n/a", "\\n")
"""Texts that stand for an unknown value by default, in lower case."""

_TYPES = (
    ("BIGINT", WHOLE, "BIGINT"),
    ("DOUBLE", FRACTION, "DOUBLE"),
    ("BOOLEAN", "(?i)^(true|false)$", "BOOLEAN"),
    ("DATE", DAY, "DATE"),
    ("TIMESTAMP", MOMENT, "TIMESTAMPTZ"),
)


def _known(sql: str) -> str:
    """A text, or NULL where it stands for an unknown value."""
    unknown = ", ".join(text_literal(text) for text in UNKNOWN)
    return f"CASE WHEN lower(trim({sql})) NOT IN ({unknown}) THEN trim({sql}) END"


def _best_types(piece: Piece, names: Sequence[str], session: Session) -> dict[str, str]:
    """The type that all values of a text column have, for those columns that have one."""
    if not names:
        return {}
    counts = []
    for name in names:
        value = _known(piece.columns[name].sql)
        counts.append(f"count({value})")
        counts += [
            f"count(*) FILTER (regexp_matches({value}, {text_literal(pattern)}) "
            f"AND TRY_CAST({value} AS {type_}) IS NOT NULL)"
            for _, pattern, type_ in _TYPES
        ]
    found = session.row(f"SELECT {', '.join(counts)} FROM ({piece.scan(piece.paths, False)})", piece.name)
    types, width = {}, len(_TYPES) + 1
    for position, name in enumerate(names):
        known, *fitting = found[position * width : (position + 1) * width]
        type_ = next((type_ for (type_, _, _), n in zip(_TYPES, fitting, strict=True) if n == known > 0), None)
        if type_ is not None:
            types[name] = type_
    return types


def _cast(column: Column, type_: str | None) -> str:
    if column.type != TEXT:
        return column.sql
    if type_ is None:
        return _known(column.sql)
    if type_ == "TIMESTAMP":
        return f"CAST(CAST({_known(column.sql)} AS TIMESTAMPTZ) AS TIMESTAMP)"
    return f"CAST({_known(column.sql)} AS {type_})"


def _first_character(path: Path) -> str:
    with open_text(path) as stream:
        return stream.read(4096).lstrip()[:1]


def _name_of(paths: Sequence[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more files"
