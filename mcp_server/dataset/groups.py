"""Groups of users: their names, as they are published and as callers write them.

A group is a value of a user field. Its qualified name, "gender:male", is always understood. Where no other group has a
name like it, the plain one, "male", is published. Names of booleans are "yes" and "no", which say nothing without the
field.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mcp_server.errors import InvalidInputError, quoted

BOOLEANS = {"yes": True, "no": False}
"""Names of the two groups of a boolean, and the values that they stand for."""


@dataclass(frozen=True)
class UserGroup:
    """One group."""

    field: str
    name: str
    value: str | bool
    """Value of the field for members of the group."""
    published: str
    """Name for callers: plain, or qualified."""

    @property
    def qualified(self) -> str:
        return f"{self.field}:{self.name}"


class UserGroups:
    """The groups of a dataset.

    Args:
        names: Names of the groups, by field.
        booleans: Those of the fields that are booleans.
    """

    def __init__(self, names: Mapping[str, Sequence[str]], booleans: Collection[str] = ()) -> None:
        n_alike = Counter(alike for values in names.values() for alike in set(map(_fold, values)))
        qualified = {f"{field}:{name}" for field, values in names.items() for name in values}
        self.all: list[UserGroup] = []
        for field, values in names.items():
            for name in values:
                is_plain = field not in booleans and n_alike[_fold(name)] == 1 and name not in qualified
                value = BOOLEANS[name] if field in booleans else name
                self.all.append(UserGroup(field, name, value, name if is_plain else f"{field}:{name}"))
        self._by_folded_qualified = _by(lambda group: _fold(group.qualified), self.all)
        self._by_folded_name = _by(lambda group: _fold(group.name), self.all)

    def find(self, asked: str) -> UserGroup:
        """The group that a caller means: the exact name counts first, then one that differs in case and spaces.

        Raises:
            InvalidInputError: There is no such group, or there are several.
        """
        alike = _fold(asked)
        found = (
            [group for group in self.all if group.qualified == asked]
            or [group for group in self.all if group.name == asked]
            or self._by_folded_qualified.get(alike)
            or self._by_folded_name.get(alike, [])
        )
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(group.qualified for group in found)
            raise InvalidInputError(f"user_group: {quoted(asked)} can be any of several groups. Say which: {several}")
        there_are = ", ".join(group.published for group in self.all) or "none"
        raise InvalidInputError(f"user_group: there is no group {quoted(asked)}. There are: {there_are}")


def by_field(groups: Iterable[UserGroup]) -> dict[str, list[UserGroup]]:
    """Groups, each once, by their field."""
    return _by(lambda group: group.field, dict.fromkeys(groups))


def _by(key: Callable[[UserGroup], str], groups: Iterable[UserGroup]) -> dict[str, list[UserGroup]]:
    found: dict[str, list[UserGroup]] = {}
    for group in groups:
        found.setdefault(key(group), []).append(group)
    return found


def _fold(name: str) -> str:
    """A name without case and spaces at its ends, and with one kind of space inside."""
    field, colon, value = name.casefold().partition(":")
    return colon.join("_".join(part.replace("_", " ").replace("-", " ").split()) for part in (field, value))
