"""Popular items among candidates."""

from dataclasses import dataclass

import numpy as np

from mcp_server.catalog.best import bound_of_best
from mcp_server.catalog.twins import Twins
from mcp_server.types import DoubleArray, IntArray

QUANTILE = 0.75
"""Share of the candidates that a popular item exceeds in popularity."""


@dataclass(frozen=True)
class Popular:
    """Popular items."""

    items: IntArray
    """Positions, the most popular first, each item once."""
    threshold: float
    """The quantile of popularity that popular items exceed."""
    above_threshold: bool
    """False where no candidate exceeds the quantile, and the items are simply the most popular ones."""


def most_popular(popularity: DoubleArray, candidates: IntArray, twins: Twins, k: int) -> Popular:
    """The candidates, at most k, that are more popular than the 0.75 quantile over all candidates.

    Where none is (few candidates, many ties), the most popular ones. Items that nobody has used are never popular.

    Args:
        popularity: Popularity of each item: (n_items,).
        candidates: Positions, each once.
    """
    numbers = popularity[candidates]
    threshold = quantile(numbers, QUANTILE) if len(numbers) else 0.0
    chosen = candidates[numbers > threshold]
    above = len(chosen) > 0
    if not above:
        chosen = candidates[numbers > 0]
    items = twins.once(_first(popularity, chosen, k + twins.n_extra))[:k]
    return Popular(items, threshold, above)


def _first(popularity: DoubleArray, items: IntArray, n: int) -> IntArray:
    """The n most popular items, the most popular first. Of many, only those that may be among them are sorted."""
    if n < len(items):
        numbers = popularity[items]
        items = items[numbers >= bound_of_best(numbers, n)]
    return items[np.lexsort((items, -popularity[items]))][:n]


def quantile(numbers: DoubleArray, share: float) -> float:
    """A quantile with linear interpolation. ``numpy.quantile`` takes 20 times as long on short arrays."""
    place = share * (len(numbers) - 1)
    low = int(place)
    high = min(low + 1, len(numbers) - 1)
    ordered = np.partition(numbers, [low, high])
    return float(ordered[low] + (place - low) * (ordered[high] - ordered[low]))
