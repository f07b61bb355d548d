"""Statistics of interactions: users who like some items, and amounts of what has been done with each item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, case, func, select

from mcp_server.catalog.schema import CatalogTables
from mcp_server.dataset.spec import Feedback
from mcp_server.sql.cache import BoundedCache
from mcp_server.sql.database import Database
from mcp_server.sql.key_lookup import BATCH, batches, run_by_size
from mcp_server.types import DoubleArray, IntArray

ROWS_PER_ITEM = 10
"""Estimate of the rows that counting reads for an item. Decides whether a query counts as small or large."""

REMEMBERED = 256
"""Groups of users whose counts are kept in memory. A catalogue does not change while it is served."""


@dataclass(frozen=True)
class Counts:
    """Amounts of interactions by some of the users. See ``Amounts``."""

    per_item: DoubleArray
    """(n_items,): number of interactions."""
    popularity: DoubleArray
    """(n_items,): what items are ordered by."""
    n_users: int
    """Number of these users."""


class Statistics:
    """Counts over the table of interactions.

    Args:
        by_all: Amounts by all users.
        feedback: Kind of the interactions.
    """

    def __init__(
        self,
        database: Database,
        tables: CatalogTables,
        by_all: Counts,
        feedback: Feedback,
    ) -> None:
        self._database, self._tables, self._by_all = database, tables, by_all
        self._amounts = _amounts(tables, feedback)
        self._counts: BoundedCache[frozenset[tuple[str, str | bool]], Counts] = BoundedCache(REMEMBERED)
        interactions = tables.interactions.c
        asked: BindParameter[Any] = bindparam("idx", expanding=True)
        likers = (interactions.item.in_(asked), interactions.liked)
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
        """Amounts of each item, by the users of some groups.

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
            select(interactions.c.item, *self._amounts)
            .join(users, users.c.idx == interactions.c.user)
            .where(*members)
            .group_by(interactions.c.item)
        )
        amounts = np.zeros((len(self._amounts), len(self._by_all.per_item)))
        for item, *found in connection.execute(statement):
            amounts[:, item] = found
        return Counts(amounts[0], amounts[-1], n_users)


def _amounts(tables: CatalogTables, feedback: Feedback) -> list[ColumnElement[Any]]:
    """The number of interactions and, where it is another, the popularity of the items of a group of rows."""
    interactions = tables.interactions.c
    if feedback == "counts":
        return [func.sum(interactions.rating)]
    if feedback == "events":
        counted = case((interactions.rating > 0, interactions.rating), else_=0.0)
        return [func.sum(interactions.n_events), func.sum(counted)]
    return [func.count()]
