"""The standing of items among all that could be recommended. Scores mean nothing by themselves to people; ranks do."""

import numpy as np

from mcp_server.catalog.twins import Twins
from mcp_server.types import BoolArray, DoubleArray, FloatArray, IntArray


class Standing:
    """Compares items with all others that could be recommended. Items that are the same count as one, with the best of
    their scores.

    Args:
        scores: (n_items,), the higher the better.
        recommendable: (n_items,), True for the items that could be recommended. Only these can be asked for.
    """

    def __init__(self, scores: FloatArray | DoubleArray, recommendable: BoolArray, twins: Twins) -> None:
        self._scores = scores
        items = np.flatnonzero(recommendable)
        self._repeated, self._better = twins.repeated(items, scores)
        self._distinct = items if not len(self._repeated) else np.setdiff1d(items, self._repeated, assume_unique=True)
        self._values = scores[self._distinct]

    @property
    def n_others(self) -> int:
        """Number of items that each is compared with."""
        return max(len(self._values) - 1, 0)

    def ranks(self, items: IntArray) -> list[int]:
        """Ranks of a few items: one more than the number of others that score higher. Equal scores share a rank."""
        above = self._above(items)
        twin_is_above = np.isin(items, self._repeated[self._scores[self._better] > self._scores[self._repeated]])
        n_higher = [np.count_nonzero(above > score) for score in self._scores[items]]
        return [1 + int(n) - int(is_above) for n, is_above in zip(n_higher, twin_is_above, strict=True)]

    def n_lower(self, items: IntArray) -> IntArray:
        """Numbers of others that score lower than each of a few items: (n,)."""
        above = self._above(items)
        n_below = len(self._values) - len(above)
        return np.array([n_below + np.count_nonzero(above < score) for score in self._scores[items]], dtype=np.int64)

    def n_lower_of_all(self) -> IntArray:
        """Numbers of others that score lower than each item: (n_items,); -1 for what cannot be recommended."""
        order = np.argsort(self._values)
        in_order = self._values[order]
        starts = np.flatnonzero(np.append(True, in_order[1:] != in_order[:-1]))  # of each run of equal scores
        lengths = np.diff(np.append(starts, len(in_order)))
        found = np.full(len(self._scores), -1, dtype=np.int64)
        found[self._distinct[order]] = np.repeat(starts, lengths)
        found[self._repeated] = np.searchsorted(in_order, self._scores[self._repeated])
        return found

    def _above(self, items: IntArray) -> FloatArray | DoubleArray:
        """All scores but those that are lower than each item's: few, where the items are the best."""
        least = self._scores[items].min(initial=np.inf)
        above: FloatArray | DoubleArray = self._values[self._values >= least]
        return above


def percentile(n_lower: int, n_others: int) -> float:
    """The share of others that score lower, from 0 to 100: the ``fit`` of an item.

    It is rounded down to one decimal, so that only what is better than all others has 100. What has no others, too.
    """
    return 1000 * n_lower // n_others / 10 if n_others else 100.0
