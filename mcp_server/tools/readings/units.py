"""Units of numbers as people say them: "2 hours" of a number in minutes, "7/10" of one that is out of 10, "80%"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mcp_server.dataset.words import singular
from mcp_server.errors import quoted
from mcp_server.tools.readings.numbers import COUNT, Atom, RefusedError, read_count
from mcp_server.tools.readings.problems import UnreadableError

ALIKE = (
    "minutes minute mins min m",
    "hours hour hrs hr h",
    "seconds second secs sec s",
    "milliseconds millisecond ms",
    "days day d",
    "percent % per_cent percentage pct",
    "dollars dollar $ usd us$",
    "euros euro \u20ac eur",
    "pounds pound \u00a3 gbp",
)
"""Words for the same unit, in lines that begin with the one that is told; any may be the dataset's own."""

_LINE_OF = {word: line.split()[0] for line in ALIKE for word in line.split()}

SECONDS = {"milliseconds": 0.001, "seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}
"""Units of time, in seconds."""

_SCALE = re.compile(r"(?:out )?of (\d+(?:\.\d+)?)(?: stars| points)?|/ ?(\d+(?:\.\d+)?)")
_AMOUNT = r"[-+]?[\d.,' \u00a0\u202f]*\d"
_OUT_OF = re.compile(rf"({_AMOUNT})\s*(?:/|\bout of\b|\bof\b)\s*(\d+(?:\.\d+)?)(?: stars?| points?)?")
_STARS = re.compile(rf"({_AMOUNT})\s*stars?")
STARS = 5
"""The best number of stars, where nothing else is said."""

_TIME_WORD = "|".join(sorted((word for word, unit in _LINE_OF.items() if unit in SECONDS), key=len, reverse=True))
_TIME_PART = re.compile(rf"(half an?|\d+(?:[.,]\d+)?|{COUNT})( and a half)?\s*-?({_TIME_WORD})(?![a-z])( and a half)?")
_BETWEEN_PARTS = re.compile(r"\s*(?:,|and)?\s*")
_LAST_MINUTES = re.compile(r"(?P<minutes>[0-5]?\d)")
"""Form of the minutes of "1h30"."""

_BEFORE = re.compile(r"(us\$|[$\u20ac\u00a3])\s*(\d.*)")
_AFTER = re.compile(rf"({_AMOUNT}(?:\s*(?:k|thousand|million))?)\s*([^\W\d_]+|[%\u20ac$\u00a3])\.?")


@dataclass(frozen=True)
class Unit:
    """The unit of one number.

    Args:
        declared: As the dataset has it, such as "minutes" or "of 10"; empty where it has none.
        noun: What the number counts, by its name: "votes" of ``imdb_votes``.
    """

    declared: str = ""
    noun: str = ""

    def read(self, text: str) -> Any:
        """The number of a text in this unit, or its text without the unit; the text itself where it has none.

        Raises:
            RefusedError: It is in another unit.
        """
        plain = " ".join(text.strip().casefold().split())
        for reading in (self._scaled, self._time, self._plain):
            if (found := reading(plain)) is not None:
                return found
        return text

    @property
    def _known(self) -> str:
        plain = self.declared.casefold().rstrip(".")
        return "" if plain in ("m", "d") else _LINE_OF.get(plain, "")  # which can be metres, or more

    @property
    def _scale(self) -> float | None:
        """The best value, where the unit says it."""
        found = _SCALE.fullmatch(self.declared.casefold().strip())
        return float(found[1] or found[2]) if found else 100 if self._known == "percent" else None

    def _scaled(self, text: str) -> str | None:
        """ "7/10", "8 out of 10", "4 stars"."""
        stars = _STARS.fullmatch(text)
        found = _OUT_OF.fullmatch(text)
        if found is None and stars is None:
            return None
        value, best = (found[1], float(found[2])) if found else (stars[1] if stars else "", float(STARS))
        if best == self._scale:
            return value
        if self._scale is None:
            how = "it is not known that this number is: give the number alone"
        else:
            how = f"this number is out of {self._scale:g}: give it so"
        raise RefusedError(f"{quoted(text)} is out of {best:g}, and {how}")

    def _time(self, text: str) -> float | None:
        """ "2 hours", "1h30", "an hour and a half"."""
        seconds, place, last = 0.0, 0, ""
        while found := _TIME_PART.match(text, place):
            last = _LINE_OF[found[3]]
            number = 0.5 if found[1].startswith("half") else read_count(found[1].replace(",", "."))
            seconds += (number + (0.5 if found[2] or found[4] else 0)) * SECONDS[last]
            gap = _BETWEEN_PARTS.match(text, found.end())
            place = gap.end() if gap and gap.end() < len(text) else found.end()
        if last == "hours" and (minutes := _LAST_MINUTES.fullmatch(text, place)):
            seconds, place = seconds + int(minutes["minutes"]) * 60, len(text)
        if not last or place != len(text):
            return None
        if self._known not in SECONDS:
            if text.endswith("m"):  # a million, where there is no time
                return None
            raise RefusedError(f"{quoted(text)} is a time, and this number is {self._in_words}")
        value = round(seconds / SECONDS[self._known], 6)
        return int(value) if value.is_integer() else value

    def _plain(self, text: str) -> str | None:
        """ "80%", "$50", "1,000 votes"."""
        if before := _BEFORE.fullmatch(text):
            number, word = before[2], before[1]
        elif after := _AFTER.fullmatch(text):
            number, word = after[1], after[2]
        else:
            return None
        if self._means(word):
            return number
        if word in _LINE_OF and word != "m":  # which can be a million
            raise RefusedError(f"{quoted(text)} is in {_LINE_OF[word]}, and this number is {self._in_words}")
        return None

    def _means(self, word: str) -> bool:
        declared = self.declared.casefold()
        if word == declared:
            return True
        if word in _LINE_OF and _LINE_OF[word] == self._known:
            return True
        names = [singular(name) for name in (declared, self.noun) if name]
        return singular(word) in names or (len(word) > 1 and declared.startswith(singular(word)))

    @property
    def _in_words(self) -> str:
        if not self.declared:
            return "of a unit that is not declared"
        return f"in {self._known or self.declared}" if self._scale in (None, 100) else f"out of {self._scale:g}"


NO_UNIT = Unit()


def with_unit(atom: Atom, unit: Unit) -> Atom:
    """A reading of numbers that also takes them with their unit."""

    def read(value: Any, limit: str) -> Any:
        return atom(unit.read(value) if isinstance(value, str) else value, limit)

    return read


_BARE = re.compile(r"\d[\d.,]*")
_COUNTED = re.compile(r"(\d[\d.,]*)\s*((?:[^\W\d_]|[%\u20ac\u00a3$]).*)")


def share_unit(first: str, last: str) -> str:
    """The first end of a range with the unit of the last, where it has none and is the smaller number: "1 to 2 hours"
    begins at one hour, "500 to 2k" at 500.
    """
    counted = _COUNTED.fullmatch(last)
    if counted is None or not _BARE.fullmatch(first):
        return first
    try:
        is_smaller = read_count(first) < read_count(counted[1])
    except UnreadableError:
        return first
    return f"{first} {counted[2]}" if is_smaller else first
