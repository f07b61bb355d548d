"""Numbers of items and of groups of users, summed up from what users have done with items."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mcp_server.catalog.arrays import Array
from mcp_server.dataset.amounts import Measure, Measures
from mcp_server.types import DoubleArray, IntArray


@dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers of things that pairs of users and items are of, by position: items, or groups of users."""

    n_pairs: IntArray
    """(n,): pairs of a user and an item. Of one item these are the users who have interacted with it."""
    n_likes: IntArray
    """(n,): those of them in which the user likes the item."""
    amounts: DoubleArray
    """(n,): number of interactions. See ``Amounts``."""
    popularity: DoubleArray
    """(n,): what items are ordered by. See ``Amounts``."""
    rating_sums: DoubleArray | None
    """(n,): the sum of the ratings; None where the feedback is of another kind."""

    @property
    def mean_ratings(self) -> DoubleArray | None:
        """(n,): the mean rating, NaN where there is none; None where the feedback is of another kind."""
        return None if self.rating_sums is None else _ratio(self.rating_sums, self.n_pairs)

    @property
    def like_percentages(self) -> DoubleArray:
        """(n,): the share of pairs in which the user likes the item, from 0 to 100; NaN where there are none."""
        return _ratio(100 * self.n_likes, self.n_pairs)


def _ratio(sums: Array, numbers: IntArray) -> DoubleArray:
    ratio: DoubleArray = np.divide(sums, numbers, out=np.full(len(numbers), np.nan), where=numbers > 0)
    return ratio


@dataclass(frozen=True, eq=False)
class ItemNumbers(Numbers):
    """The numbers of all items, by some of the users, in some time: n is n_items."""

    n_users: int
    """Number of these users, also of those who have done nothing."""


@dataclass(frozen=True, eq=False)
class GroupNumbers(Numbers):
    """The numbers of groups of users, with some of the items, in some time: n is the number of groups."""

    values: list[str | bool | None]
    """The value of the field that makes the groups; None for the users of whom it is not known."""
    n_users: IntArray
    """(n,): users of each group, also those who have done nothing."""


class Sums:
    """Sums of the measures of pairs by a key, such as their item, added up piece by piece."""

    def __init__(self, measures: tuple[Measure, ...], n_keys: int) -> None:
        self._sums: dict[Measure, Array] = {measure: np.zeros(n_keys) for measure in measures}
        self._n_keys = n_keys

    def add(self, keys: Array, measures: Measures) -> None:
        """Add some pairs.

        Args:
            keys: (n_pairs,), from 0 to n_keys - 1.
        """
        for measure, values in measures.items():
            self._sums[measure] += np.bincount(keys, values, self._n_keys)

    def numbers(self) -> dict[str, Any]:
        """The fields of ``Numbers``, by their names."""
        return as_numbers(self._sums)


def as_numbers(sums: dict[Measure, Array]) -> dict[str, Any]:
    """The fields of ``Numbers``, by their names.

    Args:
        sums: The sums by measure, each (n,).
    """
    amounts = sums.get("amounts", sums["pairs"]).astype(np.float64)
    return {
        "n_pairs": sums["pairs"].astype(np.int64),
        "n_likes": sums["likes"].astype(np.int64),
        "amounts": amounts,
        "popularity": sums.get("popularity", amounts),
        "rating_sums": sums.get("ratings"),
    }
