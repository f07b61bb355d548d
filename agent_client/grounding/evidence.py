"""The results of the tools in a conversation: items with their titles, IDs and numbers, and the words beside them.

It knows nothing of any catalogue: an item is whatever has a title or name together with an ID.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from langchain_core.messages import AnyMessage, HumanMessage

from agent_client.grounding.words import any_of, kinds_of, language_of
from agent_client.history import data_of, results_of, text_of, turns
from agent_client.names import ID_KEYS, NAME_KEYS, fold

YEAR = r"(?<![\w.,-])(?:1[89]|20)\d\d(?![\w-]|[.,/]\d)"
_RELEASED = re.compile(r"year|release|publish|premiere", re.IGNORECASE)
ARTICLE = r"(?:the|an?|l[ea]s?|l|il|el|los|der|die|das|ein|eine|une?)"
_SPLITS = re.compile(r"\s*[,/&+]\s*|\s+(?:and|und|et)\s+"), re.compile(r"\s*[:(|–—]\s*|\s+-\s+")
_IN_TEXT = re.compile(rf"{any_of('nouns')} ([\w-]*\d)\b \(([^\W\d_a-z][^()]*)\)")
"""An item in a sentence of a tool: film 50 (Star Wars)."""
_LONGEST_NAME = 80
"""Characters of a value that may name something: a person, a genre, a place."""


@dataclass(eq=False)
class Item:
    """An item, as all results together have it."""

    id: str
    title: str
    numbers: dict[str, set[float]] = field(default_factory=lambda: defaultdict(set))
    """By their fields."""
    years: set[int] = field(default_factory=set)

    def numbers_called(self, label: str) -> dict[str, set[float]]:
        """Those that a label may mean.

        "Rating" means mean_rating and imdb_rating, "mean rating" the first alone, and "score" where there is none both.
        """
        kinds = kinds_of(label)
        called = {key: values for key, values in self.numbers.items() if kinds and kinds <= kinds_of(key)}
        return called if called or kinds != {"score"} else self.numbers_called("rating")


@dataclass
class Step:
    """A call: its arguments, and the items that it returned."""

    arguments: dict[str, Any]
    handle: str
    """The name under which a later call gets these items and more of their kind; empty if it has none."""
    ids: list[str] = field(default_factory=list)


class Evidence:
    """All that supports an answer.

    Args:
        messages: The conversation, from the beginning.
        published: Texts of the program that an answer may repeat: prompts and descriptions of tools.
    """

    def __init__(self, messages: Sequence[AnyMessage], published: Iterable[str]) -> None:
        self.items: dict[str, list[Item]] = defaultdict(list)
        """By ID; several servers may give one ID to different items."""
        self._by_title: dict[str, list[Item]] = defaultdict(list)
        self._names: set[str] = set()
        self.said = [text_of(message.content) for message in messages if isinstance(message, HumanMessage)]
        program, self._texts = list(published), [*self.said]
        self.turns: list[list[Step]] = []
        for turn in turns(messages):
            steps: list[Step] = []
            for call, message in results_of(turn):
                if message.status == "error":
                    self._texts.append(text_of(message.content))
                    continue
                result = data_of(message)
                handle = str(result.get("item_set", "")) if isinstance(result, dict) else ""
                steps.append(Step(call["args"], handle))
                self._read(result, steps[-1])
            self.turns.append(steps)
        self.titles = [item.title for items in self.items.values() for item in items]
        self.language = language_of(" ".join([*program, *self.titles]))
        self._said = "\n".join([*program, *self._texts])
        self._folded, self._words = f" {fold(self._said)} ", set(re.findall(r"[\w-]+", self._said.casefold()))

    def _read(self, value: Any, step: Step, item: Item | None = None) -> None:
        if isinstance(value, dict):
            title = next((value[key] for key in value if NAME_KEYS.search(key) and isinstance(value[key], str)), None)
            own_ids = (value[key] for key in value if ID_KEYS.search(key) and isinstance(value[key], int | str))
            own_id = next(own_ids, None)
            if title is not None and own_id is not None:
                item = self._item(str(own_id), title)
                step.ids.append(item.id)
            for key, each in value.items():
                self._names.add(title_key(key.replace("_", " ")))
                if item is not None and isinstance(each, int | float) and not isinstance(each, bool):
                    item.numbers[key.casefold()].add(float(each))
                if item is not None and _RELEASED.search(key):
                    item.years.update(int(year) for year in re.findall(r"(?:1[89]|20)\d\d", str(each)))
                if ID_KEYS.search(key):
                    self._texts += map(str, each) if isinstance(each, list) else [str(each)]
                self._read(each, step, item)
        elif isinstance(value, list):
            for each in value:
                self._read(each, step, item)
        elif isinstance(value, str):
            self._texts.append(value)
            for identifier, title in _IN_TEXT.findall(value):
                self._item(identifier, title)
            self._names.update([title_key(value)] if len(value) <= _LONGEST_NAME else [])

    def _item(self, identifier: str, title: str) -> Item:
        same_id, key = self.items[identifier.casefold()], title_key(title)
        if known := next((item for item in same_id if title_key(item.title) == key), None):
            return known
        item = Item(identifier, title, years={int(year) for year in re.findall(rf"\(({YEAR})\)", title)})
        same_id.append(item)
        self._by_title[key].append(item)
        return item

    def with_id(self, identifier: str) -> list[Item]:
        return self.items.get(identifier.casefold(), [])

    def named(self, name: str) -> list[Item]:
        """Items with that title, however it is written: with its article at the end, cut short, with another one."""
        key = title_key(name)
        if found := self._by_title.get(key, []):
            return found
        if longer := [title for title in self._by_title if len(key) >= 8 and title.startswith(f"{key} ")]:
            return self._by_title[min(longer)]
        if len(longer := [title for title in self._by_title if len(key) >= 8 and title.endswith(f" {key}")]) == 1:
            return self._by_title[longer[0]]
        both, some = ([self._by_title.get(title_key(part), []) for part in split.split(name)] for split in _SPLITS)
        return [item for found in (both if all(both) else some) for item in found]

    def is_value(self, name: str) -> bool:
        """True for the name of a person, a kind, a field: whatever the results have beside the items' titles."""
        surname, _, first_name = name.partition(", ")
        return title_key(name) in self._names or title_key(f"{first_name} {surname}") in self._names

    def has_words(self, name: str) -> bool:
        """True if the person has said these words, a tool, or this program; perhaps in an error."""
        if self.is_value(name) or (" " in fold(name) and f" {title_key(name)} " in self._folded):
            return True
        return re.search(rf"\b{re.escape(name)}\b", self._said) is not None  # a single word is written as a name is

    def has_id(self, identifier: str) -> bool:
        return identifier.casefold() in self._words


@lru_cache(maxsize=10_000)
def title_key(title: str) -> str:
    """The same for all ways to write one title: "Lion King, The (1994)" and "THE LION KING" both have "lion king"."""
    key = re.sub(r" (?:and|und|et)(?= )", "", fold(re.sub(r"\s*[(\[](?:1[89]|20)\d\d[)\]]\s*$", "", title)))
    return re.sub(rf"^{ARTICLE} (?=\w)|(?<=\w) {ARTICLE}$", "", key)
