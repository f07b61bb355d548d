"""Text files before DuckDB reads them: compression, encoding and the ends of lines."""

import codecs
import gzip
import io
import itertools
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import duckdb

from mcp_server.dataset.sources import SourceFile
from mcp_server.errors import DatasetError, quoted

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

USUAL_ENCODINGS = ("windows-1252", "windows-1251", "shift_jis", "gb18030")
"""Encodings that are shown to the owner of a file that is not in UTF-8."""

CHUNK_BYTES = 2**20

LARGEST_COPY = 50_000_000_000
"""Bytes of a file, decompressed, that can be copied to UTF-8."""

LONGEST_ROW = 4 * 2**20
"""Bytes."""

SAMPLED_LINES = 2_000
"""Lines of a file compressed by Zstandard that are looked at."""

SHOWN_CHARACTERS = 40


def open_text(path: Path) -> IO[str]:
    """Open a text file in UTF-8, which may be compressed. Of a .zst file only the beginning is there."""
    if path.name.endswith(".zst"):
        return io.StringIO(_decompressed_beginning(path), newline="")
    return io.TextIOWrapper(_open_binary(path), encoding="utf-8-sig", errors="replace", newline="")


def readable_text(source: SourceFile, path: Path, scratch: Path) -> Path:
    """A file in UTF-8 whose lines all end in the same way: the file itself, or a copy in the scratch folder.

    Raises:
        DatasetError: It is not in the declared encoding, or in UTF-8 where none is declared.
    """
    if path.name.endswith(".zst"):
        if source.encoding is not None and not _is_utf8(source.encoding):
            raise DatasetError(f"{path}: a .zst file can be read in UTF-8 only: decompress it first")
        return path
    encoding = source.encoding or _marked_encoding(path)
    is_utf8 = encoding is None or _is_utf8(encoding)
    copy = path if is_utf8 else _in_utf8(path, str(encoding), _scratch_path(path, scratch))
    if not _has_mixed_lines(copy, source):
        return copy
    target = _scratch_path(path, scratch)
    with target.open("wb") as stream:
        stream.writelines(_with_equal_lines(copy, source))
    return target


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")


def _scratch_path(path: Path, scratch: Path) -> Path:
    return scratch / f"{len(list(scratch.iterdir()))}-{path.name.removesuffix('.gz')}"


def _open_binary(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb")  # type: ignore[return-value]


def _chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file. No chunk ends between the two characters of an end of line."""
    try:
        with _open_binary(path) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                while chunk.endswith(b"\r") and (more := stream.read(1)):
                    chunk += more
                yield chunk
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _decompressed_beginning(path: Path) -> str:
    """The text of a file compressed by Zstandard, which Python 3.11 cannot decompress, through DuckDB."""
    with duckdb.connect(":memory:") as connection:
        options = "auto_detect=false, header=false, quote='', escape='', delim='\x01', columns={'line': 'VARCHAR'}"
        try:
            lines = connection.execute(
                f"SELECT coalesce(line, '') FROM read_csv(?, {options}, max_line_size={LONGEST_ROW}) "
                f"LIMIT {SAMPLED_LINES}",
                [str(path)],
            ).fetchall()
        except duckdb.Error as error:
            raise DatasetError(f"{path} cannot be read as text compressed by Zstandard") from error
    return "\n".join(line for (line,) in lines)


# Encodings


def _marked_encoding(path: Path) -> str | None:
    beginning = next(_chunks(path), b"")
    return next((encoding for mark, encoding in BYTE_ORDER_MARKS if beginning.startswith(mark)), None)


def _in_utf8(path: Path, encoding: str, target: Path) -> Path:
    decoder = codecs.getincrementaldecoder(encoding)()
    with target.open("w", encoding="utf-8", newline="") as stream:
        try:
            n_bytes = 0
            for chunk in _chunks(path):
                n_bytes += len(chunk)
                if n_bytes > LARGEST_COPY:
                    raise DatasetError(f"{path} holds more than {LARGEST_COPY:,} bytes: save it in UTF-8")
                stream.write(decoder.decode(chunk))
            stream.write(decoder.decode(b"", final=True))
        except UnicodeError as error:
            reason = error.reason if isinstance(error, UnicodeDecodeError) else error
            raise DatasetError(f"{path} is not {encoding}: {reason}. Declare the encoding that it has") from error
    return target


def _not_utf8(path: Path, source: SourceFile, error: UnicodeDecodeError, line: int) -> DatasetError:
    if source.encoding is not None:
        return DatasetError(f"{path} is not {source.encoding}: {error.reason} in line {line}")
    begin = error.object.rfind(b"\n", 0, error.start) + 1
    content = error.object[begin:].split(b"\n", 1)[0]
    place = len(error.object[begin : error.start].decode())
    readings = []
    for encoding in USUAL_ENCODINGS:
        try:
            text = content.decode(encoding).strip()
        except UnicodeDecodeError:
            continue
        readings.append(f"{encoding} (it then reads {quoted(text[max(place - 10, 0) :][:SHOWN_CHARACTERS])})")
    choices = ", ".join(readings) or "latin-1"
    return DatasetError(f"{path}, line {line} is not UTF-8: declare the file's encoding, such as encoding: {choices}")


# Ends of lines


def _has_mixed_lines(path: Path, source: SourceFile) -> bool:
    """True if lines end in several ways.

    Raises:
        DatasetError: The file is not in UTF-8.
    """
    decoder, begins = codecs.getincrementaldecoder("utf-8")(), 0
    has_crlf = has_lf = has_cr = False
    for chunk in itertools.chain(_chunks(path), [b""]):
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            bad_byte = begins + len(chunk) - len(error.object) + error.start
            raise _not_utf8(path, source, error, _line_of_byte(path, bad_byte)) from error
        begins += len(chunk)
        if b"\r" in chunk:  # to count takes far longer than to look
            n_crlf = chunk.count(b"\r\n")
            has_crlf, has_lf = has_crlf or n_crlf > 0, has_lf or chunk.count(b"\n") > n_crlf
            has_cr = has_cr or chunk.count(b"\r") > n_crlf
        else:
            has_lf = has_lf or b"\n" in chunk
    return [has_crlf, has_lf, has_cr].count(True) > 1


def _line_of_byte(path: Path, offset: int) -> int:
    """The line of a byte, counted from 1."""
    line = 1
    for chunk in _chunks(path):
        line += chunk[:offset].count(b"\n")
        offset -= len(chunk)
        if offset <= 0:
            break
    return line


def _with_equal_lines(path: Path, source: SourceFile) -> Iterator[bytes]:
    """The content of a file with a line feed at the end of each line. Quotations stay as they are."""
    marks = {mark for mark in (source.quote, source.escape) if mark}
    escaped = [re.escape(f"{source.escape}{mark}".encode()) for mark in marks] if source.escape else []
    quotation = source.quote.encode()
    pattern = re.compile(b"|".join([*escaped, *([re.escape(quotation)] if quotation else []), rb"\r+\n|\r"]))
    within = False

    def put(found: re.Match[bytes]) -> bytes:
        nonlocal within
        mark = found[0]
        if mark == quotation:
            within = not within
        return b"\n" if mark[:1] == b"\r" and not within else mark

    for chunk in _chunks(path):
        yield pattern.sub(put, chunk)
