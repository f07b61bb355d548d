"""Numbers and dates as several languages write them, and whether they are among others."""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import permutations
from typing import NamedTuple

from recsys_grounding.words import months, pattern, word

_MOST_PARTS = 10
"""Numbers of a list of which others may be worked out."""

Parts = tuple[int | None, int | None, int | None]
"""Year, month and day; None for what is not told."""


class Number(NamedTuple):
    """A number, from `begin` to `end` of a text, and what it may mean: "1,317" may be a little more than one."""

    text: str
    begin: int
    end: int
    values: tuple[float, ...]
    half_a_step: float
    """Greatest distance from a value that has more digits."""

    def is_among(self, values: Sequence[float]) -> bool:
        """True if it is one of these sorted values, perhaps with fewer digits."""
        within = ((bisect_left(values, each - self.half_a_step), each + self.half_a_step) for each in self.values)
        return any(place < len(values) and values[place] <= most for place, most in within)


class Date(NamedTuple):
    """A day or a month, from `begin` to `end` of a text, and what it may mean: "3/4/1998" is of March or of April."""

    text: str
    begin: int
    end: int
    readings: tuple[Parts, ...]

    def is_among(self, dates: Collection[Parts]) -> bool:
        """True if one of these tells all that it tells."""
        return any(
            all(own is None or own == other for own, other in zip(reading, date, strict=True))
            for reading in self.readings
            for date in dates
        )


def dates_in(text: str) -> Iterator[Date]:
    """Those with a month and a day or a year."""
    for match in pattern.date.finditer(text):
        found = {key: int(value) for key, value in match.groupdict().items() if value and value.isdigit()}
        year, day = found.get("y") or found.get("year"), found.get("d") or found.get("before") or found.get("day")
        month = found.get("m") or next(n for n, name in enumerate(months, 1) if name.fullmatch(match["month"]))
        if year or day:
            yield Date(match[0].rstrip("."), *match.span(), ((year, month, day),))
    for match in pattern.day_first.finditer(text):
        one, other, *years = (int(each) for each in match.groups() if each)
        year = years[0] if years else None
        yield Date(match[0], *match.span(), ((year, other, one), (year, one, other)))


def numbers_in(text: str) -> Iterator[Number]:
    for match in pattern.number.finditer(pattern.apart.sub(lambda date: re.sub(r"\D", " ", date[0]), text)):
        if match["hours"]:
            yield Number(match[0], *match.span(), (60 * int(match["hours"]) + int(match["minutes"]),), 0.5)
            continue
        digits, scale = match["digits"], 1
        if match["scale"]:
            scale = 1_000 if word.thousand.fullmatch(match["scale"]) else 1_000_000
        readings = (re.sub(r"[.,\s](?=\d{3}(?!\d))", "", digits), re.sub(r"\s", "", digits))
        shown = dict.fromkeys(each.replace(",", ".") for each in readings if len(re.findall(r"[.,]", each)) < 2)
        half_a_step = scale * 0.5 * 10.0 ** -max(len(each.partition(".")[2]) for each in shown) + 1e-9
        yield Number(digits, *match.span("digits"), tuple(scale * float(each) for each in shown), half_a_step)


def forms_of(values: Iterable[float]) -> list[float]:
    """Numbers, sorted, with shares as percentages too."""
    plain = set(values)
    return sorted(plain.union([100 * value for value in plain if 0 < value < 1]))


def sums_of(values: Sequence[float]) -> set[float]:
    """The sums of any of the first values, and their means."""
    sums = {(0.0, 0)}
    for value in values[:_MOST_PARTS]:
        sums |= {(total + value, n + 1) for total, n in sums}
    return {each for total, n in sums if n > 1 for each in (total, total / n)}


def of_two(values: Sequence[float]) -> Iterator[float]:
    """The sums, differences and ratios of two counts among the first numbers, and the products of one with others."""
    for one, other in permutations(values[:_MOST_PARTS], 2):
        if one % 1 == 0:
            yield from (one * other, *((one + other, one - other, one / (other or 1)) if other % 1 == 0 else ()))
