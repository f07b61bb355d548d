"""What can be typed next: values for the arguments of prompts and for the variables of resources' addresses.

Each source is a small class that says where its values come from; ``prompts`` and ``resources`` say which argument has
which source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends

MOST_VALUES = 100
"""The protocol's limit."""

LONGEST_TYPED = 255
"""Characters. Nothing goes on from more, and databases refuse patterns that are much longer."""


@dataclass(frozen=True)
class Values:
    """Args:
    values: The best ones, best first; at most MOST_VALUES.
    total: How many there are.
    """

    values: list[str]
    total: int


NOTHING = Values([], 0)


class Source(Protocol):
    """Where the values of an argument come from."""

    async def find(self, backends: Backends, typed: str) -> Values:
        """Values that go on from what has been typed; the most common ones where that is nothing."""


@dataclass(frozen=True)
class Names:
    """Names of an item field, those that most items have first."""

    field: str

    async def find(self, backends: Backends, typed: str) -> Values:
        names = await (await backends.catalog()).name_index.beginning_with(self.field, typed)
        return Values(names[:MOST_VALUES], len(names))


@dataclass(frozen=True)
class Users:
    """IDs of users."""

    async def find(self, backends: Backends, typed: str) -> Values:
        return Values(*await (await backends.catalog()).directory.user_ids(typed, MOST_VALUES))


@dataclass(frozen=True)
class Items:
    """IDs of items: of those whose ID begins with what has been typed, or whose title has it."""

    async def find(self, backends: Backends, typed: str) -> Values:
        return Values(*await (await backends.catalog()).directory.item_ids(typed, MOST_VALUES))


@dataclass(frozen=True)
class Titles:
    """Titles of items, those with most interactions first."""

    async def find(self, backends: Backends, typed: str) -> Values:
        return Values(*await (await backends.catalog()).directory.titles(typed, MOST_VALUES))


@dataclass(frozen=True)
class OneOf:
    """A few fixed values."""

    choices: tuple[str, ...]

    async def find(self, backends: Backends, typed: str) -> Values:
        found = [choice for choice in self.choices if choice.casefold().startswith(typed.strip().casefold())]
        return Values(found[:MOST_VALUES], len(found))
