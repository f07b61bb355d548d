"""Interactions of the same user and item, combined to one."""

from dataclasses import dataclass

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
    repeated = _rows_of_repeated_pairs(pair)
    is_single = np.ones(len(pair), dtype=bool)
    is_single[repeated] = False
    single = np.flatnonzero(is_single)
    time_of_repeated = None if time is None else time[repeated]
    groups = _groups(pair[repeated], value[repeated], time_of_repeated, sums=spec.kind in ("counts", "events"))
    place = np.concatenate([single, repeated[groups.place]])
    order = np.argsort(place)
    chosen = np.concatenate([single, repeated[groups.chosen]])[order]
    combined = np.concatenate([value[single], groups.value])[order]
    n_events = np.concatenate([(value[single] > 0).astype(np.int64), groups.n_events])[order]
    interactions = Interactions(
        user=user[chosen].astype(np.int64),
        item=item[chosen].astype(np.int64),
        value=None if spec.kind == "likes" else combined,
        n_events=n_events if spec.kind == "events" else None,
        timestamp=None if time is None else time[chosen],
        liked=_liked(combined, spec),
    )
    return interactions, len(pair) - len(chosen)


def _rows_of_repeated_pairs(pair: IntArray) -> IntArray:
    """The rows whose pair occurs more than once, which rise. Most datasets have few, so that the rest is quick."""
    order = np.argsort(pair)
    ordered = pair[order]
    is_same = ordered[1:] == ordered[:-1]
    is_repeated = np.append(is_same, False)[: len(pair)]
    is_repeated[1:] |= is_same
    return np.sort(order[is_repeated])


@dataclass(frozen=True)
class _Groups:
    """Groups of rows with the same pair. All arrays: (n_groups,)."""

    chosen: IntArray
    """The latest row, and of equal times the last one."""
    place: IntArray
    """The last row."""
    value: DoubleArray
    n_events: IntArray


def _groups(pair: IntArray, value: DoubleArray, time: IntArray | None, *, sums: bool) -> _Groups:
    order = np.argsort(pair, kind="stable") if time is None else np.lexsort((time, pair))
    ordered = pair[order]
    is_first = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
    starts = np.flatnonzero(is_first)
    chosen = order[np.append(starts[1:], len(order))[: len(starts)] - 1]
    if not len(starts):
        return _Groups(chosen, chosen, value, chosen)
    n_events = np.add.reduceat((value[order] > 0).astype(np.int64), starts)
    combined = np.add.reduceat(value[order], starts) if sums else value[chosen]
    return _Groups(chosen, np.maximum.reduceat(order, starts), combined, n_events)


def _liked(value: DoubleArray, spec: InteractionSpec) -> BoolArray:
    if spec.kind == "likes":
        return np.ones(len(value), dtype=bool)
    liked: BoolArray = value > 0 if spec.like_threshold is None else value >= spec.like_threshold
    return liked
