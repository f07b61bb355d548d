"""Delimited text files: their separator and header, found before DuckDB reads them, and the lines of rows."""

import csv
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from mcp_server.dataset.sources import SourceFile, format_of
from mcp_server.errors import DatasetError, quoted
from mcp_server.reading.text_files import LONGEST_ROW, open_text

SEPARATORS = (",", ";", "\t", "|", ":", "^", "~", "\x01", "\x1f", "::", "||", "#", "!", "§", "¦", " ")
"""Separators that are detected. Of two that fit equally well the first one counts."""

SAMPLED_ROWS = 200
"""Rows from which the separator is detected."""


@dataclass(frozen=True)
class Dialect:
    """The form of a delimited file."""

    separator: str
    quote: str
    """Quotation mark, or empty where there is none."""
    escape: str
    """Character before a quotation mark within a quotation: the mark itself where it is doubled."""
    header: tuple[str, ...]
    """Names of the columns."""
    header_line: int | None
    """The line that holds the names, from 1; None where the specification names the columns."""
    skipped: int = 0
    """Number of lines at the top that are neither names nor rows."""


def read_dialect(source: SourceFile, path: Path) -> Dialect:
    """Find the separator and the names of the columns of a file in UTF-8.

    Raises:
        DatasetError: The file is empty, or has no header that could name its columns.
    """
    is_atomic = (source.format or format_of(path.name)) == "atomic"
    quote = "" if is_atomic or (source.separator and len(source.separator) > 1) else source.quote
    named, skipped = tuple(source.columns or ()), source.skip_lines
    plain = Dialect(source.separator or "", quote, source.escape or quote, named, None, skipped)
    separator = "\t" if is_atomic else source.separator or detect_separator(path, plain)
    quote = "" if len(separator) > 1 else quote
    plain = Dialect(separator, quote, plain.escape if quote else "", named, None, skipped)
    if source.columns is not None:
        return plain
    line, first = next(((line, row) for line, row in split_rows(path, plain) if row), (0, None))
    if first is None:
        raise DatasetError(f"{path} is empty: a header line with the column names was expected")
    header = [name.strip() for name in first]
    if is_atomic:
        header = [name.rpartition(":")[0] for name in header]
        if not all(header):
            raise DatasetError(f"{path}, line {line}: the header of an atomic file says name:type")
    twice = [name for name, number in Counter(header).items() if number > 1 and name]
    if twice:
        raise DatasetError(
            f"{path}, line {line}: two columns are named {quoted(twice[0])}: rename one, or leave the header line out "
            "and name all columns by the key columns"
        )
    return Dialect(separator, quote, plain.escape, tuple(header), line, skipped)


def detect_separator(path: Path, plain: Dialect) -> str:
    """The separator by which the first rows have the same number of columns, as many as possible."""
    best, best_score = SEPARATORS[0], (0.0, 1)
    for separator in SEPARATORS:
        if separator == " " and best_score > (0.0, 1):
            break
        quote = "" if len(separator) > 1 else plain.quote
        dialect = replace(plain, separator=separator, quote=quote, escape=plain.escape if quote else "")
        written = (row for _, row in split_rows(path, dialect) if row)
        rows = list(itertools.islice(written, SAMPLED_ROWS))
        if not rows or len(rows[0]) < 2 or (plain.header and len(rows[0]) != len(plain.header)):
            continue
        if len(separator) == 1 and not any(rows[0][1::2]) and separator * 2 in SEPARATORS:
            continue  # it is the half of a double one
        share = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        if (share, len(rows[0])) > best_score and share > 0.5:
            best, best_score = separator, (share, len(rows[0]))
    return best


class _Lines:
    """Lines of a file, of rows that end: a small compressed file may stand for gigabytes without a line break."""

    def __init__(self, stream: IO[str], path: Path) -> None:
        self._stream, self._path = stream, path
        self._n_lines, self._n_characters = 0, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(LONGEST_ROW + 1)
        if not line:
            raise StopIteration
        self._n_lines += 1
        self._n_characters += len(line)
        if self._n_characters > LONGEST_ROW:
            raise DatasetError(f"{self._path}, line {self._n_lines}: its row is longer than {LONGEST_ROW:,} bytes")
        return line

    def begin_row(self) -> None:
        """Count the characters of another row."""
        self._n_characters = 0


def split_rows(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file, each with the number of the line on which it begins. An empty line is an empty row."""
    with open_text(path) as stream:
        lines = _Lines(stream, path)
        for _ in itertools.islice(lines, dialect.skipped):
            lines.begin_row()
        if len(dialect.separator) > 1:
            for number, line in enumerate(lines, start=dialect.skipped + 1):
                text = line.rstrip("\r\n")
                yield number, text.split(dialect.separator) if text else []
                lines.begin_row()
            return
        csv.field_size_limit(LONGEST_ROW)
        reader = csv.reader(
            lines,
            delimiter=dialect.separator,
            quotechar=dialect.quote or None,
            quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
            doublequote=dialect.escape == dialect.quote,
            escapechar=None if dialect.escape == dialect.quote else dialect.escape,
            skipinitialspace=dialect.separator != " ",
        )
        begins = dialect.skipped + 1
        try:
            for row in reader:
                yield begins, row
                begins = dialect.skipped + reader.line_num + 1
                lines.begin_row()
        except csv.Error as error:
            raise DatasetError(f"{path}, line {begins}: {error}") from error


def line_of_row(path: Path, row_number: int, dialect: Dialect) -> int | None:
    """The line of a row, counted from 1 without the header among the rows that have all columns."""
    width, first = len(dialect.header), dialect.header_line or dialect.skipped
    rows = ((line, row) for line, row in split_rows(path, dialect) if line > first)
    whole = (line for line, row in rows if len(row) == width or (len(row) == width + 1 and row[-1] == ""))
    return next(itertools.islice(whole, row_number - 1, None), None)


def line_of_record(path: Path, record_number: int, dialect: Dialect) -> int | None:
    """The line of a row, counted from 1 among all rows, with skipped lines, the header and empty lines."""
    place = record_number - 1 - dialect.skipped
    return next((line for line, _ in itertools.islice(split_rows(path, dialect), place, None)), None)
