"""The log as lines for people: every message is one line, and none can command a terminal."""

import logging
from typing import Any

from recsys_shared.plain_text import cut, one_line, several_lines

LONGEST_MESSAGE = 2_000
"""Upper bound on the characters of a message; longer ones are cut."""

LONGEST_TRACEBACK = 20_000


class TextLines(logging.Formatter):
    """A formatter that writes a line for each record, with the lines of its traceback below it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the base class's name
        return one_line(super().formatMessage(record), LONGEST_MESSAGE)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return several_lines(cut(super().formatException(ei), LONGEST_TRACEBACK))
