"""Interactions of the same user and item, combined to one."""

import numpy as np
import numpy.typing as npt

from mcp_server.dataset.records import Interactions
from mcp_server.dataset.spec import InteractionSpec
from mcp_server.types import BoolArray, DoubleArray, IntArray, ShortIntArray


def combine(
    user: ShortIntArray, item: ShortIntArray, value: DoubleArray, time: IntArray | None, spec: InteractionSpec
) -> tuple[Interactions, int]:
    """Combine the interactions of each pair of user and item.

    The latest rating counts, and of equal times the last one; counts and weights of events are added up. All arrays:
    (n_interactions,), in the order of the sources.

    Args:
        user: Positions.
        value: Ratings, counts, or weights of events.
        time: Seconds since 1970, or NO_TIME.

    Returns:
        The pairs, in the order of their last interactions, and the number of interactions beyond the first of a pair.
    """
    pair = user.astype(np.int64) << 32 | item
    repeated = np.flatnonzero(_is_repeated(pair))
    n_events = (value > 0).astype(np.int64)
    n_repeated = 0
    if len(repeated):
        times = np.zeros(len(repeated), dtype=np.int64) if time is None else time[repeated]
        order = repeated[np.lexsort((times, pair[repeated]))]
        is_last = np.append(pair[order[1:]] != pair[order[:-1]], True)
        starts = np.append(0, np.flatnonzero(is_last)[:-1] + 1)
        latest, place = order[is_last], np.maximum.reduceat(order, starts)
        n_repeated = len(order) - len(place)
        combined = value.copy()
        combined[place] = np.add.reduceat(value[order], starts) if spec.kind in _ADDED_UP else value[latest]
        value = combined
        n_events[place] = np.add.reduceat(n_events[order], starts)
        if time is not None:
            time = time.copy()
            time[place] = time[latest]
        kept = np.ones(len(pair), dtype=bool)
        kept[order] = False
        kept[place] = True
        user, item, value, n_events = user[kept], item[kept], value[kept], n_events[kept]
        time = None if time is None else time[kept]
    interactions = Interactions(
        user=user.astype(np.int64),
        item=item.astype(np.int64),
        value=None if spec.kind == "likes" else value,
        n_events=n_events if spec.kind == "events" else None,
        timestamp=time,
        liked=_liked(value, spec),
    )
    return interactions, n_repeated


_ADDED_UP = ("counts", "events")

KEPT_BITS = 22
"""Bits of a hash by which most pairs that occur once are told from the others."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""Two to the power of 64, divided by the golden ratio."""


def _is_repeated(pair: IntArray) -> BoolArray:
    """True for each pair that occurs several times. Most of those that occur once have a hash of their own; so short
    numbers are sorted, which is quick, and only the pairs with common hashes are compared.
    """
    hashed = _hash(pair)
    ordered = np.sort(hashed)
    common = ordered[1:][ordered[1:] == ordered[:-1]]
    found = np.zeros(len(pair), dtype=bool)
    if len(common):
        suspected = np.zeros(2**KEPT_BITS, dtype=bool)
        suspected[common >> (32 - KEPT_BITS)] = True
        candidates = np.flatnonzero(suspected[hashed >> (32 - KEPT_BITS)])
        _, place, times = np.unique(pair[candidates], return_inverse=True, return_counts=True)
        found[candidates] = times[place] > 1
    return found


def _hash(pair: IntArray) -> npt.NDArray[np.uint32]:
    """32 bits for each pair: multiplicative hashing (Knuth 1973, section 6.4)."""
    return ((pair.view(np.uint64) * GOLDEN) >> np.uint64(32)).astype(np.uint32)


def _liked(value: DoubleArray, spec: InteractionSpec) -> BoolArray:
    if spec.kind == "likes":
        return np.ones(len(value), dtype=bool)
    liked: BoolArray = value > 0 if spec.like_threshold is None else value >= spec.like_threshold
    return liked
