"""Statistics of interactions: users who like some items, and amounts of what has been done with each item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, select

from mcp_server.catalog.arrays import LIKER_ENDS, LIKERS, SEGMENT_ITEMS, Arrays, segment_amounts
from mcp_server.catalog.schema import CatalogTables
from mcp_server.dataset.spec import Feedback
from mcp_server.sql.cache import BoundedCache
from mcp_server.sql.database import Database
from mcp_server.types import DoubleArray, IntArray

REMEMBERED_AMOUNTS = 8_000_000
"""Amounts that are kept in memory for all groups together, 8 bytes each."""


@dataclass(frozen=True, eq=False)
class Counts:
    """Amounts of interactions by some of the users. See ``Amounts``."""

    per_item: DoubleArray
    """(n_items,): number of interactions."""
    popularity: DoubleArray
    """(n_items,): what items are ordered by."""
    n_users: int
    """Number of these users."""


class Statistics:
    """Counts over the arrays of interactions.

    Args:
        by_all: Amounts by all users.
        feedback: Kind of the interactions.
    """

    def __init__(
        self,
        database: Database,
        tables: CatalogTables,
        arrays: Arrays,
        by_all: Counts,
        feedback: Feedback,
    ) -> None:
        self._database, self._segments, self._arrays, self._by_all = database, tables.segments, arrays, by_all
        self._amounts = segment_amounts(feedback)
        self._counts: BoundedCache[frozenset[tuple[str, str | bool]], Counts] = BoundedCache(
            REMEMBERED_AMOUNTS, lambda _, counts: len(counts.per_item) * len(self._amounts)
        )

    async def n_likers(self, idx: IntArray) -> int:
        """Number of users who like at least one of the items.

        Raises:
            BackendError: The database cannot be read.
        """
        ends = await self._arrays.whole(LIKER_ENDS)
        (likers,) = await self._arrays.ranges([LIKERS], ends[idx], ends[idx + 1])
        like = np.zeros(self._by_all.n_users, dtype=bool)
        like[likers] = True
        return int(np.count_nonzero(like))

    async def popularity(self, groups: Mapping[str, Sequence[str | bool]]) -> Counts:
        """Amounts of each item, by the users of some groups.

        Args:
            groups: Values by the fields of user groups; a user must have one of the values in every field.

        Raises:
            BackendError: The database cannot be read.
        """
        if not groups:
            return self._by_all
        key = frozenset((field, value) for field, values in groups.items() for value in values)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = await self._count(groups)
        return counts

    async def _count(self, groups: Mapping[str, Sequence[str | bool]]) -> Counts:
        segments = self._segments.c
        statement = select(segments["_begin"], segments["_end"], segments["_n_users"]).where(
            *(segments[field].in_(list(values)) for field, values in groups.items())
        )

        def query(connection: Connection) -> list[tuple[int, int, int]]:
            return [(begin, end, n_users) for begin, end, n_users in connection.execute(statement)]

        found = np.array(await self._database.scan(query), dtype=np.int64).reshape(-1, 3)
        begins, ends, n_users = found.T
        items, *amounts = await self._arrays.ranges([SEGMENT_ITEMS, *self._amounts], begins, ends)
        n_items = len(self._by_all.per_item)
        sums: list[DoubleArray] = [np.bincount(items, each, n_items).astype(np.float64) for each in amounts]
        return Counts(sums[0], sums[-1], int(n_users.sum()))
