"""The ends of a time, as since and until take them: a date, "from 2024 on", "before March 2024", "last 3 months"."""

from __future__ import annotations

import re
from typing import Any

from mcp_server.errors import quoted
from mcp_server.tools.readings.dates import moved, read_date
from mcp_server.tools.readings.limits import read_date_limits
from mcp_server.tools.readings.problems import UnreadableError
from mcp_server.tools.readings.relative_dates import read_relative

_AT_BEGINNING = re.compile(r"^(?:the )?(?:beginning|start) of (?:the )?", re.IGNORECASE)
_AT_END = re.compile(r"^(?:the )?end of (?:the )?", re.IGNORECASE)


def read_end(value: Any, *, is_last: bool) -> str:
    """The first or the last date of a time, in an ISO form; one that is counted back, in its own words.

    Raises:
        NegatedError: It is asked not to be.
        UnreadableError: The value is no such date.
    """
    at_end = _AT_END if is_last else _AT_BEGINNING

    def read(value: Any) -> str:
        """A date; or a time that is counted back, as it is."""
        plain = at_end.sub("", " ".join(value.split())) if isinstance(value, str) else value
        return plain if isinstance(plain, str) and read_relative(plain) is not None else read_date(plain)

    limits = read_date_limits(value, read)
    inclusive, exclusive, here, there = ("lte", "lt", "until", "since") if is_last else ("gte", "gt", "since", "until")
    if len(limits) > 1:
        first, last = limits.get("gte", limits.get("gt")), limits.get("lte", limits.get("lt"))
        raise UnreadableError(f'{quoted(value)} has two ends: give since="{first}" and until="{last}"')
    ((limit, found),) = limits.items()
    date = str(found)
    if limit == exclusive:
        return moved(date, before=is_last)
    if limit not in (inclusive, "eq"):
        raise UnreadableError(f"{quoted(value)} is the other end of a time: give it as {there}")
    relative = read_relative(date)
    if is_last and relative is not None and relative.is_span:
        raise UnreadableError(f"{quoted(value)} has its beginning only: give it as {there}, and a date as {here}")
    return date
