"""Finds the beginning of a delimited file's rows: the lines above the header, and whether there is a header at all."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mcp_server.dataset.sources import SourceFile
from mcp_server.errors import DatasetError
from mcp_server.reading.delimited import Dialect, detect_separator, split_rows

SAMPLED_ROWS = 100
"""Rows by which a header line is told."""

LEAST_ROWS = 3
"""Rows of the same width that a table needs for lines above it to be told from rows."""

SEPARATORS = (",", ";", "\t", "|")
"""Separators of tables that may have lines above them."""

_VALUE = r"[+-]?\d+([.,]\d+)?|\d{4}-\d\d-\d\d.*|\d{1,2}([/.-])\d{1,2}\2\d{2,4}.*"
"""A number, or what begins as a date."""


def dialect_keys(source: SourceFile, path: Path) -> dict[str, Any]:
    """Keys for what a reader would not find by itself: the lines above the header, and names of columns where there
    is no header line or a name is there twice.

    Raises:
        DatasetError: The file has one column only.
    """
    skipped = _lines_above(source, path)
    plain = Dialect("", source.quote, source.quote, (), None, skipped)
    separator = detect_separator(path, plain)
    rows = _rows(path, _dialect(source, separator, skipped))
    if not rows or len(rows[0][1]) < 2:
        raise DatasetError("it has one column only, so it is no table")
    above = {"skip_lines": skipped} if skipped else {}
    line, first = rows[0]
    others = [row for _, row in rows[1:] if len(row) == len(first)]
    if _has_values_below(first, others) and _is_name_twice(first):
        return {"separator": separator, "skip_lines": line, "columns": _different(first)}
    if _is_header(first, others):
        return above
    return {"separator": separator, **above, "columns": [f"column{number}" for number in range(1, len(first) + 1)]}


def _dialect(source: SourceFile, separator: str, skipped: int = 0) -> Dialect:
    quote = "" if len(separator) > 1 else source.quote
    return Dialect(separator, quote, quote, (), None, skipped)


def _rows(path: Path, dialect: Dialect) -> list[tuple[int, list[str]]]:
    """The first rows with their lines."""
    return list(itertools.islice(((line, row) for line, row in split_rows(path, dialect) if row), SAMPLED_ROWS))


# Lines above


def _lines_above(source: SourceFile, path: Path) -> int:
    """The number of lines above the names of columns, such as a title: they do not fill the columns."""
    if _is_regular(_rows(path, _dialect(source, detect_separator(path, _dialect(source, ""))))):
        return 0
    best, widest = 0, 1
    for separator in SEPARATORS:
        try:
            rows = _rows(path, _dialect(source, separator))
        except DatasetError:
            continue
        widths = Counter(len(row) for _, row in rows)
        [(width, n_rows)] = widths.most_common(1) or [(0, 0)]
        if width > widest and n_rows > max(LEAST_ROWS, len(rows) / 2):
            best, widest = _line_of_names(rows, width) - 1, width
    return best


def _is_regular(rows: Sequence[tuple[int, list[str]]]) -> bool:
    """True if nearly all rows have as many columns as the first one, which fills most of its own."""
    width = len(rows[0][1]) if rows else 0
    n_alike = sum(len(row) == width for _, row in rows)
    return width > 1 and n_alike >= 0.9 * len(rows) and 2 * _n_filled(rows[0][1]) > width


def _line_of_names(rows: Iterable[tuple[int, list[str]]], width: int) -> int:
    """The line of the first row that fills its columns, if there are others above it, and it can be names; else 1."""
    for place, (line, row) in enumerate(rows):
        if len(row) == width < 2 * _n_filled(row):
            can_be_names = not any(map(_is_value, row))
            return line if place and can_be_names else 1
    return 1


def _n_filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


# Names of columns


def _is_value(cell: str) -> bool:
    """True for numbers and dates, which are no names of columns."""
    return re.fullmatch(_VALUE, cell.strip()) is not None


def _is_name_twice(names: Sequence[str]) -> bool:
    known = [name.strip() for name in names if name.strip()]
    return len(set(known)) < len(known)


def _different(names: Sequence[str]) -> list[str]:
    """The names, each once: a second one gets a number, an empty one its place."""
    found: list[str] = []
    for place, given in enumerate(names, start=1):
        name, number = given.strip() or f"column{place}", 2
        chosen = name
        while chosen in found:
            chosen, number = f"{name}_{number}", number + 1
        found.append(chosen)
    return found


def _is_header(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """False if the first row looks like the others: a number or a date where they have some, or a value of theirs."""
    if list(first) in ([str(number + start) for number in range(len(first))] for start in (0, 1)):
        return True
    if not others:
        return True
    for position, cell in enumerate(first):
        if _is_value(cell) and _is_mostly_values(position, others):
            return False
        if cell.strip() and any(row[position] == cell for row in others if row != first):
            return False
    return len(set(first)) == len(first) or (_has_values_below(first, others) and not _is_name_twice(first))


def _is_mostly_values(position: int, rows: Sequence[Sequence[str]]) -> bool:
    below = [row[position] for row in rows if row[position].strip()]
    return bool(below) and sum(map(_is_value, below)) > 0.9 * len(below)


def _has_values_below(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """True if no cell of the first row is a number or a date, but a column below it has some."""
    columns = range(len(first))
    return not any(map(_is_value, first)) and any(
        first[position].strip() and _is_mostly_values(position, others) for position in columns
    )
