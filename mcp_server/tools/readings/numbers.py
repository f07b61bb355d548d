"""Numbers as people write them: with thousands, "130k", months by their names, years by dates."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from mcp_server.errors import quoted
from mcp_server.tools.readings.dates import MONTHS, read_date
from mcp_server.tools.readings.problems import UnreadableError

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:([,.' \u00a0\u202f])\d{3})(?:\1\d{3})*")
"""Whole numbers whose digits are in groups of three."""
_SCALED = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*(k|thousand|m|million)")

GREATEST = sys.float_info.max

LONGEST_NUMBER = 40
"""Characters."""

Atom = Callable[[Any, str], Any]
"""Reads one value for one of the limits. Raises UnreadableError."""

SAY_IT = 'give one value or limits, such as {"gte": 5, "lt": 7} (gt >, gte >=, lt <, lte <=, eq =)'


_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
COUNTS = {word: number for number, word in enumerate(_WORDS.split())}
COUNTS |= {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100, "dozen": 12}
COUNTS |= {"a": 1, "an": 1, "a couple of": 2, "a dozen": 12, "a hundred": 100, "one hundred": 100}
"""Words for whole numbers."""

COUNT = "|".join(sorted(COUNTS, key=len, reverse=True))
"""A pattern of these words."""


class RefusedError(UnreadableError):
    """A value is understood and cannot be taken as it stands, so no other reading is tried: it can mean several things,
    or is in a unit that the number is not in.
    """


def read_number(value: Any, _: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) <= GREATEST:  # which NaN is not, either
            raise UnreadableError(f"a finite number is expected (got {quoted(value)})")
        return value
    plain = value.strip() if isinstance(value, str) else ""
    if len(plain) <= LONGEST_NUMBER and _NUMBER.fullmatch(plain):
        return int(plain) if re.fullmatch(r"[-+]?\d+", plain) else float(plain)
    if plain.casefold() in COUNTS and plain.casefold() not in ("a", "an"):
        return COUNTS[plain.casefold()]
    if found := _SCALED.fullmatch(plain.casefold()):
        return float(found[1]) * (1_000 if found[2] in ("k", "thousand") else 1_000_000)
    if found := _THOUSANDS.fullmatch(plain):
        digits = re.sub(r"[^-\d]", "", plain)
        if found[1] not in ",." or plain.count(found[1]) > 1:
            return int(digits)
        decimal = plain.replace(",", ".")
        raise RefusedError(f"{quoted(plain)} can be {digits} or {decimal}: write it without a {found[1]!r}")
    raise UnreadableError(f"a number is expected: {SAY_IT}")


def read_count(text: str) -> float:
    """A number in digits or in a word."""
    return COUNTS[text] if text in COUNTS else read_number(text, "eq")


def read_whole(value: Any, limit: str) -> float:
    """A number of a field that has whole numbers only, so that all marks inside are thousands."""
    plain = value.strip() if isinstance(value, str) else ""
    if _THOUSANDS.fullmatch(plain):
        return int(re.sub(r"[^-\d]", "", plain))
    return read_number(value, limit)


def read_month(value: Any, limit: str) -> float:
    if isinstance(value, str) and (number := MONTHS.get(value.strip().rstrip(".").casefold())):
        return number
    found = read_number(value, limit)
    if not 0 <= found <= 13:  # "< 13" is every month
        raise UnreadableError(f"a month is expected, 1 to 12 (got {quoted(value)})")
    return found


def read_year(value: Any, limit: str) -> float:
    """A year, or a date on which a year begins or ends, where it means the same as a year."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value.strip()):
        number = read_number(value, limit)
        if 0 < number < 100:
            raise UnreadableError(f"a year is expected, with all its digits (got {quoted(value)})")
        return number
    try:
        date = read_date(value)
    except UnreadableError:
        raise UnreadableError(f"a year is expected: {SAY_IT}".replace("5", "1990").replace("7", "1995")) from None
    year, rest = int(date[:4]), date[4:]
    if not rest or (rest in ("-01-01", "-01") and limit in ("lt", "gte")):
        return year
    if rest in ("-12-31", "-12") and limit in ("gt", "lte"):
        return year
    raise UnreadableError(f"only years are known here, and {date} is within one: give {year}, or a year beside it")
