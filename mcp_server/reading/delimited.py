"""Delimited text files: their encoding, separator and header, found before DuckDB reads them, and the lines of rows."""

import codecs
import csv
import gzip
import io
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import duckdb

from mcp_server.dataset.sources import SourceFile, format_of
from mcp_server.errors import DatasetError, quoted

SEPARATORS = (",", ";", "\t", "|", ":")
"""Separators that are detected. Of two that fit equally well the first one counts."""

SAMPLED_ROWS = 200
"""Rows from which the separator is detected."""

LONGEST_ROW = 4 * 2**20
"""Bytes."""

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

BUFFER = 16 * 2**20
"""Bytes that DuckDB reads at a time for each thread."""

PIECE_BYTES = 2**20

LARGEST_COPY = 50_000_000_000
"""Bytes of a file, decompressed, that can be copied to UTF-8."""


@dataclass(frozen=True)
class Dialect:
    """The form of a delimited file."""

    separator: str
    quote: str
    header: tuple[str, ...]
    """Names of the columns."""
    has_header: bool
    """True if the first row holds the names."""


def read_dialect(source: SourceFile, path: Path) -> Dialect:
    """Find the separator and the names of the columns of a file in UTF-8.

    Raises:
        DatasetError: The file is empty, or has no header that could name its columns.
    """
    is_atomic = (source.format or format_of(path.name)) == "atomic"
    quote = "" if is_atomic or (source.separator and len(source.separator) > 1) else source.quote
    separator = "\t" if is_atomic else source.separator or _detect_separator(path, quote, source.columns)
    if source.columns is not None:
        return Dialect(separator, quote, tuple(source.columns), has_header=False)
    first = next((row for _, row in split_rows(path, separator, quote) if row), None)
    if first is None:
        raise DatasetError(f"{path} is empty: a header line with the column names was expected")
    header = [name.strip() for name in first]
    if is_atomic:
        header = [name.rpartition(":")[0] for name in header]
        if not all(header):
            raise DatasetError(f"{path}, line 1: the header of an atomic file says name:type")
    twice = [name for name, number in Counter(header).items() if number > 1 and name]
    if twice:
        raise DatasetError(f"{path}, line 1: two columns are named {quoted(twice[0])}: rename one, or name all columns "
                           "by the key columns")  # fmt: skip
    return Dialect(separator, quote, tuple(header), has_header=True)


def _detect_separator(path: Path, quote: str, columns: list[str] | None) -> str:
    """The separator by which the first rows have the same number of columns, as many as possible."""
    best, best_score = SEPARATORS[0], (0.0, 1)
    for separator in SEPARATORS:
        written = (row for _, row in split_rows(path, separator, quote) if row)
        rows = list(itertools.islice(written, SAMPLED_ROWS))
        if not rows or len(rows[0]) < 2 or (columns is not None and len(rows[0]) != len(columns)):
            continue
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


