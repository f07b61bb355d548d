"""Completions: values that can be typed next, for arguments of prompts and variables of resources' addresses.

Each source of values is a small class; ``prompts`` and ``resources`` say which argument has which source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends

MOST_VALUES = 100
"""The protocol's limit."""

LONGEST_TYPED = 255
"""Characters. Nothing continues a longer text, and databases refuse patterns that are much longer."""


@dataclass(frozen=True)
class Values:
    """The best values, at most MOST_VALUES, and the number of all."""

    values: list[str]
    total: int


NOTHING = Values([], 0)


class Source(Protocol):
    """Source of an argument's values."""

    async def find(self, backends: Backends, typed: str) -> Values:
        """Values that continue the typed text; the most common ones where nothing has been typed."""


@dataclass(frozen=True)
class Names:
    """Names of an item field, the most frequent first."""

    field: str

    async def find(self, backends: Backends, typed: str) -> Values:
        names = await (await backends.catalog()).name_index.beginning_with(self.field, typed)
        return Values(names[:MOST_VALUES], len(names))


@dataclass(frozen=True)
class Users:
    async def find(self, backends: Backends, typed: str) -> Values:
        return Values(*await (await backends.catalog()).directory.user_ids(typed, MOST_VALUES))


@dataclass(frozen=True)
class Items:
    """IDs of items, by the beginning of the ID or any part of the title."""

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
