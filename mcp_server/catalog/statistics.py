"""Statistics of interactions: users who like some items, and interactions of each item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import BindParameter, Connection, bindparam, func, select

from mcp_server.catalog.schema import CatalogTables
from mcp_server.sql.cache import BoundedCache
from mcp_server.sql.database import Database
from mcp_server.sql.key_lookup import BATCH, batches, run_by_size
from mcp_server.types import IntArray

ROWS_PER_ITEM = 10
"""Estimate of the rows that counting reads for an item. Decides whether a query counts as small or large."""

REMEMBERED = 256
"""Groups of users whose counts are kept in memory. A catalogue does not change while it is served."""


@dataclass(frozen=True)
class Counts:
    """Interactions by some of the users."""

    per_item: IntArray
    """(n_items,)"""
    n_users: int
    """Number of these users."""


class Statistics:
    """Counts over the table of interactions.

    Args:
        n_interactions: Interactions of each item, by all users: (n_items,).
        like_threshold: Least rating of an item that a user likes; None where every interaction is a like.
    """

    def __init__(
        self,
        database: Database,
        tables: CatalogTables,
        n_interactions: IntArray,
        n_users: int,
        like_threshold: float | None,
    ) -> None:
        self._database, self._tables = database, tables
        self._by_all = Counts(n_interactions, n_users)
        self._counts: BoundedCache[frozenset[tuple[str, str | bool]], Counts] = BoundedCache(REMEMBERED)
        interactions = tables.interactions.c
        asked: BindParameter[Any] = bindparam("idx", expanding=True)
        liked = () if like_threshold is None else (interactions.rating >= like_threshold,)
        likers = (interactions.item.in_(asked), *liked)
        self._select_likers = select(interactions.user).distinct().where(*likers)
        self._count_likers = select(func.count(interactions.user.distinct())).where(*likers)

    async def n_likers(self, idx: IntArray) -> int:
        """Number of users who like at least one of the items."""

        def query(connection: Connection) -> int:
            if len(idx) <= BATCH:
                return connection.scalar(self._count_likers, {"idx": idx.tolist()}) or 0
            likers: set[int] = set()
            for batch in batches(idx.tolist()):
                likers.update(connection.scalars(self._select_likers, {"idx": batch}))
            return len(likers)

        return await run_by_size(self._database, query, ROWS_PER_ITEM * len(idx))

    async def popularity(self, groups: Mapping[str, Sequence[str | bool]]) -> Counts:
        """Interactions of each item, by the users of some groups.

        Args:
            groups: Values by user field; a user must have one of the values in every field.
        """
        if not groups:
            return self._by_all
        key = frozenset((field, value) for field, values in groups.items() for value in values)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = await self._database.scan(lambda connection: self._count(connection, groups))
        return counts

    def _count(self, connection: Connection, groups: Mapping[str, Sequence[str | bool]]) -> Counts:
        interactions, users = self._tables.interactions, self._tables.users
        members = [users.c[field].in_(list(values)) for field, values in groups.items()]
        n_users = connection.scalar(select(func.count()).select_from(users).where(*members)) or 0
        statement = (
            select(interactions.c.item, func.count())
            .join(users, users.c.idx == interactions.c.user)
            .where(*members)
            .group_by(interactions.c.item)
        )
        per_item = np.zeros_like(self._by_all.per_item)
        for item, count in connection.execute(statement):
            per_item[item] = count
        return Counts(per_item, n_users)
