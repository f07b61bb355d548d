"""The numbers, dates and users beside items.

A number has to be one of the item's own, or of what belongs to no item, or follow from those beside it. Where a label
is with it ("Year: 1994"), it has to be the one with that label.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain

from recsys_grounding.evidence import Evidence, Item, by_field, changes_of, worked_out
from recsys_grounding.numbers import Number, dates_in, forms_of, numbers_in, of_two, sums_of
from recsys_grounding.subjects import Subjects
from recsys_grounding.words import blanked, kinds_of, pattern, word

_FEW = 12
"""Numbers up to this one count the steps, reasons and items that an answer itself lists."""
_MOST_NUMBERS, _MOST_TIMES, _LONGEST_SPAN = 60, 10, 32
"""Numbers of a line that are read, things that cost more together, and nights that do."""
_MANY = 1000
"""Numbers from this one on are hardly the sum of some others by chance."""
_NEAR, _NEARER = 200, 100
"""Characters around a number in which words tell of it: of what it is, and that it is worked out."""
_UNITS = (0.001, 0.01, 1000, 1 / 60, 60)
"""Factors between a unit and others: metres and centimetres, kilograms and grams, minutes and hours."""


class Told(list[Item]):
    """The items that a whole answer names."""

    def __init__(self, items: Iterable[Item], evidence: Evidence) -> None:
        super().__init__({id(item): item for item in items}.values())
        self._totals = evidence.totals

    @cached_property
    def worked_out(self) -> list[float]:
        """All that two numbers of one of them come to, and two of the same totals."""
        of_items = [[*chain(*item.numbers.values())] for item in self]
        return sorted(set(chain(*map(of_two, [*of_items, *self._totals]))))


class Facts:
    """The numbers, dates and users of a line or a row of an answer."""

    def __init__(self, subjects: Subjects, evidence: Evidence, told: Told) -> None:
        self._subjects, self._evidence, self._told = subjects, evidence, told
        dates, known = dates_in(subjects.text), evidence.all_dates
        self._dates = [date for date in dates if date.is_among(known) or not pattern.perhaps_a_day.fullmatch(date.text)]
        self._text = blanked(subjects.text, (date[1:3] for date in self._dates))
        self._numbers = list(numbers_in(self._text))[:_MOST_NUMBERS]

    def wrong(self) -> Iterator[str]:
        """Short phrases."""
        for words, user in self._subjects.users:
            if user.casefold() not in self._evidence.users:
                yield f"no tool was asked about {words}"
        for date in self._dates:
            about = self._subjects.about(date.begin, date.end)
            own = {each for item in about for each in item.dates} or self._evidence.all_dates
            before = self._subjects.text[max(0, date.begin - _NEAR) : date.begin]
            if not date.is_among(own | self._evidence.rest.dates) and not pattern.compared_before.search(before):
                yield (f"“{about[0].title}” has no date " if about else "no tool has returned the date ") + date.text
        for number in self._numbers:
            about = self._subjects.about(number.begin, number.end)
            if group := self._exchanged(number, about):
                yield f"the results for “{group}” have no number {number.text}"
            if other := self._other_than(number, about):
                yield (f"“{about[0].title}” {other}" if about else "no tool has returned the number ") + number.text

    def _exchanged(self, number: Number, about: list[Item]) -> str:
        """The group of which a number is told, if it is of another one; empty if not, or if it is of something else."""
        is_few = number.values[0] <= _FEW and number.values[0] % 1 == 0
        is_user = number.text.casefold() in self._evidence.users
        if is_few or is_user or any(item.id and number.is_among(item.values) for item in about):
            return ""
        return self._evidence.groups.exchanged(self._subjects.told, number, self._subjects.kind == "table")

    def _other_than(self, number: Number, about: list[Item]) -> str:
        """The words for an item that has something else: "has score 0.9, not "; empty if the number is right."""
        before, after = self._text[max(0, number.begin - _NEAR) : number.begin], self._text[number.end :][:_NEAR]
        if self._is_of_another_kind(number, about, before, after):
            return ""
        rest, is_whole = self._evidence.rest.values, number.half_a_step > 0.4 or number.values[0] >= 1000
        if is_whole and pattern.roughly_before.search(before):
            number = number._replace(values=number.values[:1], half_a_step=number.values[0] / 10)
        label = _label(before, after)
        called = [value for item in about for value in item.numbers_called(label)]
        is_year = pattern.year.fullmatch(number.text) is not None
        if label and not called and not is_year and about is self._subjects.owners:
            about = []  # it is told of something else below that name
        own = forms_of(chain(*(item.values for item in about)))
        if pattern.metric.match(after):
            own = sorted([*own, *(value * factor for value in own for factor in _UNITS)])
        if is_year:
            years = [year for item in about for year in item.years]
            own += self._subjects.years_of_next(number.end)
            is_said = number.is_among(rest) and not before.endswith("(")
            return "" if is_said or not years or number.is_among(sorted(own)) else f"is from {_listed(years)}, not "
        if called:
            is_other = number.is_among(own) and (not kinds_of(label) or (is_whole and number.values[0] > max(called)))
            times = range(1, _MOST_TIMES) if "price" in label else [1]  # several of them cost more
            is_called = number.is_among(forms_of(n * value for n in times for value in called))
            is_right = is_other or is_called or self._follows(number, about, after)
            return "" if is_right else f"has {label.casefold()} {_listed(called)}, not "
        is_alone = pattern.right_behind.search(before) and not pattern.counted.match(after)
        is_few = is_whole and number.values[0] <= _FEW and not is_alone
        changes = sorted(changes_of(about)) if about else self._evidence.changes
        worked = [] if about else self._told.worked_out
        prices = chain(*(item.numbers_called("price") for item in about))
        for_several = sorted(n * price for price in prices for n in range(2, _MOST_TIMES))
        is_returned = any(map(number.is_among, (own or self._evidence.all_values, rest, changes, worked, for_several)))
        return "" if is_few or is_returned or self._follows(number, about, after) else "has no number "

    def _is_of_another_kind(self, number: Number, about: list[Item], before: str, after: str) -> bool:
        """True for an ID, a day, a limit, a difference and an end of a range."""
        is_id = number.text in self._evidence.items or number.text in self._evidence.people
        is_id &= not about or self._subjects.kind != "table"
        is_own_id = any(number.text == item.id for item in about)
        is_range = not about and (pattern.range_before.search(before) or pattern.range_after.match(after))
        is_compared = pattern.compared_before.search(before) or pattern.compared_after.match(after)
        return bool(is_id or is_own_id or is_range or is_compared or pattern.ordinal.match(after))

    def _follows(self, number: Number, about: list[Item], after: str) -> bool:
        """True if it is a sum, a difference, a ratio or a share of other numbers beside it."""
        if pattern.derived.search(self._text):
            return True
        beside = sorted({each.values[0] for each in self._numbers if each.values != number.values} - {0})[:20]
        parts = {*beside, *chain.from_iterable(chain(*(item.numbers.values() for item in self._subjects.items)))}
        if after.lstrip().startswith("%"):
            counts = [value for value in (*parts, *self._evidence.rest.values) if value > 1 and value % 1 == 0]
            return number.is_among(sorted(100 * a / b for a in parts for b in counts if 1 < a < b and a % 1 == 0))
        found = set() if about else {*worked_out(by_field(self._told)), *sums_of(beside)}
        if pattern.metric.match(after):
            found.update(value * factor for value in beside for factor in _UNITS)
        if not about and number.values[0] >= _MANY and number.is_among(self._evidence.sums):
            return True
        if word.spans.search(self._text):
            items, times = about or self._told, range(2, _LONGEST_SPAN)
            found.update(n * value for item in items for value in item.values for n in times)
        if not about or pattern.derivable.search(self._text, max(0, number.begin - _NEARER), number.end + _NEARER):
            totals = self._evidence.rest.numbers["message"]
            found.update(each for a in parts | totals for b in beside for each in (a + b, abs(a - b), a / b))
        if word.together.search(self._text):
            lists = (beside, *map(list, self._evidence.rest.numbers.values()), *by_field(self._told))
            found.update(self._evidence.of_lists, *map(sums_of, lists))
        return number.is_among(sorted(found))


def _label(before: str, after: str) -> str:
    """The words that tell of what a number is; empty if there are none."""
    if pattern.out_of.search(before):
        return ""
    found = pattern.heading.search(before) or pattern.label_before.search(before) or pattern.label_after.match(after)
    if found is not None:
        return found["label"] if found.lastgroup == "label" else found.lastgroup or ""
    named = pattern.named_after.match(after)
    return named[1] if named else ""


def _listed(values: Iterable[float]) -> str:
    return " or ".join(f"{value:g}" for value in sorted(set(values)))
