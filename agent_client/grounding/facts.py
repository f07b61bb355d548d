"""The numbers, years and names in an answer that the results do not have, or have of another item.

A number that stands with an item has to be the item's own. Any other one has to be in the results, or to be worked out
from numbers beside it.
"""

import re
from collections.abc import Iterable, Iterator

from agent_client.grounding.claims import BLANK, Passage, blanked
from agent_client.grounding.evidence import Evidence, Item, forms_of, title_key
from agent_client.grounding.numbers import Number, numbers_in, plain_dates
from agent_client.grounding.words import pattern, word

_FEW = 12
"""Numbers up to this count the steps, reasons and items that an answer itself lists."""
_MOST_NUMBERS, _NEAR = 60, 200
"""Numbers of a line that are read, and characters around each of them."""


class Facts:
    """The things that a line or a row of an answer says of items."""

    def __init__(self, passage: Passage, evidence: Evidence) -> None:
        rows = evidence.rows_in(passage.text)
        self._text = plain_dates(blanked(passage.text, (row[:2] for row in rows)))
        self._kind, self._evidence = passage.kind, evidence
        named = [(claim.begin, claim.end, items) for claim in passage.claims if (items := claim.items(evidence))]
        self._subjects = sorted(named + rows, key=lambda subject: subject[:2])
        """Places of names, with the items that they are of."""
        self._items = [item for *_, items in self._subjects for item in items]
        self._owners = passage.owner.items(evidence) if passage.owner else []
        self._users = list(pattern.user.finditer(self._text))
        others = blanked(self._text, (user.span() for user in self._users))
        self._numbers = list(numbers_in(others))[:_MOST_NUMBERS]
        self._breaks = list(pattern.clause_end.finditer(self._text))
        self._is_worked_out = pattern.worked_out.search(self._text) is not None

    def wrong(self) -> Iterator[str]:
        """Short phrases."""
        for user in self._users:
            if user["id"].casefold() not in self._evidence.users:
                yield f"no tool was asked about {user[0]}"
        for number in self._numbers:
            about = self._about(number)
            if own := self._other_than(number, about):
                yield (f"“{about[0].title}” {own}" if about else "no tool has returned the number ") + number.text
        if self._kind != "prose" and len(self._subjects) == 1:
            yield from self._wrong_names(self._items[0])

    def _about(self, number: Number) -> list[Item]:
        """The items of which one has to have a number: of its row or its clause, or the one right before it."""
        if self._kind == "table":
            return self._items
        text = self._text
        begin = max((each.end() for each in self._breaks if each.end() <= number.begin), default=0)
        end = min((each.start() for each in self._breaks if each.end() > number.begin), default=len(text))
        within = [subject for subject in self._subjects if begin <= subject[0] < end]
        before = [subject for subject in within if subject[1] <= number.begin]
        if not within or word.against.search(text, begin, end):
            return [] if within else self._owners
        if before and not re.search(r"\d[^\w.:]*$", text[begin : within[0][0]]):  # numbers stand behind the names
            between = text[before[-1][1] : number.begin]
            is_told = "(" in between or len(before) == 1 or re.search(r"\d", text[before[-2][1] : before[-1][0]])
            is_behind = pattern.right_behind.fullmatch(between) and not text[number.end :].lstrip().startswith(BLANK)
            if pattern.label.search(between) or (is_told and is_behind):
                return before[-1][2]
        is_alone = len(within) == 1 and (before or self._kind != "prose" or pattern.year.fullmatch(number.text))
        return within[0][2] if is_alone else []

    def _other_than(self, number: Number, about: list[Item]) -> str:
        """The words for an item that has something else: "has score 0.9, not "; empty if the number is right."""
        before, after = self._text[max(0, number.begin - _NEAR) : number.begin], self._text[number.end :][:_NEAR]
        if pattern.compared_before.search(before) or pattern.compared_after.match(after):
            return ""
        rest, is_whole = self._evidence.rest.values, number.half_a_step > 0.4
        is_own = any(number.is_among(item.values) or number.text == item.id for item in about)
        if pattern.year.fullmatch(number.text):
            years = [year for item in about for year in item.years]
            is_said = number.is_among(rest) and not before.endswith("(")
            return "" if is_own or is_said or not years else f"is from {_listed(years)}, not "
        found = (
            pattern.heading.search(before) or pattern.label_before.search(before) or pattern.label_after.match(after)
        )
        label = "" if found is None else found["label"] if found.lastgroup == "label" else found.lastgroup or ""
        if called := [value for item in about for value in item.numbers_called(label)]:
            times = range(1, 11) if "price" in label else [1]  # several of them cost more
            is_own = self._is_worked_out or number.is_among(forms_of(n * value for n in times for value in called))
            return "" if is_own else f"has {label.casefold()} {_listed(called)}, not "
        if is_whole and number.values[0] <= _FEW:
            n_items = (
                len(self._evidence.items) if pattern.items_after.match(after) and not self._evidence.rows else _FEW
            )
            return "" if number.values[0] <= n_items or number.is_among(rest) else "has no number "
        if is_whole and pattern.roughly_before.search(before):
            number = number._replace(half_a_step=number.values[0] / 10)
            is_own = any(number.is_among(item.values) for item in about)
        if not any(item.numbers for item in about):
            is_of_all = not self._items and word.mean.search(self._text) is not None
            is_own = is_of_all or number.is_among(self._evidence.all_values) or number.text in self._evidence.items
        is_share = after.lstrip().startswith("%")
        is_right = is_own or self._is_worked_out or number.is_among(rest) or self._follows(number, is_share)
        return "" if is_right else "has no number "

    def _follows(self, number: Number, is_share: bool) -> bool:
        """True if it is a sum, a difference, a ratio or a share of other numbers beside it."""
        beside = [each.values[0] for each in self._numbers if each is not number and each.values[0] > 0][:20]
        parts = {*beside, *(value for item in self._items for values in item.numbers.values() for value in values)}
        counts = [value for value in (*beside, *self._evidence.rest.values) if value > 1 and value % 1 == 0]
        if is_share:
            return number.is_among(sorted(100 * a / b for a in parts for b in counts if 1 < a < b and a % 1 == 0))
        return number.is_among(sorted({c for a in parts for b in beside for c in (a + b, abs(a - b), a / b)}))

    def _wrong_names(self, item: Item) -> Iterator[str]:
        """The people, kinds and places that another item has in a field where this one has others."""
        own = {title_key(name) for names in item.words.values() for name in names}
        for part in re.split(r"[;:,()|*–—•]+|\s-\s", self._text[self._subjects[0][1] :]):
            name = re.sub(r"^(?:[^\W\d_A-Z][\w.]*\s+)*|\W+$", "", part.strip())
            others = set() if title_key(name) in own else self._evidence.fields[title_key(name)]
            for field in sorted(others & item.words.keys()):
                names = " or ".join(sorted(item.words[field]))
                yield f"“{item.title}” has {field.replace('_', ' ')} {names}, not {name}"


def _listed(values: Iterable[float]) -> str:
    return " or ".join(f"{value:g}" for value in sorted(set(values)))
