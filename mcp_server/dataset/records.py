"""A dataset in memory: typed items and users, interactions as arrays, and the items that are the same.

Everything behind this module names items and users by their position (``idx``): 0 to n-1 in the order of their IDs.
The dataset's own IDs are for people and assistants.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mcp_server.dataset.spec import DatasetSpec
from mcp_server.types import BoolArray, DoubleArray, Id, IntArray

NO_TIME = np.iinfo(np.int64).min
"""Stands for the time of an interaction that has none."""

Value = str | float | int | bool | list[str] | None


class Records(Protocol):
    """Items or users, in the order of their positions."""

    ids: list[Id]
    """IDs, which rise."""

    def __len__(self) -> int: ...

    def rows(self, fields: Sequence[str]) -> Iterator[tuple[Value, ...]]:
        """The values of some fields, record by record. Unknown ones are None, or [] where there may be many."""


@dataclass(frozen=True)
class Interactions:
    """Interactions of users with items: each pair of user and item once, with its interactions combined.

    Pairs are in the order of the sources, by the last interaction of each. All arrays: (n_pairs,).
    """

    user: IntArray
    """User positions."""
    item: IntArray
    """Item positions."""
    value: DoubleArray | None
    """The latest rating, the sum of the counts, or the sum of the weights of the events; None for likes."""
    n_events: IntArray | None
    """For events, the number of those with a weight above 0; None for other feedback."""
    timestamp: IntArray | None
    """The latest time, in seconds since 1970; NO_TIME where it is not known. None where the dataset has no times."""
    liked: BoolArray
    """True where the user likes the item."""

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True)
class Dataset:
    """All records of a dataset."""

    spec: DatasetSpec
    items: Records
    canonical: IntArray
    """(n_items,): position of the first item that is the same as this one; its own where it has no twin."""
    available: BoolArray | None
    """(n_items,): False for items that are not to be recommended; None where all are available."""
    users: Records
    interactions: Interactions
    n_dropped: int
    """Interactions left out because they name an unknown item or user."""
    notes: list[str]
    """Sentences for the owner about what was left out or read in a way that may surprise."""
