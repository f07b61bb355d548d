"""Sources, opened: their files as pieces, and queries over files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from mcp_server.dataset.sources import SourceFile, format_of
from mcp_server.errors import MOST_CHARACTERS, DatasetError, quoted
from mcp_server.reading.delimited import Dialect, line_of_record, line_of_row, read_dialect
from mcp_server.reading.files import Located, LocatedFile, LocatedQuery
from mcp_server.reading.json_pieces import form_of_json, json_arrays, json_lines, json_objects, readable_json
from mcp_server.reading.kinds import TRUE
from mcp_server.reading.pieces import LIMITS, TEXT, Column, Piece, Scan, described, listed, name_of, row_number
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import identifier, parse_query, text_literal
from mcp_server.reading.text_files import readable_text
from mcp_server.reading.typed_columns import typed_select
from recsys_shared.plain_text import cut


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
    by_form: dict[str, dict[Path, Path]] = {}
    for path in located.paths:
        form: str | None = located.source.format or format_of(path.name)
        if form is None:
            raise DatasetError(
                f"{path}: its ending tells no format: declare format: delimited, jsonl, json, parquet or atomic"
            )
        readable = path
        if form in ("json", "jsonl"):
            readable = readable_json(located.source, path, scratch)
            form = form_of_json(readable) if form == "json" else form
        elif form != "parquet":
            readable = readable_text(located.source, path, scratch)
        by_form.setdefault(form, {})[readable] = path
    for form, shown in by_form.items():
        if form in _MAKERS:
            yield _MAKERS[form](located.source, shown, session)
        else:
            yield from _delimited(located.source, shown, number)


def _delimited(source: SourceFile, files: Mapping[Path, Path], number: int) -> Iterator[Piece]:
    groups: dict[Dialect, dict[Path, Path]] = {}
    for readable, path in files.items():
        groups.setdefault(read_dialect(source, readable), {})[readable] = path
    for place, (dialect, shown) in enumerate(groups.items()):
        rejects = f"rejects_{number}_{place}"
        raw = [f'"raw:{position}"' for position in range(len(dialect.header))]
        columns = {name: Column(column, TEXT) for name, column in zip(dialect.header, raw, strict=True)}
        for flags, names in source.flags.items():
            columns[flags] = Column(_flagged(names, columns, next(iter(shown.values()))), "VARCHAR[]")
        yield Piece(
            name=name_of(list(shown.values())),
            paths=tuple(shown),
            shown=shown,
            columns=columns,
            scan=_delimited_scan(dialect, rejects),
            where=source.where,
            rejects=rejects,
            n_columns=len(dialect.header),
            line_of=partial(line_of_row, dialect=dialect),
            line_of_reject=partial(line_of_record, dialect=dialect),
        )


def _delimited_scan(dialect: Dialect, rejects: str) -> Scan:
    names = ", ".join(f"'raw:{position}': 'VARCHAR'" for position in range(len(dialect.header)))
    above = dialect.skipped if dialect.header_line is None else dialect.header_line - 1
    header = f"header={'false' if dialect.header_line is None else 'true'}, skip={above}"
    options = (
        f"auto_detect=false, {header}, delim={text_literal(dialect.separator)}, "
        f"quote={text_literal(dialect.quote)}, escape={text_literal(dialect.escape)}, comment='', {LIMITS}, "
        f"columns={{{names}}}, store_rejects=true, rejects_table='{rejects}', rejects_scan='{rejects}_scan', "
        "rejects_limit=0"
    )

    def scan(paths: Sequence[Path], with_rows: bool) -> str:
        return f"SELECT *{row_number(with_rows)} FROM read_csv({listed(paths)}, {options})"

    return scan


def _flagged(names: list[str], columns: Mapping[str, Column], path: Path) -> str:
    """The list of those columns that hold 1, true or yes."""
    missing = [name for name in names if name not in columns]
    if missing:
        raise DatasetError(f"{path}: flags: there is no column {quoted(missing[0])}")
    yes = ", ".join(map(text_literal, TRUE))
    chosen = ", ".join(
        f"CASE WHEN lower(trim({columns[name].sql})) IN ({yes}) THEN {text_literal(name)} END" for name in names
    )
    return f"list_filter([{chosen}], lambda name: name IS NOT NULL)"


def _parquet(source: SourceFile, shown: Mapping[Path, Path], session: Session) -> Piece:
    def scan(files: Sequence[Path], with_rows: bool) -> str:
        return f"SELECT *{row_number(with_rows)} FROM read_parquet({listed(files)}, union_by_name=true)"

    name = name_of(list(shown))
    return Piece(
        name=name,
        paths=tuple(shown),
        shown=shown,
        columns=described(scan(list(shown), False), session, name),
        scan=scan,
        where=source.where,
    )


_MAKERS: dict[str, Callable[[SourceFile, Mapping[Path, Path], Session], Piece]] = {
    "jsonl": json_lines,
    "lines": json_lines,
    "array": json_arrays,
    "objects": json_objects,
    "parquet": _parquet,
}
"""Makers of pieces that are not delimited, by the format or by what a file of JSON holds."""


def _query_piece(located: LocatedQuery, session: Session, scratch: Path, number: int) -> Piece:
    query = parse_query(located.source.query, "query")
    parts: list[Piece] = []
    tables = []
    for position, (name, file) in enumerate(located.files.items()):
        pieces = list(_file_pieces(file, session, scratch, 1000 * (number + 1) + position))
        selects = [typed_select(piece, session) for piece in pieces]
        tables.append(f"{identifier(name)} AS ({' UNION ALL BY NAME '.join(selects)})")
        parts += pieces
    files = f"WITH {', '.join(tables)} " if tables else ""  # hides all tables of the session that have these names

    def scan(_paths: Sequence[Path], with_rows: bool) -> str:
        return f"SELECT *{row_number(with_rows)} FROM ({files}SELECT * FROM ({query.sql}))"

    name = f"query over {cut(', '.join(located.files), MOST_CHARACTERS) or 'no files'}"
    return Piece(
        name=name,
        paths=(Path(name),),
        shown={},
        columns=described(scan((), False), session, name),
        scan=scan,
        where=located.source.where,
        parts=parts,
    )
