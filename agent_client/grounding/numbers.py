"""Numbers as several languages write them, and whether they are among others. A date is read as two or three."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agent_client.grounding.words import pattern


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


def plain_dates(text: str) -> str:
    """The text with the numbers of dates apart from each other."""
    return pattern.date.sub(lambda date: re.sub(r"\D", " ", date[0]), text)


def numbers_in(text: str) -> Iterator[Number]:
    for match in pattern.number.finditer(plain_dates(text)):
        if match["hours"]:
            yield Number(match[0], *match.span(), (60 * int(match["hours"]) + int(match["minutes"]),), 0.5)
            continue
        readings = (re.sub(r"[.,\s](?=\d{3}(?!\d))", "", match[0]), re.sub(r"\s", "", match[0]))
        shown = {each.replace(",", ".") for each in readings if len(re.findall(r"[.,]", each)) < 2}
        half_a_step = 0.5 * 10.0 ** -max(len(each.partition(".")[2]) for each in shown) + 1e-9
        yield Number(match[0], *match.span(), tuple(map(float, shown)), half_a_step)
