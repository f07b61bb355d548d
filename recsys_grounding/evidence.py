"""The results of the tools in a conversation: items with their titles, IDs and numbers, and the words beside them.

It knows nothing of any catalogue: an item is whatever has a title or name together with an ID.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from itertools import chain, permutations
from statistics import fmean
from typing import Any

from recsys_grounding.conversation import Turn
from recsys_grounding.groups import Groups
from recsys_grounding.keys import Keys
from recsys_grounding.numbers import Parts, dates_in, forms_of, numbers_in, sums_of
from recsys_grounding.steps import Step
from recsys_grounding.words import blanked, kinds_of, language_of, pattern, word
from recsys_shared.names import fold

_LONGEST_NAME = 80
"""Characters of a value that may name something: a person, a genre, a place."""
_GREATEST = 1e15
"""Numbers from this one on are read as texts are: they are no measures."""
_MOST_CALLS = 4
"""Values of one thing in one field that may be compared with each other."""


@dataclass(eq=False)
class Item:
    """An item, as all results together have it; or a row of a table of statistics, which has no ID."""

    id: str
    title: str
    numbers: dict[str, set[float]] = field(default_factory=lambda: defaultdict(set))
    """By their fields, with those in texts."""
    dates: set[Parts] = field(default_factory=set)
    words: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Names of people, kinds and places, by their fields."""

    def numbers_called(self, label: str) -> list[float]:
        """Those that a label may mean.

        "Rating" means mean_rating and imdb_rating, "mean rating" the first alone, and "score" where there is none both.
        """
        kinds, key = kinds_of(label), title_key(label)
        called = [values for name, values in self.numbers.items() if key and title_key(name) in (key, f"n {key}")]
        called = called or [values for name, values in self.numbers.items() if kinds and kinds <= kinds_of(name)]
        return [*chain(*called)] if called or kinds != {"score"} else self.numbers_called("rating")

    @cached_property
    def values(self) -> list[float]:
        return forms_of(chain(*self.numbers.values()))

    @property
    def years(self) -> list[float]:
        """Those in which it came out."""
        dates = [values for key, values in self.numbers.items() if pattern.year_key.search(key)]
        return [value for value in chain(*dates) if 1800 <= value < 2100]


