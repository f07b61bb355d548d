"""Results of database queries as files of comma-separated values, from which every value is read as it was.

Texts are in quotation marks, which tells an empty text from an unknown value, and keeps line breaks.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import IO, Any

from mcp_server.errors import DatasetError, quoted
from mcp_server.reading.text_files import LONGEST_ROW

LARGEST_RESULT = 50_000_000_000
"""Bytes."""


class ResultFile:
    """The file of one result, as it is written.

    Args:
        names: Names of the columns.
        what: The query, for messages.

    Raises:
        DatasetError: Two columns have the same name.
    """

    def __init__(self, stream: IO[bytes], names: Sequence[str], what: str) -> None:
        self._stream, self._names, self._what = stream, names, what
        self._unknown = "" if len(names) > 1 else '""'  # an empty line would be no row
        self.n_rows, self._n_bytes = 0, 0
        twice = [name for name, number in Counter(name.strip() for name in names).items() if number > 1]
        if twice:
            raise DatasetError(f"{what} finds two columns named {quoted(twice[0])}: name one of them with AS")
        stream.write((",".join(map(_quoted, names)) + "\n").encode())

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write rows.

        Raises:
            DatasetError: A value is no text, a row is too long, or there are too many.
        """
        for row in rows:
            self.n_rows += 1
            line = (",".join([self._field(value, number) for number, value in enumerate(row)]) + "\n").encode()
            if len(line) > LONGEST_ROW:
                raise DatasetError(
                    f"{self._what}: row {self.n_rows:,} is longer than {LONGEST_ROW:,} bytes: leave out or shorten its "
                    "long columns in the query"
                )
            self._n_bytes += len(line)
            self._stream.write(line)
        if self._n_bytes > LARGEST_RESULT:
            raise DatasetError(f"{self._what}: its result is larger than {LARGEST_RESULT:,} bytes")

    def _field(self, value: Any, column: int) -> str:
        if value is None:
            return self._unknown
        if isinstance(value, str):
            return _quoted(value)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, bytes):
            try:
                return _quoted(value.decode())
            except UnicodeDecodeError as error:
                raise DatasetError(
                    f"{self._what}: row {self.n_rows:,}: the column {quoted(self._names[column])} holds bytes that are "
                    "not text in UTF-8: leave it out of the query, or convert it there, as to hexadecimal digits"
                ) from error
        if isinstance(value, list):
            return _quoted(json.dumps(value, ensure_ascii=False, default=str))
        return str(value) if isinstance(value, int | float) else _quoted(str(value))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
