"""The histories of users: the items that they interacted with, newest first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select

from mcp_server.catalog.schema import CatalogTables
from mcp_server.sql.database import Database
from mcp_server.sql.key_lookup import KEYS, Load, Lookup, by_rows
from mcp_server.types import Id, IntArray

SPARE_INTERACTIONS = 20
"""Interactions that are read beyond the number of items wanted, because several may be with the same item."""

REMEMBERED_HISTORIES = 5_000
"""Histories that are kept in memory, some 20 MB with a hundred interactions each."""

NO_ITEMS: IntArray = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class HistoryEntry:
    """One interaction of a user."""

    id: Id
    title: str | None
    canonical: int
    rating: float | None
    timestamp: int | None


class UserHistories:
    """Queries for histories. A catalogue does not change while it is served, so what has been read is kept."""

    def __init__(self, database: Database, tables: CatalogTables) -> None:
        self._database = database
        self._items = Lookup(database, _load_items(tables), REMEMBERED_HISTORIES)
        self._select_recent = _select_recent(tables)

    async def items(self, user_idx: int) -> IntArray:
        """Positions of the items that a user interacted with, newest first, each once: (n,)."""
        found = await self._items.find([user_idx])
        return found.get(user_idx, NO_ITEMS)

    async def recent(self, user_idx: int, k: int) -> tuple[list[HistoryEntry], int]:
        """A user's newest k items, each named once, and the number of all interactions."""

        def query(connection: Connection) -> tuple[list[HistoryEntry], int]:
            limit = k + SPARE_INTERACTIONS
            while True:  # one turn, unless many interactions are with the same items
                rows = connection.execute(self._select_recent, {"user": user_idx, "n": limit}).all()
                total: int = rows[0][-1] if rows else 0
                entries: dict[int, HistoryEntry] = {}
                for *entry, _ in rows:
                    entries.setdefault(entry[2], HistoryEntry(*entry))
                if len(entries) >= k or len(rows) == total:
                    return list(entries.values())[:k], total
                limit *= 4

        return await self._database.read(query)


def _newest_first(tables: CatalogTables) -> tuple[ColumnElement[Any], ...]:
    interactions = tables.interactions.c
    return interactions.timestamp.desc(), interactions.interaction.desc()


def _select_recent(tables: CatalogTables) -> Select[Any]:
    """The newest interactions of a user, each with the number of all."""
    items, interactions = tables.items.c, tables.interactions.c
    n_all = select(func.count()).where(interactions.user == bindparam("user")).scalar_subquery()
    return (
        select(items.id, tables.title, items.canonical, interactions.rating, interactions.timestamp)
        .join(tables.items, items.idx == interactions.item)
        .where(interactions.user == bindparam("user"))
        .order_by(*_newest_first(tables))
        .limit(bindparam("n"))
        .add_columns(n_all)  # one round trip for both
    )


def _load_items(tables: CatalogTables) -> Load[int, IntArray]:
    interactions = tables.interactions.c
    query = select(interactions.user, interactions.item).where(interactions.user.in_(KEYS))
    return by_rows(query.order_by(*_newest_first(tables)), _items_of_users)


def _items_of_users(rows: Iterable[Any]) -> Iterator[tuple[int, IntArray]]:
    """Users and their items in the order of the rows, each once."""
    items: dict[int, dict[int, None]] = {}
    for user, item in rows:
        items.setdefault(user, {})[item] = None
    for user, found in items.items():
        history = np.fromiter(found, dtype=np.int64)
        history.flags.writeable = False  # it is kept
        yield user, history
