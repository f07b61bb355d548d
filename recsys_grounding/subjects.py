"""The items, rows of statistics and users that a line of an answer tells of, and which of them each place is about."""

import re
from functools import cached_property
from itertools import chain

from recsys_grounding.claims import Passage
from recsys_grounding.evidence import Evidence, Item
from recsys_grounding.words import blanked, pattern, word

_FAR = 200
"""Characters before a number in brackets in which another thing may be told of."""


class Subjects:
    """Everything that a line or a row of an answer tells of."""

    def __init__(self, passage: Passage, evidence: Evidence) -> None:
        self.kind = passage.kind
        self.users: list[tuple[str, str]] = []
        """The words for each user, and the ID."""
        rows = evidence.rows_in(passage.text)
        if passage.section:  # a kind of this item is none of its own
            kinds = set(chain(*(names for item in passage.section.items(evidence) for names in item.words.values())))
            rows = [row for row in rows if not kinds.intersection(item.title for item in row[2])]
        self.told = passage.text
        self.text = blanked(passage.text, (row[:2] for row in rows))
        """With signs in the place of all subjects."""
        people: list[tuple[int, int, list[Item]]] = []
        for found in pattern.user.finditer(self.text):
            ids = pattern.with_digit.findall(found[0])
            self.users += [(found[0] if len(ids) == 1 else each, each) for each in ids]
            people.append((*found.span(), [evidence.people[each] for each in ids if each in evidence.people]))
        self.users += [(each[0], each[0]) for each in evidence.user_code.finditer(self.text)]
        bare = [each for each in pattern.bare_user.finditer(self.text) if not evidence.with_id(each[0])]
        people += [(*each.span(), [evidence.people[each[0]]]) for each in bare if each[0] in evidence.people]
        self.text = blanked(self.text, (each[:2] for each in people))
        named = [(claim.begin, claim.end, claim.items(evidence)) for claim in passage.claims]
        self.places = sorted((each for each in [*named, *rows, *people] if each[2]), key=lambda place: place[:2])
        """From where to where each is named."""
        self.items = [item for *_, items in self.places for item in items]
        self.owners, self.section = (each.items(evidence) if each else [] for each in (passage.owner, passage.section))
        self._breaks = [each.span() for each in pattern.clause_end.finditer(self.text)]

    def about(self, begin: int, end: int) -> list[Item]:
        """The items of which one has to have what stands from `begin` to `end`.

        They are those of the row of a table; those that its clause names last before it, or the one right behind it;
        and the owner of a list of facts.
        """
        if self.kind == "table":
            if not self._is_of_first:
                return self.items
            cell = self.text.rfind(";", 0, begin)
            in_cell = [items for first, last, items in self.places[1:] if cell < first and last <= begin]
            return (in_cell or [self.places[0][2]])[-1]
        text = self.text
        first = max((each[1] for each in self._breaks if each[1] <= begin), default=0)
        last = min((each[0] for each in self._breaks if each[1] > begin), default=len(text))
        within = [place for place in self.places if first <= place[0] < last]
        if not within or word.against.search(text, first, last):
            return [] if within else self.owners
        before, after = [each for each in within if each[1] <= begin], [each for each in within if each[0] > begin]
        between = text[end : after[0][0]] if after else ""
        if after and pattern.of_next.fullmatch(between):
            return [item for *_, items in (after if ":" in between else after[:1]) for item in items]
        is_first = len(within) > 1 and not re.search("[,:]", between)
        following = after[0][2] if after and is_first else []
        if not before:
            return following
        between = text[before[-1][1] : begin]
        if re.search(r"\([^()]*$", between):
            return [] if pattern.of_unnamed.search(between[-_FAR:]) else before[-1][2]
        row = len(before) - 1
        while row and not _has_digit(text[before[row - 1][1] : before[row][0]]):
            row -= 1
        return [*(item for *_, items in before[row:] for item in items), *following]

    @cached_property
    def _is_of_first(self) -> bool:
        """True for a row of a table that tells of its first item, and of others as the results tell of that one."""
        first, others = self.places[:1], self.places[1:]
        inside = set(chain(*(names for *_, items in first for item in items for names in item.words.values())))
        return bool(inside) and all(items[0].title in inside for *_, items in others)

    def years_of_next(self, end: int) -> list[float]:
        """The years of an item that stands right behind a place, as in "two of 1990, Heat and Alien"."""
        following = (items for first, _, items in self.places if re.fullmatch(r",?\W{1,4}", self.text[end:first]))
        return sorted(year for item in next(following, []) for year in item.years)


def _has_digit(text: str) -> bool:
    return re.search(r"\d", re.sub(r"\([^()]*\)", "", text)) is not None
