"""Dates as people write them: "March 2024", "5 March 2024", "March 5, 2024", "2024/03/05", beside the ISO
forms.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from typing import Any

from mcp_server.dataset.periods import EXAMPLES, read_period
from mcp_server.errors import quoted
from mcp_server.tools.readings.problems import UnreadableError

MONTHS = {name.casefold(): number for number, name in enumerate(calendar.month_name) if name}
MONTHS |= {name.casefold(): number for number, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}
"""English names of months, whole and short, and their numbers."""

LONGEST_DATE = 100
"""Characters that are read of a text."""

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_FORMS = [
    re.compile(form)
    for form in (
        rf"(?P<month>{_MONTH})\.?,? (?P<year>\d{{4}})",
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)? (?:of )?(?P<month>{_MONTH})\.?,? (?P<year>\d{{4}})",
        rf"(?P<month>{_MONTH})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})",
        r"(?P<year>\d{4})[/.](?P<month>\d{1,2})(?:[/.](?P<day>\d{1,2}))?",
    )
]


def moved(value: Any, *, before: bool) -> str:
    """The last day before a date, or the first time after its whole period.

    Raises:
        UnreadableError: The value is no date, or is one at the end of all dates.
    """
    text = read_date(value)
    period = read_period(text)
    if not before:
        return period.end
    if "T" in period.begin or period.begin.startswith("0"):
        raise UnreadableError(f"{quoted(text)}: a day, a month or a year is expected")
    return (date.fromisoformat(f"{period.begin}-01-01"[:10]) - timedelta(days=1)).isoformat()


def read_date(value: Any) -> str:
    """A date in an ISO form.

    Raises:
        UnreadableError: The value is none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 1_000 <= value < 10_000:
        return str(value)
    if not isinstance(value, str):
        raise UnreadableError(f"a date is expected, as {EXAMPLES}")
    text = " ".join(value[:LONGEST_DATE].split())
    for form in _FORMS:
        if found := form.fullmatch(text.casefold()):
            parts = found.groupdict()
            day = f"-{int(parts['day']):02}" if parts.get("day") else ""
            text = f"{parts['year']}-{MONTHS.get(parts['month']) or int(parts['month']):02}{day}"
    try:
        read_period(text)
    except ValueError as error:
        raise UnreadableError(str(error)) from None
    return text
