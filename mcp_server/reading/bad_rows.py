"""Rows that cannot be used as declared: told with their place, or left out and counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mcp_server.errors import DatasetError, quoted
from mcp_server.reading.pieces import ROW, Piece
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import text_literal

MOST_EXAMPLES = 5

SKIP = "or leave such rows out with on_bad_row: skip"

LARGEST_SHARE = 0.5
"""Share of a source's rows that may be left out. Beyond it, the declaration does not fit the source."""


@dataclass(frozen=True)
class Check:
    """A column of which a row can be wrong."""

    column: str
    """Name for messages."""
    bad: str
    """SQL condition over the scan of a piece."""
    given: str
    """SQL for the wrong value, as text."""
    expected: str


@dataclass
class BadRows:
    """The bad rows that have been found, and what is done about them."""

    policy: Literal["fail", "skip"]
    n: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, n: int, examples: Sequence[str], n_rows: int, name: str) -> None:
        """Note bad rows of a source.

        Args:
            n_rows: All rows of the source.

        Raises:
            DatasetError: Bad rows are not to be skipped, or most rows are bad.
        """
        if not n:
            return
        self.n += n
        self.examples += examples[: MOST_EXAMPLES - len(self.examples)]
        shown = "; ".join(examples[:MOST_EXAMPLES])
        more = f" ({n:,} such rows in all)" if n > min(len(examples), MOST_EXAMPLES) else ""
        if self.policy == "fail":
            raise DatasetError(f"{shown}{more}. Mend {'it' if n == 1 else 'them'}, {SKIP}")
        if n > LARGEST_SHARE * n_rows:
            raise DatasetError(
                f"{n:,} of {n_rows:,} rows of {name} cannot be used as declared, more than can be left out: {shown}"
            )

    def note(self, what: str) -> list[str]:
        """A sentence for the owner, if rows have been left out.

        Args:
            what: The records that the rows are of, such as "products".
        """
        if not self.n:
            return []
        rows = "row that could not be used was" if self.n == 1 else "rows that could not be used were"
        return [f"{self.n:,} {rows} left out of the {what}, such as: {'; '.join(self.examples)}."]


def any_bad(checks: Sequence[Check]) -> str:
    """SQL condition for rows that a check refuses."""
    return " OR ".join(f"coalesce({check.bad}, false)" for check in checks)


def rejected_rows(piece: Piece, session: Session) -> tuple[int, list[str]]:
    """The number of rows that DuckDB could not divide into columns in the latest scans of a piece's files, and
    examples.
    """
    if piece.rejects is None:
        within = [rejected_rows(part, session) for part in piece.parts]
        return sum(n for n, _ in within), [example for _, examples in within for example in examples]
    [n_tables] = session.row(
        f"SELECT count(*) FROM duckdb_tables() WHERE table_name = {text_literal(piece.rejects)}", piece.name
    )
    if not n_tables:
        return 0, []  # a condition that is never met needs no scan
    scans = f"SELECT max(scan_id) FROM {piece.rejects}_scan GROUP BY file_path"
    latest = f"scan_id IN ({scans}) AND trim(csv_line, ' \t\r\n') <> ''"
    [n] = session.row(
        f"SELECT count(DISTINCT (scan_id, file_id, line)) FROM {piece.rejects} WHERE {latest}", piece.name
    )
    if not n:
        return 0, []
    found = session.run(  # on the connection that scanned: the tables of rejects are its own
        "SELECT DISTINCT ON (scan_id, file_id, line) "
        "s.file_path, e.line, e.error_type::VARCHAR, e.csv_line, e.error_message "
        f"FROM {piece.rejects} e JOIN {piece.rejects}_scan s USING (scan_id, file_id) "
        f"WHERE e.{latest} ORDER BY scan_id, file_id, line LIMIT {MOST_EXAMPLES}",
        piece.name,
    ).fetchall()
    return n, [_describe_reject(piece, *row) for row in found]


def _describe_reject(piece: Piece, path: str, record: int, kind: str, text: str, message: str) -> str:
    place, text = piece.place(Path(path), record, rejected=True), text.strip("\r\n")
    if kind in ("TOO MANY COLUMNS", "MISSING COLUMNS"):
        n_found = int(message.rpartition("Found:")[2])
        return (
            f"{place}: {n_found} {'column' if n_found == 1 else 'columns'} instead of {piece.n_columns}: {quoted(text)}"
        )
    return f"{place}: {_REASONS.get(kind, kind.lower())}: {quoted(text)}"


_REASONS = {
    "UNQUOTED VALUE": 'a quotation does not end where the value does (if its quotation marks are written as \\", '
    "declare escape: '\\'; if they are plain text, quote: '')",
    "INVALID ENCODING": "not UTF-8",
    "LINE SIZE OVER MAXIMUM": "a row of more than 4 MB (is there a quotation without an end?)",
}


def find_bad_rows(
    piece: Piece, session: Session, relation: Callable[[Path], str], checks: Sequence[Check]
) -> list[str]:
    """Examples of rows of a piece that a check refuses, with their places.

    Args:
        relation: Makes the FROM clause of a file, with the number of each row as ``ROW``.
    """
    examples: list[str] = []
    chosen = ", ".join(part for check in checks for part in (f"({check.bad})", f"CAST({check.given} AS VARCHAR)"))
    for path in piece.paths:
        statement = (
            f"SELECT {ROW}, {chosen} FROM {relation(path)} WHERE {any_bad(checks)} ORDER BY {ROW} "
            f"LIMIT {MOST_EXAMPLES - len(examples)}"
        )
        for row, *values in session.rows(statement, piece.name):
            position = next(place for place in range(len(checks)) if values[2 * place])
            check, given = checks[position], values[2 * position + 1]
            place = piece.place(path, row)
            if given is None:
                examples.append(f"{place}: there is no {check.column}")
            else:
                examples.append(f"{place}: {check.column} {quoted(given)} is not {check.expected}")
        if len(examples) >= MOST_EXAMPLES:
            break
    return examples
