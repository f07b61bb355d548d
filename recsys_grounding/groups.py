"""Calls of one tool that differ by a group of people, a year or a place, and the figures that are told of each."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from recsys_grounding.numbers import Number
from recsys_grounding.steps import Step
from recsys_grounding.words import groups, pattern, word

_NEAR = 20
"""Characters before the name of a group in which is told that it is compared with another one."""

Asked = tuple[Step, list[float]]
"""A call, and the numbers of the others that differ from it."""


class Groups:
    """The groups for which the same was asked in one turn, by all words for them."""

    def __init__(self, turns: Iterable[Sequence[Step]]) -> None:
        self._asked: dict[str, Asked] = dict(chain.from_iterable(map(_told_apart, turns)))
        names = sorted(map(re.escape, self._asked), key=len, reverse=True)
        self._pattern = re.compile(rf"(?i)(?<![\w/-])({'|'.join(names) or '(?!)'})s?(?![\w/-])")

    def exchanged(self, text: str, number: Number, in_table: bool) -> str:
        """The group that a number of a line is told of, if only the results for others have this number; else empty."""
        found = self._beside(text, number, in_table) if self._asked else None
        if found is None:
            return ""
        step, others = self._asked[found[1].casefold()]
        return found[1] if number.is_among(others) and not number.is_among(step.values) else ""

    def _beside(self, text: str, number: Number, in_table: bool) -> re.Match[str] | None:
        """The group behind a number ("22% of the women"), or the one before it."""
        after = self._pattern.search(text, number.end)
        if after and pattern.of_group.fullmatch(text, number.end, after.start()):
            return after
        *_, other, found = (None, None, *self._pattern.finditer(text, 0, number.begin))
        if found is None or pattern.range_after.match(text, number.end):
            return None
        if other is not None and not re.search(r"\d", text[other.end() : found.start()]):
            return None  # "women and men gave ...", each in turn
        between, before = text[found.end() : number.begin], text[max(0, found.start() - _NEAR) : number.begin]
        ends = pattern.roughly_before.search(between) or pattern.comes_to.search(between)
        if ends or re.search(r"\d" if in_table else r"\d|[.!?;]\s", between):
            return None
        is_compared = word.against.search(before) or pattern.compared_before.search(between)
        of_number = re.search(r"\d(?=\D*$)", text[: found.start()])  # which may have this group behind it
        is_of_that = of_number and pattern.of_group.fullmatch(text, of_number.end(), found.start())
        is_compared = is_compared or pattern.than_group.search(text, max(0, found.start() - _NEAR), found.start())
        return None if is_compared or is_of_that else found


def _told_apart(steps: Sequence[Step]) -> Iterator[tuple[str, Asked]]:
    """The words that only one of several calls of a tool was given."""
    for step in steps:
        others = [other for other in steps if other is not step and other.tool == step.tool]
        own, known = (set(chain(*map(_words_of, each))) for each in ([step], others))
        values = sorted(chain(*(other.values for other in others)))
        for name in own - known if others else ():
            yield from ((form, (step, values)) for form in (name, *groups.get(name, "").split()))


def _words_of(step: Step) -> Iterator[str]:
    """The short words and numbers that a call was given, other than limits and what is searched for."""
    given = {key: value for key, value in step.arguments.items() if not pattern.no_group_key.fullmatch(key)}
    return (each for each in pattern.group_name.findall(str(given).casefold()) if each.count(" ") < 2)
