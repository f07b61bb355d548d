"""Interactions of the same user and item, combined to one."""

import numpy as np

from mcp_server.dataset.records import Interactions
from mcp_server.dataset.spec import InteractionSpec
from mcp_server.types import BoolArray, DoubleArray, IntArray


def combine(
    user: IntArray, item: IntArray, value: DoubleArray, time: IntArray | None, spec: InteractionSpec
) -> tuple[Interactions, int]:
    """Combine the interactions of each pair of user and item.

    The latest rating counts, and of equal times the last one; counts and weights of events are added up. All arrays:
    (n_interactions,), in the order of the sources.

    Args:
        user: Positions, any integers.
        value: Ratings, counts, or weights of events.
        time: Seconds since 1970, or NO_TIME.

    Returns:
        The pairs, in the order of their last interactions, and the number of interactions beyond the first of a pair.
    """
    pair = user.astype(np.int64) << 32 | item
    order = np.argsort(pair, kind="stable") if time is None else np.lexsort((time, pair))
    ordered = pair[order]
    is_last = np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]
    last = order[is_last]
    n_repeated = len(pair) - len(last)
    combined, n_events = value[last], (value > 0).astype(np.int64)[last]
    place = last
    if n_repeated:
        starts = np.append(0, np.flatnonzero(is_last)[:-1] + 1)
        place = np.maximum.reduceat(order, starts)
        if spec.kind in ("counts", "events"):
            combined = np.add.reduceat(value[order], starts)
            n_events = np.add.reduceat((value[order] > 0).astype(np.int64), starts)
    by_place = np.argsort(place, kind="stable")
    last, combined, n_events = last[by_place], combined[by_place], n_events[by_place]
    interactions = Interactions(
        user=user[last].astype(np.int64),
        item=item[last].astype(np.int64),
        value=None if spec.kind == "likes" else combined,
        n_events=n_events if spec.kind == "events" else None,
        timestamp=None if time is None else time[last],
        liked=_liked(combined, spec),
    )
    return interactions, n_repeated


def _liked(value: DoubleArray, spec: InteractionSpec) -> BoolArray:
    if spec.kind == "likes":
        return np.ones(len(value), dtype=bool)
    liked: BoolArray = value > 0 if spec.like_threshold is None else value >= spec.like_threshold
    return liked
