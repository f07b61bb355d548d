"""The calls of a conversation, each with what it returned."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

from recsys_grounding.numbers import forms_of


@dataclass
class Step:
    """A call of a tool: its arguments, and the items and numbers that it returned."""

    tool: str
    arguments: Mapping[str, Any]
    handle: str
    """The name under which a later call gets these items and more of their kind; empty if it has none."""
    ids: list[str] = field(default_factory=list)
    inside: set[str] = field(default_factory=set)
    """IDs of things inside of these, such as the reasons for them."""
    columns: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """All numbers that it returned, by their keys."""
    said: set[float] = field(default_factory=set)
    """Those in its texts."""

    @cached_property
    def values(self) -> list[float]:
        return forms_of(chain(self.said, *self.columns.values()))

    def chose_from(self, other: "Step") -> bool:
        """True if it was given the items of another call by their name."""
        return other.handle != "" and other.handle in str(self.arguments)
