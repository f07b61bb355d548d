"""The subjects of tool calls in people's words: things by their titles, and a set of things by what it was made of."""

from collections.abc import Mapping
from typing import Any

from agent_client.web.words import Words
from recsys_shared.names import ID_KEYS, SET_KEYS, name_in


class Subjects:
    """The calls of a conversation and what they are about, as far as earlier results tell."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._titles: dict[tuple[str, str], str] = {}
        """By the kind of thing and its ID; the ID itself where several things have it."""
        self._sets: dict[str, list[str]] = {}
        """Subjects of the calls that returned a set, by its name."""

    def learn(self, arguments: Mapping[str, Any], result: Any) -> None:
        """Take the titles and the set from the result of a call."""
        if isinstance(result, dict):
            title = name_in(result)
            for key, value in result.items():
                if title and ID_KEYS.search(key) and isinstance(value, int | str):
                    named = _kind(key), str(value)
                    self._titles[named] = title if self._titles.get(named, title) == title else str(value)
                elif SET_KEYS.search(key) and isinstance(value, str) and (subjects := self.of(arguments)):
                    self._sets[value] = subjects
        for each in result.values() if isinstance(result, dict) else result if isinstance(result, list) else ():
            self.learn({}, each)

    def of(self, arguments: Mapping[str, Any]) -> list[str]:
        """The arguments of a call, one by one."""
        parts: list[str] = []
        for key, value in arguments.items():
            if SET_KEYS.search(key) and str(value) in self._sets:
                parts += self._sets[str(value)]
            elif text := self._words.value(key, self._told(key, value)):
                parts.append(f"{self._words.label_inside(key)} {text}")
        return parts

    def _told(self, key: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self._told(key, each) for each in value]
        named = self._titles.get((_kind(key), str(value)), value) if ID_KEYS.search(key) else value
        return ", ".join(self._sets.get(str(value), [])) or named


def _kind(key: str) -> str:
    """The kind of thing that a key has IDs of: "item" for item_id, items and exclude_items."""
    return key.lower().removesuffix("s").removesuffix("_id").removesuffix("_sku").split("_")[-1]
