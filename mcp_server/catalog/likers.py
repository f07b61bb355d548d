"""The users who like items, and the number of items that each user likes."""

import numpy as np

from mcp_server.catalog.arrays import LIKER_ENDS, LIKERS, USER_LIKES, Arrays
from mcp_server.catalog.twins import Twins
from mcp_server.types import DoubleArray, IntArray


class Likers:
    """Queries over the lists of users who like each item. All raise BackendError where the database cannot be read."""

    def __init__(self, arrays: Arrays, twins: Twins, n_users: int) -> None:
        self._arrays, self._twins, self._n_users = arrays, twins, n_users
        self._n_likes: IntArray | None = None

    async def of(self, items: IntArray) -> IntArray:
        """The users who like some items, one item after the other."""
        ends = await self._arrays.whole(LIKER_ENDS)
        (users,) = await self._arrays.ranges([LIKERS], ends[items], ends[items + 1])
        return users

    async def numbers(self, items: IntArray) -> IntArray:
        """The number of users who like each of some items: (n,)."""
        ends = await self._arrays.whole(LIKER_ENDS)
        numbers: IntArray = ends[items + 1] - ends[items]
        return numbers

    async def sums(self, items: IntArray, weights: DoubleArray) -> DoubleArray:
        """For each user the sum of the weights of those items that the user likes: (n_users,).

        Args:
            items: Positions, each once: (n,).
            weights: (n,).
        """
        each = np.repeat(weights, await self.numbers(items))
        return np.bincount(await self.of(items), each, self._n_users).astype(np.float64)

    async def n_common(self, items: IntArray) -> IntArray:
        """The number of some items that each user likes, of those that are the same only one: (n_users,)."""
        every = np.unique(self._twins.with_twins(items))
        likes = np.bincount(await self.of(every), minlength=self._n_users)
        return likes - await self._n_repeated(self._twins.twinned(every))

    async def n_likes(self) -> IntArray:
        """The number of items that each user likes, of those that are the same only one: (n_users,)."""
        if self._n_likes is None:
            twinned = self._twins.twinned(np.arange(self._twins.n_items))
            self._n_likes = await self._arrays.whole(USER_LIKES) - await self._n_repeated(twinned)
        return self._n_likes

    async def _n_repeated(self, twinned: IntArray) -> IntArray:
        """For each user the number of likes of items that are the same as another one that they like: (n_users,)."""
        users = await self.of(twinned)
        pairs = np.repeat(self._twins.canonical(twinned), await self.numbers(twinned)) * self._n_users + users
        once = np.unique(pairs) % self._n_users
        return np.bincount(users, minlength=self._n_users) - np.bincount(once, minlength=self._n_users)
