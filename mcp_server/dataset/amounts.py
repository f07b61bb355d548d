"""Measures of interactions: what is summed up of the pairs of users and items, and what that makes of each item."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mcp_server.dataset.records import Interactions
from mcp_server.dataset.spec import Feedback
from mcp_server.types import DoubleArray

Measure = Literal["pairs", "likes", "ratings", "amounts", "popularity"]
"""A number of pairs that can be summed up. pairs: 1 for each. likes: 1 where the user likes the item. ratings: the
rating. amounts: the number of interactions. popularity: what the pair adds to the item's popularity."""

Measures = Mapping[Measure, npt.NDArray[Any] | None]
"""The measures of some pairs: each (n_pairs,), or None for 1 each."""


def measures_of(feedback: Feedback) -> tuple[Measure, ...]:
    """The measures that a kind of feedback has. Where amounts or popularity are missing, the measure before them says
    the same: they are equal.
    """
    of_kind: dict[Feedback, tuple[Measure, ...]] = {
        "ratings": ("ratings",),
        "counts": ("amounts",),
        "events": ("amounts", "popularity"),
        "likes": (),
    }
    return ("pairs", "likes", *of_kind[feedback])


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
    measures = pair_measures(interactions, feedback)

    def total(measure: Measure) -> DoubleArray:
        return np.bincount(interactions.item, measures[measure], minlength=n_items).astype(np.float64)

    amounts = total("amounts" if "amounts" in measures else "pairs")
    return Amounts(amounts, total("popularity") if "popularity" in measures else amounts)


def pair_measures(interactions: Interactions, feedback: Feedback) -> Measures:
    """The measures of pairs, those that the kind of feedback has."""
    values, n_events = interactions.value, interactions.n_events
    found: dict[Measure, npt.NDArray[Any] | None] = {"pairs": None, "likes": interactions.liked}
    if feedback == "ratings":
        found["ratings"] = values
    elif feedback == "counts":
        found["amounts"] = values
    elif feedback == "events":
        assert n_events is not None
        assert values is not None
        found["amounts"], found["popularity"] = n_events, values.clip(min=0)
    return found