def split_rows(path: Path, separator: str, quote: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file, each with the number of the line on which it begins. An empty line is an empty row."""
    with open_text(path) as stream:
        lines = _Lines(stream, path)
        if len(separator) > 1:
            for number, line in enumerate(lines, start=1):
                text = line.rstrip("\r\n")
                yield number, text.split(separator) if text else []
                lines.begin_row()
            return
        csv.field_size_limit(LONGEST_ROW)
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
        reader = csv.reader(lines, delimiter=separator, quotechar=quote or None, quoting=quoting)
        begins = 1
        try:
            for row in reader:
                yield begins, row
                begins = reader.line_num + 1
                lines.begin_row()
        except csv.Error as error:
            raise DatasetError(f"{path}, line {begins}: {error}") from error


def line_of_row(path: Path, row_number: int, dialect: Dialect) -> int | None:
    """The line of a row, counted from 1 without the header among the rows that have all columns."""
    rows = split_rows(path, dialect.separator, dialect.quote)
    whole = (line for line, row in rows if len(row) == len(dialect.header))
    return next(itertools.islice(whole, row_number - (0 if dialect.has_header else 1), None), None)


def line_of_record(path: Path, record_number: int, dialect: Dialect) -> int | None:
    """The line of a row, counted from 1 among all rows, with the header and with empty lines."""
    rows = split_rows(path, dialect.separator, dialect.quote)
    return next((line for line, _ in itertools.islice(rows, record_number - 1, None)), None)


def line_of_json(path: Path, row_number: int) -> int | None:
    """The line of a JSON object, counted from 1 among the lines that are not blank."""
    with open_text(path) as stream:
        written = (number for number, line in enumerate(stream, start=1) if line.strip())
        return next(itertools.islice(written, row_number - 1, None), None)


def open_text(path: Path) -> IO[str]:
    """Open a text file in UTF-8, which may be compressed."""
    if path.name.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    if path.name.endswith(".zst"):
        return io.StringIO(_decompressed_beginning(path), newline="")
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


def _decompressed_beginning(path: Path) -> str:
    """The text of a file compressed by Zstandard, which Python 3.11 cannot decompress, through DuckDB."""
    with duckdb.connect(":memory:") as connection:
        options = "auto_detect=false, header=false, quote='', escape='', delim='\x01', columns={'line': 'VARCHAR'}"
        limit = 10 * SAMPLED_ROWS
        try:
            lines = connection.execute(
                f"SELECT coalesce(line, '') FROM read_csv(?, {options}, max_line_size={LONGEST_ROW}) LIMIT {limit}",
                [str(path)],
            ).fetchall()
        except duckdb.Error as error:
            raise DatasetError(f"{path} cannot be decompressed: {error}") from error
    return "\n".join(line for (line,) in lines)


def in_utf8(source: SourceFile, path: Path, scratch: Path) -> Path:
    """A text file in UTF-8: the file itself, or a copy in the scratch folder if it has another encoding.

    Raises:
        DatasetError: It is not in the declared encoding, or in UTF-8 where none is declared.
    """
    if path.name.endswith((".gz", ".zst")) and source.encoding is None:
        return path  # DuckDB checks it
    encoding = source.encoding or _marked_encoding(path)
    if encoding is None or codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii"):
        _check_utf8(path, source)
        return path
    target = scratch / f"{len(list(scratch.iterdir()))}-{path.name.removesuffix('.gz')}"
    _copy(path, encoding, target)
    return target


def _copy(path: Path, encoding: str, target: Path) -> None:
    opened, n_bytes = gzip.open if path.name.endswith(".gz") else open, 0
    with opened(path, "rb") as binary, target.open("w", encoding="utf-8", newline="") as stream:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            while piece := binary.read(PIECE_BYTES):
                n_bytes += len(piece)
                if n_bytes > LARGEST_COPY:
                    raise DatasetError(f"{path} holds more than {LARGEST_COPY:,} bytes: save it in UTF-8")
                stream.write(decoder.decode(piece))
            stream.write(decoder.decode(b"", final=True))
        except UnicodeError as error:
            reason = error.reason if isinstance(error, UnicodeDecodeError) else error
            raise DatasetError(f"{path} is not {encoding}: {reason}") from error


def _marked_encoding(path: Path) -> str | None:
    with path.open("rb") as stream:
        beginning = stream.read(4)
    return next((encoding for mark, encoding in BYTE_ORDER_MARKS if beginning.startswith(mark)), None)


def _check_utf8(path: Path, source: SourceFile) -> None:
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    with path.open("rb") as stream:
        while True:
            piece = stream.read(PIECE_BYTES)
            try:
                decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                raise _not_utf8(path, source, error, line) from error
            if not piece:
                return
            line += piece.count(b"\n")


def _not_utf8(path: Path, source: SourceFile, error: UnicodeDecodeError, line: int) -> DatasetError:
    if source.encoding is not None:
        return DatasetError(f"{path} is not {source.encoding}: {error.reason} in line {line}")
    around = error.object[max(error.start - 20, 0) : error.start + 20]
    text = around.decode("windows-1252", errors="replace").splitlines()
    shown = next((part for part in text if not part.isascii()), "")
    return DatasetError(
        f"{path}, line {line} is not UTF-8: declare the file's encoding, such as encoding: windows-1252 (it then reads "
        f"{quoted(shown)}) or latin-1"
    )