class Evidence:
    """All that supports an answer.

    Args:
        conversation: From the beginning.
        published: Texts of the program that an answer may repeat: prompts and descriptions of tools.
    """

    def __init__(self, conversation: Sequence[Turn], published: Iterable[str]) -> None:
        self.items: dict[str, list[Item]] = defaultdict(list)
        """By ID; several servers may give one ID to different items."""
        self.rows: dict[str, Item] = {}
        """Rows of statistics, by the keys of what they are about."""
        self.people: dict[str, Item] = {}
        """Rows of users, by their IDs."""
        self.rest = Item("", "")
        """The numbers that belong to no item: in messages, in totals, and in what was asked."""
        self.named, self.has_words = cache(self._named), cache(self._has_words)  # an answer may repeat itself
        self.totals: list[list[float]] = []
        """The numbers of each object of the results that is no item."""
        self._by_title: dict[str, list[Item]] = defaultdict(list)
        self._names: set[str] = set()
        self.said = [turn.question for turn in conversation]
        asked, known = [*self.said], [*self.said]
        program, self._texts = list(published), [*self.said]
        self._keys = Keys(call.result for turn in conversation for call in turn.calls)
        self.turns: list[list[Step]] = []
        for turn in conversation:
            self.turns.append([])
            for call in turn.calls:
                known += [str(call.arguments), call.text]
                asked.append(str({key: value for key, value in call.arguments.items() if not self._keys.has_ids(key)}))
                if call.failed:
                    self._texts.append(call.text)
                    asked.append(call.text)
                    continue
                handle = str(call.result.get("item_set", "")) if isinstance(call.result, dict) else ""
                self.turns[-1].append(Step(call.tool, call.arguments, handle))
                self._read(call.result, self.turns[-1][-1], self.rest)
        steps = list(chain(*self.turns))
        given = chain(*(step.arguments.items() for step in steps))
        coded = (str(value) for key, value in given if word.users.fullmatch(key))
        shapes = {re.sub(r"\d", r"\\d", re.escape(each)) for each in coded if pattern.user_code.fullmatch(each)}
        self.user_code = re.compile(rf"(?i)(?<![\w-])(?:{'|'.join(shapes) or '(?!)'})(?![\w-])")
        """IDs of the form in which users were asked about, such as "listener-017"."""
        self.users = set(pattern.with_digit.findall(" ".join(known).casefold()))
        """All that may be the ID of a user."""
        of_items = list(chain(*self.items.values()))
        self.titles = [item.title for item in of_items]
        self.language = language_of(" ".join([*program, *self.titles]))
        self._said = "\n".join([*program, *self._texts])
        self._folded, self._words = f" {fold(self._said)} ", set(re.findall(r"[\w-]+", self._said.casefold()))
        said = {value for text in asked for number in numbers_in(text) for value in number.values}
        self.rest.dates.update(parts for text in asked for date in dates_in(text) for parts in date.readings)
        self.rest.numbers["said"] = {value for value in said if f"{value:g}" not in self.items} | {100}
        self.fields: dict[str, set[str]] = defaultdict(set)
        """Those of items and users in which a name stands, by its key."""
        self.values = self._fields_of([*of_items, *self.people.values()])
        """These names in a text."""
        all_items = [self.rest, *of_items, *self.rows.values(), *self.people.values()]
        lists = ([item for each in step.ids for item in self.with_id(each)[:1]] for step in steps)
        self._columns = [column for step in steps for column in step.columns.values()]
        self.of_lists = set(worked_out(chain(self._columns, *map(by_field, lists))))
        """The sums, means and spans of what each call has returned."""
        self.all_values = forms_of(chain(self.of_lists, *(item.values for item in all_items)))
        self.groups = Groups(self.turns)
        self.all_dates = set(chain(*(item.dates for item in all_items)))
        forms = {re.escape(form) for key, row in self.rows.items() for form in (key, row.title)}
        keys = sorted(forms, key=len, reverse=True)
        self._rows = re.compile(rf"(?i)\b({'|'.join(keys) or '(?!)'})s?\b".replace("\\ ", r"[\s_'’-]"))

    @cached_property
    def changes(self) -> list[float]:
        """The differences and ratios in rows of statistics from one call to the next."""
        return sorted(changes_of(self.rows.values()))

    @cached_property
    def sums(self) -> list[float]:
        """The sums of any rows of each call, and their means."""
        return sorted(set(chain(*map(sums_of, self._columns))))

    def _fields_of(self, items: Iterable[Item]) -> re.Pattern[str]:
        words = [(key, name) for item in items for key, names in item.words.items() for name in names]
        named = {(key, name) for key, name in words if not self._keys.has_names(key)}
        for key, name in named:
            self.fields[title_key(name)].add(key)
        texts = {re.escape(name).replace("_", "[ _]") for _, name in named if pattern.value.fullmatch(name)}
        return re.compile(rf"(?i)(?<![\w-])(?:{'|'.join(sorted(texts, key=len, reverse=True)) or '(?!)'})(?![\w-])")

    def _read(self, value: Any, step: Step, item: Item, key: str = "", is_row: bool = False) -> None:
        """Read what a result has under a key.

        Args:
            item: What it belongs to.
            is_row: True for an entry of a list.
        """
        if isinstance(value, dict):
            whole, known = item, self._item_of(value)
            item = known or (self._row(value) if is_row and item is self.rest else None) or item
            if known and whole.id:
                whole.words[key].add(known.title)  # of a reason, say
                step.inside.add(known.id)
            elif known:
                step.ids.append(known.id)
            if not item.id:
                self.totals.append([float(each) for each in value.values() if _is_measure(each)])
            for key, each in value.items():
                self._names.add(title_key(key))
                self.rest.numbers["keys"].update(map(float, re.findall(r"\d+", key)))  # sold_90d
                if self._keys.has_ids(key):
                    self._texts += map(str, each) if isinstance(each, list) else [str(each)]
                self._read(each, step, item, key)
        elif isinstance(value, list):
            for each in value:
                self._read(each, step, item, key, is_row=True)
        elif isinstance(value, str):
            self._texts.append(value)
            for identifier, title in pattern.in_text.findall(value):
                self._item(identifier, title)
            if len(value) <= _LONGEST_NAME:
                self._names.add(title_key(value))
                item.words[key].add(value)
            dates = list(dates_in(value))
            item.dates.update(parts for date in dates for parts in date.readings)
            item.numbers[key].update(float(date.readings[0][0]) for date in dates if date.readings[0][0])
            for number in numbers_in(blanked(value, (date[1:3] for date in dates))):
                item.numbers[key].update(number.values)
                step.said.update(number.values)
                self.rest.numbers[key].update(number.values if self._keys.has_names(key) else [])
        elif _is_measure(value) and not self._keys.has_ids(key):
            item.numbers[key].add(float(value))
            step.columns[key].append(float(value))

    def _item_of(self, row: dict[str, Any]) -> Item | None:
        """The item that a row is about; where the row has its ID alone, one that has been told of before."""
        parts = [each for each in row.values() if isinstance(each, dict) and not any(map(self._keys.has_ids, each))]
        title = next(filter(None, map(self._keys.name_in, [row, *parts])), None)
        own_id = self._keys.id_in(row, title is not None)
        if own_id is None or title is None:
            return next(iter(self.with_id(own_id or "")), None)
        return self._item(own_id, title)

    def _item(self, identifier: str, title: str) -> Item:
        same_id, key = self.items[identifier.casefold()], title_key(title)
        if known := next((item for item in same_id if title_key(item.title) == key), None):
            return known
        same_id.append(item := Item(identifier, title))
        if year := re.search(r"\(((?:1[89]|20)\d\d)\)", title):
            item.numbers["year"].add(float(year[1]))
        self._by_title[key].append(item)
        return item

    def _row(self, row: dict[str, Any]) -> Item | None:
        """A row of statistics, which has numbers, one name and no ID; or one of a user, which has no name."""
        values = list(chain.from_iterable(each.values() if isinstance(each, dict) else [each] for each in row.values()))
        names = [each for each in values if isinstance(each, str) and len(each) <= _LONGEST_NAME]
        ids = [str(value) for key, value in row.items() if self._keys.has_ids(key)]
        if len(ids) == 1 and self._keys.name_in(row) is None:
            return self.people.setdefault(ids[0], Item("", f"user {ids[0]}"))
        is_row = not ids and len(names) == 1 and any(isinstance(each, int | float) for each in values)
        return self.rows.setdefault(title_key(names[0]), Item("", names[0])) if is_row else None

    def rows_in(self, text: str) -> list[tuple[int, int, list[Item]]]:
        """The rows of statistics that a text names, with their places."""
        return [(*found.span(), [self.rows[title_key(found[1])]]) for found in self._rows.finditer(text)]

    def with_id(self, identifier: str) -> list[Item]:
        return self.items.get(identifier.casefold(), [])

    def _named(self, name: str) -> list[Item]:
        """Items with that title, however it is written: with its article at the end, cut short, with another one."""
        key = title_key(name)
        if found := self._by_title.get(key, []):
            return found
        if longer := [title for title in self._by_title if len(key) >= 8 and title.startswith(f"{key} ")]:
            return self._by_title[min(longer)]
        words = set(key.split())
        if len(wider := [title for title in self._by_title if len(words) > 1 and words < set(title.split())]) == 1:
            return self._by_title[wider[0]]
        return [item for part in pattern.parts.split(name) for item in self._by_title.get(title_key(part), [])]

    def is_value(self, name: str) -> bool:
        """True for the name of a person, a kind, a field: whatever the results have beside the items' titles."""
        surname, _, first_name = name.partition(", ")
        return title_key(name) in self._names or title_key(f"{first_name} {surname}") in self._names

    def _has_words(self, name: str) -> bool:
        """True if the person has said these words, a tool, or this program; perhaps in an error."""
        if self.is_value(name) or (" " in fold(name) and f" {title_key(name)} " in self._folded):
            return True
        return re.search(rf"\b{re.escape(name)}\b", self._said) is not None  # a single word is written as a name is

    def has_id(self, identifier: str) -> bool:
        return identifier.casefold() in self._words


