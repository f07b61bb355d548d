"""The log: what goes to stderr, as lines of text or as one JSON object a line. Stdout belongs to stdio transport."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

Format = Literal["text", "json"]

TEXT_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

QUIET = ("httpx", "httpx2", "mcp", "fastembed", "uvicorn")
"""Libraries of which only warnings are wanted."""


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, the record's own ``fields``, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logs(level: str, form: Format) -> None:
    """Send all that is logged to stderr. The one place where logging is set up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(TEXT_FORMAT))
    logging.basicConfig(level=level, handlers=[handler])
    logging.captureWarnings(form == "json")
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("mcp.client").setLevel(logging.CRITICAL)  # what it logs as errors is raised as well


def announce(text: str, form: Format, **fields: Any) -> None:
    """Tell whoever started the program something that they wait for, whatever the log's level is.

    Args:
        fields: The same for programs: the keys of the JSON line.
    """
    if form == "json":
        record = logging.makeLogRecord({"name": __package__, "levelname": "INFO", "msg": text, "fields": fields})
        print(JsonLines().format(record), file=sys.stderr, flush=True)
    else:
        print(f"recsys-mcp: {text}", file=sys.stderr, flush=True)
