"""The keys of IDs and names in the results of any server: where their words do not tell, the rows do."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from recsys_grounding.words import pattern, word
from recsys_shared.names import ID_KEYS, NAME_KEYS, name_in


class Keys:
    """The keys in all results of a conversation.

    In a list of rows, the first key with another code in each row has their IDs, and if none is called a name, the
    first key with other words in each has their names.
    """

    def __init__(self, results: Iterable[Any]) -> None:
        self._ids: set[str] = set()
        self._names: set[str] = set()
        for rows in chain.from_iterable(map(_lists_of_rows, results)):
            if any(map(ID_KEYS.search, rows[0])):
                continue
            columns = {key: [row.get(key) for row in rows] for key in rows[0] if not NAME_KEYS.search(key)}
            texts = {
                key: values
                for key, values in columns.items()
                if all(isinstance(each, str) for each in values) and len(set(values)) == len(values)
            }
            codes = [
                key for key, values in texts.items() if all(pattern.identifier.fullmatch(str(each)) for each in values)
            ][:1]
            self._ids.update(codes)
            if codes and name_in(rows[0]) is None:
                self._names.update([key for key in texts if key not in codes][:1])

    def has_ids(self, key: str) -> bool:
        return key in self._ids or ID_KEYS.search(key) is not None

    def has_names(self, key: str) -> bool:
        return key in self._names or NAME_KEYS.search(key) is not None

    def name_in(self, row: Mapping[str, Any]) -> str | None:
        """The name of what a row is about; None where there is none."""
        named = (row[key] for key in row if key in self._names and isinstance(row[key], str))
        return name_in(row) or next(named, None)

    def id_in(self, row: Mapping[str, Any], has_name: bool) -> str | None:
        """The ID of what a row is about, but not that of a user without a name; None where there is none."""
        able = [key for key in row if self.has_ids(key) and (has_name or not word.users.match(key.replace("_", " ")))]
        first = next(iter(row.values()), None)
        coded = first if isinstance(first, str) and pattern.code_like.fullmatch(first) else None
        return next((str(row[key]) for key in able if isinstance(row[key], int | str)), coded)


def _lists_of_rows(value: Any) -> Iterator[list[dict[str, Any]]]:
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if len(parts) > 1 and isinstance(value, list) and all(isinstance(each, dict) for each in parts):
        yield parts
    for each in parts:
        yield from _lists_of_rows(each)
