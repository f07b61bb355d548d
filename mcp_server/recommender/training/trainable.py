"""The interactions that a model is trained on."""

from dataclasses import replace

from mcp_server.dataset.records import Interactions
from mcp_server.dataset.spec import Feedback


def trainable(interactions: Interactions, feedback: Feedback) -> Interactions:
    """The interactions that speak for an item, by their being there: all ratings and likes, but only those counts and
    sums of weights that are above 0.
    """
    value, n_events, timestamp = interactions.value, interactions.n_events, interactions.timestamp
    if feedback in ("ratings", "likes") or value is None:
        return interactions
    kept = value > 0
    return replace(
        interactions,
        user=interactions.user[kept],
        item=interactions.item[kept],
        value=value[kept],
        n_events=None if n_events is None else n_events[kept],
        timestamp=None if timestamp is None else timestamp[kept],
        liked=interactions.liked[kept],
    )
