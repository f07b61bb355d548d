"""The columns that a specification names, found in a piece: by their header, as a part of an object, or as SQL."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz import process

from mcp_server.errors import DatasetError, quoted
from mcp_server.reading.json_pieces import keys_of, part_of
from mcp_server.reading.pieces import ROW, TEXT, Column, Piece
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import is_expression, parse_expression
from mcp_server.reading.typed_columns import typed_columns
from recsys_shared.plain_text import cut

LEAST_SIMILARITY = 50

LONGEST_LIST = 400
"""Upper bound on the characters of a list of names in a message."""

MOST_FILES = 5
"""Files that a message names."""

RelationOf = Callable[[Path | None], str]
"""Makes the FROM clause of a piece: of all its files, or of one of them with the number of each row."""


BROKEN = '"is_broken"'
"""Column that is true for rows that are no records."""

BROKEN_ROW = '"broken_row"'


@dataclass(frozen=True)
class UsedColumn:
    """A column that the dataset uses."""

    sql: str
    type: str
    text: str
    """SQL for its values as text, without blanks around them."""


@dataclass(frozen=True)
class Relation:
    """A piece with the columns that the dataset uses, each computed once."""

    piece: Piece
    columns: dict[str, UsedColumn]
    """Columns by what the specification writes for them; those that this piece lacks are not there."""
    of: RelationOf


def relate(piece: Piece, wanted: Iterable[str], session: Session) -> Relation:
    """Find the columns that a dataset uses of a piece.

    Raises:
        DatasetError: An expression of the dataset cannot be used.
    """
    columns: dict[str, Column] = {}
    expressions: dict[str, str] = {}
    used: list[str] = []
    for name in dict.fromkeys(wanted):
        if name in piece.columns:
            columns[name] = piece.columns[name]
        elif (found := _part(piece, name, session)) is not None:
            columns[name] = found
        elif is_expression(name):
            parsed = parse_expression(name, f"source {quoted(name)}")
            if all(column in piece.columns for column in parsed.columns):
                expressions[name] = parsed.sql
                used += parsed.columns
    condition = None
    if piece.where is not None:
        parsed = parse_expression(piece.where, "where")
        for column in parsed.columns:
            if column not in piece.columns:
                raise missing_column(column, "where", [piece], session)
        condition = parsed.sql
        used += parsed.columns
    filtered = _filtered(piece, list(dict.fromkeys(used)), condition, session)
    for name, type_ in zip(expressions, _types(filtered(None), expressions.values(), piece, session), strict=True):
        columns[name] = Column(expressions[name], type_)
    return _in_layers(piece, columns, filtered)


def _in_layers(piece: Piece, columns: Mapping[str, Column], filtered: RelationOf) -> Relation:
    """The relation whose columns are computed once: their values first, then these as texts."""
    columns = {name: column.plain for name, column in columns.items()}
    names = {name: (f'"in:{number}"', f'"text:{number}"') for number, name in enumerate(columns)}
    values = [f"{column.sql} AS {names[name][0]}" for name, column in columns.items()]
    texts = [f"{Column(names[name][0], column.type).text} AS {names[name][1]}" for name, column in columns.items()]
    if piece.broken is not None:
        condition, row = piece.broken
        values += [f"({condition}) AS {BROKEN}", f"{row} AS {BROKEN_ROW}"]

    def of(path: Path | None) -> str:
        row = [] if path is None else [ROW]
        inner = f"SELECT {', '.join([*row, *values])} FROM {filtered(path)}"
        return f"(SELECT {', '.join(['*', *texts])} FROM ({inner}))"

    used = {name: UsedColumn(names[name][0], column.type, names[name][1]) for name, column in columns.items()}
    return Relation(piece, used, of)


def _part(piece: Piece, name: str, session: Session) -> Column | None:
    """The column of a path such as ``price.amount``; None where no object of the piece has such a part."""
    first, *rest = name.split(".")
    if not rest or first not in piece.columns or not all(rest):
        return None
    part, parent = part_of(piece.columns[first], rest), piece.columns[first]
    [n_known] = session.row(f"SELECT count({part.sql}) FROM ({piece.scan(piece.paths, False)})", piece.name)
    if len(rest) > 1:
        parent = part_of(parent, rest[:-1])
    return part if n_known or rest[-1] in keys_of(piece, parent, session) else None


def _filtered(piece: Piece, used: Sequence[str], condition: str | None, session: Session) -> RelationOf:
    typed = typed_columns(piece, session, used) if any(piece.columns[name].type == TEXT for name in used) else []

    def of(path: Path | None) -> str:
        scanned = piece.scan(piece.paths if path is None else [path], path is not None)
        if typed:
            scanned = f"SELECT *, {', '.join(typed)} FROM ({scanned})"
        return f"(SELECT * FROM ({scanned}) WHERE {condition})" if condition else f"({scanned})"

    return of


def _types(relation: str, expressions: Collection[str], piece: Piece, session: Session) -> list[str]:
    if not expressions:
        return []
    types = []
    for sql in expressions:
        try:
            types += [type_ for _, type_, *_ in session.rows(f"DESCRIBE SELECT {sql} FROM {relation}", piece.name)]
        except DatasetError as error:
            raise DatasetError(
                f"{error} (in the expression {quoted(sql)}; a column is a text if not all of its values are numbers or "
                "dates: TRY_CAST(COLUMN AS DOUBLE) makes numbers of those that are)"
            ) from error
    return types


def missing_column(name: str, where: str, pieces: Sequence[Piece], session: Session) -> DatasetError:
    """An error for a column that no file has, with the nearest that there is."""
    known = list(dict.fromkeys(column for piece in pieces for column in piece.columns))
    if is_expression(name):
        used = parse_expression(name, where).columns
        name = next((column for column in used if column not in known), name)
    first = name.split(".")[0]
    for piece in pieces:
        if first != name and first in piece.columns:
            known = [f"{first}.{key}" for key in keys_of(piece, piece.columns[first], session)] or known
    near = process.extractOne(name.lower(), [column.lower() for column in known], score_cutoff=LEAST_SIMILARITY)
    files = cut(", ".join(dict.fromkeys(piece.name for piece in pieces[:MOST_FILES])), LONGEST_LIST)
    names = cut(", ".join(map(quoted, known[:20])), LONGEST_LIST)
    hint = f"the nearest is {quoted(known[near[2]])}" if near else f"there are {names}" if known else "there are none"
    return DatasetError(f"{where}: there is no column {quoted(name)} in {files}; {hint}")
