"""Items by who likes them: how many users like two of them."""

import asyncio

import numpy as np

from mcp_server.catalog.arrays import LIKER_ENDS, LIKERS, Arrays
from mcp_server.types import DoubleArray, IntArray


class CoLikes:
    """Compares the users who like one item with those of all others.

    Args:
        arrays: Arrays over all items.
    """

    def __init__(self, arrays: Arrays, n_users: int) -> None:
        self._arrays, self._n_users = arrays, n_users

    async def with_item(self, item: int) -> DoubleArray | None:
        """Cosines of all items' likers with those of one: (n_items,); None where nobody likes it.

        The cosine is the number of users who like both, divided by the root of the product of the numbers who like
        each. All likes are read, 4 bytes each, and kept.

        Raises:
            BackendError: The database cannot be read.
        """
        likers, ends = await self._arrays.whole(LIKERS), await self._arrays.whole(LIKER_ENDS)
        if ends[item] == ends[item + 1]:
            return None
        return await asyncio.to_thread(_cosines, likers, ends, item, self._n_users)


def _cosines(likers: IntArray, ends: IntArray, item: int, n_users: int) -> DoubleArray:
    likes_item = np.zeros(n_users, dtype=bool)
    likes_item[likers[ends[item] : ends[item + 1]]] = True
    n_before = np.concatenate([[0], np.cumsum(likes_item[likers])])
    n_both, n_each = np.diff(n_before[ends]), np.diff(ends)
    return n_both / np.sqrt(np.maximum(n_each, 1) * float(n_each[item]))
