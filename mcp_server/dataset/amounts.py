"""Amounts of what users have done with each item: how often, and how popular that makes it."""

from dataclasses import dataclass

import numpy as np

from mcp_server.dataset.records import Interactions
from mcp_server.dataset.spec import Feedback
from mcp_server.types import DoubleArray


@dataclass(frozen=True)
class Amounts:
    """The amounts of all items, by position."""

    n_interactions: DoubleArray
    """(n_items,): ratings or likes, the sum of counts, or events with a weight above 0."""
    popularity: DoubleArray
    """(n_items,): what items are ordered by. For events the sum of the users' weights, of which none counts as less
    than 0; otherwise the same as ``n_interactions``.
    """


def amounts_of(interactions: Interactions, feedback: Feedback, n_items: int) -> Amounts:
    """The amounts of all items."""
    sums = [
        np.bincount(interactions.item, amounts, minlength=n_items).astype(np.float64)
        for amounts in pair_amounts(interactions, feedback)
    ]
    return Amounts(sums[0], sums[-1])


def pair_amounts(interactions: Interactions, feedback: Feedback) -> list[DoubleArray | None]:
    """The number of interactions of each pair and, where it is another, what a pair adds to an item's popularity:
    each (n_pairs,), or None for 1 each.
    """
    if feedback == "counts":
        return [interactions.value]
    if feedback == "events":
        assert interactions.n_events is not None
        assert interactions.value is not None
        return [interactions.n_events.astype(np.float64), interactions.value.clip(min=0)]
    return [None]
