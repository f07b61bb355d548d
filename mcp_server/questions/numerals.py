"""Numbers in a text, as people write them in several languages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from mcp_server.questions.conjunctions import between_alternatives, between_ends
from mcp_server.questions.truth import Language

_SPACES = "\u00a0\u202f\u2009"
"""Spaces that group thousands."""

_NUMERAL = re.compile(
    rf"(?<![\w.,/])[-−]?(?:\d{{1,3}}(?:[.,{_SPACES}]\d{{3}})+|\d+)(?:[.,]\d+)?(?!\w|[.,]\d)"
    rf"(?P<percent>[\s{_SPACES}*]*%|\s+(?:per ?cent|prozent|pour ?cent|por ?ciento|por ?cento|per ?cento|procent)\b)?",
    re.IGNORECASE,
)

_NO_NUMBERS = re.compile(
    r"\b\d{4}-\d{2}(?:-\d{2})?\b"  # days and months
    r"|\b\d{1,2}:\d{2}(?::\d{2})?\b"  # times
    r"|(?:\bID\b|#)\s*:?\s*\d+"  # IDs
    r"|(?m:^\s*\d+[.)]\s)",  # places in a list
    re.IGNORECASE,
)

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORD = re.compile(rf"\b(?!one\b)(?:{'|'.join(_WORDS)})\b(?!\s+of\b)", re.IGNORECASE)  # "one" is seldom a number


@dataclass(frozen=True)
class Numeral:
    """A number of a text."""

    readings: frozenset[float]
    """The number; several where its marks can be read in several ways, none where they make no sense."""
    is_percent: bool = False
    is_alternative: bool = False
    """Another number is joined to it, as in "5 or 6" and "5-6": it is not one answer."""
    to: frozenset[float] = frozenset()
    """Readings of the numbers at the other end, if it looks like an end of a range: "5 to 6"."""

    def __str__(self) -> str:
        return f"{min(self.readings):,.10g}{'%' if self.is_percent else ''}" if self.readings else "a number"

    @property
    def can_be_whole(self) -> bool:
        return any(reading.is_integer() for reading in self.readings)

    @property
    def can_be_broken(self) -> bool:
        return any(not reading.is_integer() for reading in self.readings)


def find_numerals(text: str, language: Language = "en") -> list[Numeral]:
    """The numbers of a text, in order. IDs, dates, times and places in a list are none.

    In English texts a comma groups thousands. In others both marks are read in both ways, as assistants write both.
    Small numbers in English words are found where there are no digits.
    """
    without = _NO_NUMBERS.sub(lambda found: " " * len(found[0]), text)
    found = list(_NUMERAL.finditer(without))
    readings = [frozenset(_readings(each, language)) for each in found]
    is_alternative, to = [False] * len(found), [frozenset[float]()] * len(found)
    for number, (before, after) in enumerate(pairwise(found)):
        between = without[before.end() : after.start()]
        is_same_kind = (before["percent"] is None) == (after["percent"] is None)
        if is_same_kind and _are_alternatives(between, after[0], language):
            is_alternative[number : number + 2] = [True, True]
        elif between_ends(language).fullmatch(between):
            to[number] |= readings[number + 1]
            to[number + 1] |= readings[number]
    numerals = [
        Numeral(readings[number], each["percent"] is not None, is_alternative[number], to[number])
        for number, each in enumerate(found)
    ]
    return numerals or [
        Numeral(frozenset([float(_WORDS.index(word[0].casefold()))])) for word in _WORD.finditer(without)
    ]


def _are_alternatives(between: str, after: str, language: Language) -> bool:
    """True for two numbers of which either could be meant. A hyphen may have been read as the minus of the second."""
    return bool(between_alternatives(language).fullmatch(between)) or (not between and after[0] in "-−")


def _readings(found: re.Match[str], language: Language) -> Iterator[float]:
    digits = re.sub(f"[{_SPACES}]", "", found[0].removesuffix(found["percent"] or "")).replace("−", "-")
    yield from _read(digits, thousands=",", decimal=".")
    if language != "en":
        yield from _read(digits, thousands=".", decimal=",")


def _read(digits: str, thousands: str, decimal: str) -> Iterator[float]:
    whole, mark, rest = digits.partition(decimal)
    groups = whole.split(thousands)
    if all(len(group) == 3 for group in groups[1:]) and thousands not in rest and bool(rest) == bool(mark):
        yield float(f"{''.join(groups)}.{rest or 0}")