def _is_measure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _GREATEST


def by_field(items: Sequence[Item]) -> Iterator[list[float]]:
    """The numbers of some items, one list for each field."""
    for name in set(chain(*(item.numbers for item in items))):
        yield [min(item.numbers[name]) for item in items if item.numbers.get(name)]


def worked_out(columns: Iterable[Sequence[float]]) -> Iterator[float]:
    """The sum, the mean and the span of each list of numbers."""
    for values in filter(None, columns):
        yield from (sum(values), fmean(values), max(values) - min(values))


def changes_of(items: Iterable[Item]) -> Iterator[float]:
    """The differences and ratios of what several calls have returned of one thing in one field, and the percentages."""
    for values in chain(*(item.numbers.values() for item in items)):
        for one, other in permutations(values, 2) if len(values) <= _MOST_CALLS else ():
            yield from (abs(one - other), one / (other or 1), 100 * abs(one - other) / (other or 1))


@lru_cache(maxsize=10_000)
def title_key(title: str) -> str:
    """The same for all ways to write one title: "Lion King, The (1994)" and "THE LION KING" both have "lion king"."""
    words = fold(re.sub(r"\s*[(\[](?:1[89]|20)\d\d[)\]]\s*$", "", title.replace("_", " ")))
    key = re.sub(r" (?:and|und|et)(?= )", "", words)
    return pattern.article_outside.sub("", key)
