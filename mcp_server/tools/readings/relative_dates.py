"""Times that are counted back from the newest interaction: "last 3 months", "2 weeks ago", "yesterday", "this year"."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta

from mcp_server.tools.readings.numbers import COUNT, read_count

LONGEST = 100
"""Characters that are read of a text."""

_UNITS = r"(?P<unit>day|week|month|year)"
_NUMBER = rf"(?P<number>\d{{1,7}}|{COUNT})"
_LAST = re.compile(
    rf"(?:(?:in|within|during|over|for|from) )?(?:the )?(?:(?:very )?(?:last|past|previous|latest|recent) )?{_NUMBER} "
    rf"?{_UNITS}s?|(?:(?:in|within|during|over|for|from) )?(?:the past|past|the last) {_UNITS.replace('unit', 'one')}"
)
_AGO = re.compile(rf"{_NUMBER} {_UNITS}s? (?:ago|back|earlier)")
_NAMED = re.compile(r"(?P<which>this|current|last|previous) (?P<unit>week|month|year)")
_DAYS_BACK = {"today": 0, "now": 0, "the present": 0, "present": 0, "yesterday": 1, "the day before yesterday": 2}


@dataclass(frozen=True)
class RelativeDate:
    """A time before the newest interaction."""

    unit: str
    """day, week, month or year."""
    number: int = 0
    """The number of them that it goes back."""
    is_span: bool = False
    """True for all the time since then, with the newest day as its last: "the last 3 months"."""
    is_whole: bool = False
    """True for a whole week, month or year of the calendar: "last month"."""

    def on(self, newest: date, *, is_last: bool) -> str:
        """The date in an ISO form.

        Args:
            newest: Day of the newest interaction.
            is_last: The end of a week counts, which no ISO form stands for as a whole.
        """
        if self.is_whole and self.unit == "week":
            monday = newest - timedelta(days=newest.weekday() + 7 * self.number)
            return (monday + timedelta(days=6 * is_last)).isoformat()
        day = self._back(newest)
        if self.is_whole:
            return day.isoformat()[: {"month": 7, "year": 4}[self.unit]]
        return (day + timedelta(days=1) if self.is_span else day).isoformat()

    def _back(self, newest: date) -> date:
        """The day so many days, weeks, months or years before; the first of all days where there is none."""
        try:
            if self.unit in ("day", "week"):
                return newest - timedelta(days=self.number * (7 if self.unit == "week" else 1))
            months = newest.year * 12 + newest.month - 1 - self.number * (12 if self.unit == "year" else 1)
            year, month = months // 12, months % 12 + 1
            return date(year, month, min(newest.day, calendar.monthrange(year, month)[1]))
        except (OverflowError, ValueError):
            return date.min


def read_relative(text: str) -> RelativeDate | None:
    """The time that a text counts back; None where it is none, such as a date."""
    plain = " ".join(text[:LONGEST].casefold().split())
    if plain in _DAYS_BACK:
        return RelativeDate("day", _DAYS_BACK[plain])
    if found := _NAMED.fullmatch(plain):
        return RelativeDate(found["unit"], int(found["which"] in ("last", "previous")), is_whole=True)
    if found := _AGO.fullmatch(plain):
        return RelativeDate(found["unit"], int(read_count(found["number"])))
    if found := _LAST.fullmatch(plain):
        number = int(read_count(found["number"])) if found["number"] else 1
        return RelativeDate(found["unit"] or found["one"], number, is_span=True) if number else None
    return None
