"""Years in a row as people say them: decades, and times that last until now."""

from __future__ import annotations

import re
from typing import Any

_DECADE = re.compile(r"'?(\d{3}0|[3-9]0)['\u2019]?s")
DECADES = {"thirties": 1930, "forties": 1940, "fifties": 1950, "sixties": 1960, "seventies": 1970, "eighties": 1980,
           "nineties": 1990}  # fmt: skip
"""Decades by their names."""

_AND = re.compile(r"\s*(?:,|&|/|-|\band\b|\bor\b)\s*")
_NOW = r"(?:the )?(?:present(?: day)?|now|today|current(?:ly)?|date)"
_OPEN_END = re.compile(
    rf"(?:from |since |between )?(.*\d'?s?)\s*(?:-|\u2013|\u2014|\.\.+|(?:-|\u2013|\u2014|\bto\b|\buntil\b|\btill\b|"
    rf"\bthrough\b|\band\b)\s*{_NOW})"
)
_OPEN_BEGIN = re.compile(r"\.\.+\s*([1-9]\d{3}(?:-\d\d){0,2})")

LONGEST = 200
"""Characters of a text that is read."""


def opened(value: Any) -> Any:
    """ "1990-" and "1990 to present" as "from 1990", "..1990" as "until 1990"; any other value as it is."""
    plain = " ".join(value.casefold().split()) if isinstance(value, str) and len(value) <= LONGEST else ""
    if found := _OPEN_END.fullmatch(plain):
        return f"from {found[1]}"
    if found := _OPEN_BEGIN.fullmatch(plain):
        return f"until {found[1]}"
    return value


def is_now(value: Any) -> bool:
    """True for "present", "now" and the like, up to which everything counts."""
    return isinstance(value, str) and re.fullmatch(_NOW, value.strip().casefold()) is not None


def decade_of(text: str) -> tuple[str, str] | None:
    """First and last year of "the 1990s"."""
    plain = text.removeprefix("the ")
    found = _DECADE.fullmatch(plain)
    if found is None and plain not in DECADES:
        return None
    first = DECADES[plain] if found is None else int(found[1]) + (1900 if len(found[1]) == 2 else 0)
    return str(first), str(first + 9)


def decades_of(text: str) -> tuple[str, str] | None:
    """First and last year of "the 1990s", or of decades in a row, such as "80s and 90s"."""
    found = [decade_of(part) for part in _AND.split(text.removeprefix("in ")) if part]
    decades = sorted(decade for decade in found if decade is not None)
    firsts = [int(first) for first, _ in decades]
    if not decades or len(decades) < len(found) or firsts != list(range(firsts[0], firsts[-1] + 1, 10)):
        return None
    return decades[0][0], decades[-1][1]
