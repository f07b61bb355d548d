"""Text columns as SQL of the dataset sees them: numbers, booleans, dates or times, if all values of a column are."""

from collections.abc import Sequence

from mcp_server.reading.missing import UNKNOWN
from mcp_server.reading.pieces import TEXT, Column, Piece
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import identifier, text_literal

WHOLE = r"^-?(0|[1-9]\d{0,17})$"
FRACTION = r"^-?(0|[1-9]\d*)?(\.\d+)?([eE][+-]?\d+)?$"
DAY = r"^\d{4}-\d{2}-\d{2}$"
MOMENT = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?$"

_TYPES = (
    ("BIGINT", WHOLE, "BIGINT"),
    ("DOUBLE", FRACTION, "DOUBLE"),
    ("BOOLEAN", "(?i)^(true|false)$", "BOOLEAN"),
    ("DATE", DAY, "DATE"),
    ("TIMESTAMP", MOMENT, "TIMESTAMPTZ"),
)


def typed_columns(piece: Piece, session: Session, names: Sequence[str]) -> list[str]:
    """SELECT entries of columns by their names. Texts become numbers, booleans, dates or times if all of a column can,
    so that SQL of the dataset can calculate with them.
    """
    types = _best_types(piece, [name for name in names if piece.columns[name].type == TEXT], session)
    return [f"{_cast(piece.columns[name], types.get(name))} AS {identifier(name)}" for name in names]


def typed_select(piece: Piece, session: Session) -> str:
    """A SELECT of all columns that have a name, as ``typed_columns`` gives them."""
    columns = ", ".join(typed_columns(piece, session, [name for name in piece.columns if name]))
    return f"SELECT {columns} FROM ({piece.scan(piece.paths, False)})"


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
