"""Which items count as popular."""

from dataclasses import dataclass

import numpy as np

from mcp_server.catalog.twins import Twins
from mcp_server.dataset.records import IntArray

QUANTILE = 0.75
"""An item is popular if it has more interactions than this share of the candidates."""


@dataclass(frozen=True)
class Popular:
    """The popular items among some candidates."""

    items: list[int]
    """Most interactions first; each item named once."""
    counts: list[int]
    threshold: float
    """The quantile: popular items have more interactions."""
    above_threshold: bool
    """False where no candidate has more than the quantile, and the items are simply those with most."""


def most_popular(counts: IntArray, candidates: IntArray, twins: Twins, k: int) -> Popular:
    """The candidates with more interactions than the 0.75 quantile over all candidates, at most k.

    Where none has more (few candidates, many ties), those with most. Items without any are never popular.

    Args:
        counts: (n_items,): interactions of each item.
        candidates: Positions, each once.
    """
    numbers = counts[candidates]
    threshold = float(np.quantile(numbers, QUANTILE)) if len(numbers) else 0.0
    chosen = candidates[numbers > threshold]
    above = len(chosen) > 0
    if not above:
        chosen = candidates[numbers > 0]
    items = twins.once(chosen[np.lexsort((chosen, -counts[chosen]))])[:k]
    return Popular(items.tolist(), counts[items].tolist(), threshold, above)
