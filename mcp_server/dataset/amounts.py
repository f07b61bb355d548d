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

    def add_up(amounts: DoubleArray | None) -> DoubleArray:
        return np.bincount(interactions.item, amounts, minlength=n_items).astype(np.float64)

    if feedback == "counts":
        counts = add_up(interactions.value)
        return Amounts(counts, counts)
    if feedback == "events":
        assert interactions.n_events is not None
        assert interactions.value is not None
        return Amounts(add_up(interactions.n_events.astype(np.float64)), add_up(interactions.value.clip(min=0)))
    pairs = add_up(None)
    return Amounts(pairs, pairs)
