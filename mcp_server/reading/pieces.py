"""Pieces: files of the same form and columns, which one statement scans."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import identifier, text_literal
from mcp_server.reading.text_files import LONGEST_ROW

ROW = '"raw:row"'
"""Column with the number of a row in its file, from 1."""

TEXT = "VARCHAR"

BLANKS = "' \t\r\n\u00a0'"
"""Characters that are taken away around texts, as an SQL literal."""

BUFFER = 16 * 2**20
"""Bytes that DuckDB reads at a time for each thread."""

LIMITS = f"max_line_size={LONGEST_ROW}, buffer_size={BUFFER}"

NESTED = ("STRUCT", "MAP", "UNION", "JSON")
"""Beginnings of DuckDB's names of types that hold several values."""


def is_nested(type_: str) -> bool:
    """True for DuckDB's name of a type of objects, or of lists of objects or lists."""
    return type_.startswith(NESTED) or type_.endswith("[][]")


@dataclass(frozen=True)
class Column:
    """A column of a piece."""

    sql: str
    """Its values, as an expression over the rows of the scan."""
    type: str
    """DuckDB's name of its type. Files of text have VARCHAR only; objects and lists of JSON are texts, too."""

    @property
    def plain(self) -> "Column":
        """The column itself, or as a text of JSON if it holds objects."""
        return Column(f"CAST(to_json({self.sql}) AS VARCHAR)", TEXT) if is_nested(self.type) else self

    @property
    def text(self) -> str:
        """SQL for its values as text, without blanks around them."""
        if self.type == TEXT:
            ends = " AND ".join(f"{end}({self.sql}, 1) BETWEEN '!' AND '~'" for end in ("left", "right"))
            return f"CASE WHEN {ends} THEN {self.sql} ELSE trim({self.sql}, {BLANKS}) END"  # trim takes a second for 3M
        if self.type.endswith("[]"):
            return f"array_to_string({self.sql}, ', ')"
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
    n_columns: int = 0
    """Number of columns of its files."""
    parts: Sequence["Piece"] = ()
    """For a query, the pieces that it reads."""
    line_of: Callable[[Path, int], int | None] = field(default=lambda path, row: None)
    """The line of a row of a file, or None where files have no lines."""
    line_of_reject: Callable[[Path, int], int | None] = field(default=lambda path, record: None)
    """The line of a row that could not be divided into columns."""

    @property
    def in_order(self) -> Sequence[Path | None]:
        """The files one by one, or None for all at once where it is one: a scan of several files may mix their rows."""
        return self.paths if len(self.paths) > 1 else [None]

    def place(self, path: Path, row: int, *, rejected: bool = False) -> str:
        """The place of a row, for messages."""
        shown = self.shown.get(path, path)
        line = self.line_of_reject(path, row) if rejected else self.line_of(path, row)
        return f"{shown}, line {line}" if line is not None else f"{shown}, row {row}"


def listed(paths: Sequence[Path]) -> str:
    """Files as an SQL literal."""
    return "[" + ", ".join(text_literal(str(path)) for path in paths) + "]"


def row_number(with_rows: bool) -> str:
    """A SELECT entry with the number of each row, if it is asked for."""
    return f", row_number() OVER () AS {ROW}" if with_rows else ""


def name_of(paths: Sequence[Path]) -> str:
    """Name of some files, for messages."""
    more = len(paths) - 1
    return str(paths[0]) + (f" and {more} more {'file' if more == 1 else 'files'}" if more else "")


def described(select: str, session: Session, name: str) -> dict[str, Column]:
    """The columns of a SELECT."""
    return {column: Column(identifier(column), type_) for column, type_, *_ in session.rows(f"DESCRIBE {select}", name)}
