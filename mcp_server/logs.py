"""The log on stderr, as lines of text or as one JSON object a line. Stdout belongs to the stdio transport."""

import logging
import sys
import warnings
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from mcp_server.errors import MOST_CHARACTERS
from recsys_shared.log_lines import LONGEST_MESSAGE, LONGEST_TRACEBACK, TextLines
from recsys_shared.plain_text import cut, json_text, one_line

Format = Literal["text", "json"]

QUIET = ("httpx", "httpx2", "mcp", "fastembed", "uvicorn")
"""Libraries whose messages below warnings are dropped."""


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, the record's own ``fields``, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {"message": record.getMessage(), **getattr(record, "fields", {})}
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            **{
                name: cut(value, LONGEST_MESSAGE) if isinstance(value, str) else value for name, value in fields.items()
            },
        }
        if record.exc_info:
            line["exception"] = cut(self.formatException(record.exc_info), LONGEST_TRACEBACK)
        return json_text(line, default=str)


class ShortSdkMessages(logging.Filter):
    """Shortens the SDK's log messages to one line each, because they quote messages of clients.

    Its line 1.x logs some of them through the root logger.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "root" or record.name.partition(".")[0] == "mcp":
            words = record.getMessage()[: 10 * MOST_CHARACTERS].split()
            record.msg, record.args = cut(" ".join(words), MOST_CHARACTERS), ()
        return True


def configure_logs(level: str, form: Format) -> None:
    """Send all log messages to stderr. Logging is configured nowhere else."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(ShortSdkMessages())
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=level, handlers=[handler])
    if sys.warnoptions:
        warnings.formatwarning = partial(_warning_line, handler)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("mcp.client").setLevel(logging.CRITICAL)  # its errors are raised as well


def _warning_line(
    log: logging.Handler, message: Warning | str, category: type[Warning], filename: str, lineno: int, line: Any = None
) -> str:
    """A library's warning in the form of the log, for users who have asked for warnings."""
    text = f"{filename}:{lineno}: {category.__name__}: {message}"
    return log.format(logging.makeLogRecord({"name": "py.warnings", "levelname": "WARNING", "msg": text})) + "\n"


def announce(text: str, form: Format, **fields: Any) -> None:
    """Print a message that the user of the program waits for, whatever the level of the log is.

    Args:
        fields: The same information for programs, as keys of the JSON line.
    """
    if form == "json":
        record = logging.makeLogRecord({"name": __package__, "levelname": "INFO", "msg": text, "fields": fields})
        print(JsonLines().format(record), file=sys.stderr, flush=True)
    else:
        print(f"recsys-mcp: {one_line(text)}", file=sys.stderr, flush=True)
