"""The reach of items: how many users like at least one of them, and how many would like one of as many random items."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mcp_server.catalog.arrays import USER_LIKES, Array, Arrays
from mcp_server.catalog.layout import Layout
from mcp_server.catalog.segments import Groups
from mcp_server.catalog.statistics import Statistics
from mcp_server.dataset.windows import Window
from mcp_server.types import BoolArray, IntArray

CHANCES = 100_000
"""Chances that are kept, 10 MB. One question needs that of each number of likes that some user has."""


@dataclass(frozen=True)
class Reach:
    """The reach of some items among some users, in some time."""

    n_users: int
    """Number of these users."""
    n_active: int
    """Users who have done anything in a window; 0 for all time."""
    n_likers: int
    """Users who like at least one of the items."""
    expected: float
    """Share of the users, from 0 to 1, who would like at least one of as many random items."""


class Reaches:
    """Measures the reach of items."""

    def __init__(self, arrays: Arrays, statistics: Statistics, layout: Layout) -> None:
        self._arrays, self._statistics = arrays, statistics
        self._n_items, self._n_users = layout.n_items, layout.n_users

    async def of(self, items: IntArray, groups: Groups, window: Window | None = None) -> Reach:
        """The reach of items.

        Args:
            items: Positions, each once: (n,).
            groups: Values by the fields of user groups, {} for all users.
            window: Only for a dataset with times. Likes whose latest interaction is in it count; None for all.

        Raises:
            BackendError: The database cannot be read.
        """
        n_likes: Array
        if window is None:
            like, n_likes, active = await self._statistics.likers(items), await self._arrays.whole(USER_LIKES), None
        else:
            like, n_likes, active = await self._within(items, window)
        members = np.ones(self._n_users, dtype=bool) if not groups else await self._statistics.segments.members(groups)
        n_users = int(np.count_nonzero(members))
        n_active = 0 if active is None else int(np.count_nonzero(active & members))
        chance = expected_share(n_likes[members], len(items), self._n_items)
        return Reach(n_users, n_active, int(np.count_nonzero(like & members)), chance)

    async def _within(self, items: IntArray, window: Window) -> tuple[BoolArray, IntArray, BoolArray]:
        """Three arrays of (n_users,) for a window: True where a user likes some of the items, the number of all that
        the user likes, and True where there is anything.
        """
        wanted = np.zeros(self._n_items, dtype=bool)
        wanted[items] = True
        like, active = np.zeros(self._n_users, dtype=bool), np.zeros(self._n_users, dtype=bool)
        n_likes = np.zeros(self._n_users, dtype=np.int64)
        async for pairs in self._statistics.timeline.pieces(window):
            active[pairs.user] = True
            user, item = pairs.user[pairs.liked], pairs.item[pairs.liked]
            n_likes += np.bincount(user, minlength=self._n_users)
            like[user[wanted[item]]] = True
        return like, n_likes, active


def expected_share(n_likes: Array, n: int, n_items: int) -> float:
    """The share of users, from 0 to 1, who like at least one of n random items: the mean over the users of
    1 - C(N - L, n) / C(N, n), where a user likes L of the N items.

    Args:
        n_likes: Items that each user likes: (n_users,).
        n: At most n_items.
    """
    if not len(n_likes):
        return 0.0
    users_by_likes = np.bincount(n_likes)
    liked = np.flatnonzero(users_by_likes)
    shares = np.array([_chance_of_one(int(each), n, n_items) for each in liked])
    return float(shares @ users_by_likes[liked] / len(n_likes))


@lru_cache(CHANCES)
def _chance_of_one(n_liked: int, n: int, n_items: int) -> float:
    """The chance that at least one of n random items is among those liked."""
    others = n_items - n_liked
    if n > others:
        return 1.0
    log_none = math.lgamma(others + 1) - math.lgamma(others - n + 1) - math.lgamma(n_items + 1)
    return -math.expm1(log_none + math.lgamma(n_items - n + 1))
