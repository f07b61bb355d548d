"""The catalogue's items and users: positions, names, fields, histories.

Items and users are positions (``idx``) inside the program, and the dataset's own IDs where people read them. All
statements, here and in the modules beside this one, have bound parameters only.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select

from mcp_server.catalog.directory import Directory
from mcp_server.catalog.item_fields import ItemFields
from mcp_server.catalog.layout import Layout
from mcp_server.catalog.name_index import NameIndex
from mcp_server.catalog.popularity import Popular, most_popular
from mcp_server.catalog.schema import CatalogTables
from mcp_server.catalog.selection import Selector
from mcp_server.catalog.statistics import Statistics
from mcp_server.catalog.twins import Twins
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.errors import InvalidInputError, quoted, quoted_list
from mcp_server.sql.database import Database
from mcp_server.sql.lookup import KEYS, Load, Lookup, by_rows
from mcp_server.types import Id, IntArray

SPARE_INTERACTIONS = 20
"""Interactions that are read beyond the number of items wanted, because several may be with the same item."""

REMEMBERED_NAMES = 100_000
REMEMBERED_USERS = 20_000
REMEMBERED_HISTORIES = 5_000
REMEMBERED_ITEMS = 5_000
"""Entries that are kept in memory. Each of the four takes some 20 MB at most, with a hundred interactions for each user
and 4 KB for each item."""

NO_ITEMS: IntArray = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class ItemName:
    """An item's ID and title."""

    id: Id
    title: str | None


@dataclass(frozen=True)
class HistoryEntry:
    """One interaction of a user."""

    id: Id
    title: str | None
    canonical: int
    rating: float | None
    timestamp: int | None


class Catalog:
    """Queries over one dataset's tables.

    Args:
        layout: Facts about all items, read beforehand (``Layout.read``).
        id_ranges: What the IDs of "items" and "users" look like, for messages.
    """

    def __init__(
        self,
        database: Database,
        tables: CatalogTables,
        layout: Layout,
        spec: DatasetSpec,
        id_ranges: Mapping[str, str],
    ) -> None:
        self._database = database
        self._spec = spec
        self._tables = tables
        self._id_ranges = id_ranges
        self.n_items, self.n_users = layout.n_items, layout.n_users
        self.twins, self.untitled = Twins(layout.canonical), layout.untitled
        self._titled = np.setdiff1d(np.arange(self.n_items), self.untitled)
        self._unrankable = np.union1d(self.untitled, np.flatnonzero(layout.n_interactions == 0))
        self.name_index = NameIndex(database, tables, spec)
        self.directory = Directory(database, tables)
        self.selector = Selector(database, tables)
        self.statistics = Statistics(
            database, tables, layout.n_interactions, layout.n_users, spec.interactions.like_threshold
        )
        # A catalogue does not change while it is served, so what has been read is kept.
        self._names = Lookup(database, _load_names(tables), REMEMBERED_NAMES)
        self._item_idx = Lookup(database, _load_item_idx(tables), REMEMBERED_NAMES)
        self._items = Lookup(database, ItemFields(tables, spec).load, REMEMBERED_ITEMS)
        self._users = Lookup(database, _load_users(tables), REMEMBERED_USERS)
        self._histories = Lookup(database, _load_histories(tables), REMEMBERED_HISTORIES)
        self._select_recent = _select_recent(tables)
        self._ping = select(tables.users.c.idx).limit(1)

    def unrankable(self, history: IntArray | None) -> IntArray:
        """Items that are not to be recommended: those without a title or interactions, and those of a history."""
        if history is None:
            return self._unrankable
        return np.concatenate([self._unrankable, self.twins.with_twins(history)])

    def popular(self, counts: IntArray, candidates: IntArray | None, k: int) -> Popular:
        """The popular items by counts of interactions, among candidates or, where None, all items with a title."""
        chosen = self._titled if candidates is None else np.setdiff1d(candidates, self.untitled)
        return most_popular(counts, chosen, self.twins, k)

    # Users

    async def user_idx(self, user: Id) -> int:
        """Position of a user.

        Raises:
            InvalidInputError: There is no such user.
        """
        idx: int = (await self.user(user))["idx"]
        return idx

    async def user(self, user: Id) -> Mapping[str, Any]:
        """All fields of a user, with "idx" and "id".

        Raises:
            InvalidInputError: There is no such user.
        """
        found = await self._users.find([user])
        if user not in found:
            raise self._unknown_user(user)
        return found[user]

    def _unknown_user(self, user: Id) -> InvalidInputError:
        return InvalidInputError(
            f"{self._spec.nouns.user} {quoted(user)} is not in {self._spec.name}: {self._id_ranges['users']}"
        )

    async def history(self, user_idx: int) -> IntArray:
        """Items that a user interacted with, newest first, each once: (n,)."""
        found = await self._histories.find([user_idx])
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

    # Items

    async def item_idx(self, items: Iterable[Id]) -> IntArray:
        """Positions of items, in the order given, each once: (n,).

        Raises:
            InvalidInputError: Some of the items are not in the catalogue.
        """
        asked = list(dict.fromkeys(items))
        found = await self._item_idx.find(asked)
        unknown = [item for item in asked if item not in found]
        if unknown:
            nouns = self._spec.nouns
            shown = quoted_list(unknown)
            verb = f"{nouns.item} {shown} is" if len(unknown) == 1 else f"{nouns.items} {shown} are"
            raise InvalidInputError(f"{verb} not in {self._spec.name}: {self._id_ranges['items']}")
        return np.array([found[item] for item in asked], dtype=np.int64)

    async def names(self, idx: Sequence[int] | IntArray) -> list[ItemName]:
        """IDs and titles of items, in the order given."""
        asked = [int(position) for position in idx]
        found = await self._names.find(asked)
        return [found[position] for position in asked]

    async def metadata(self, idx: Sequence[int] | IntArray, fields: Sequence[str]) -> list[dict[str, Any]]:
        """Fields of items, in the order given, and always "id". Unknown values are None or []."""
        asked = [int(position) for position in idx]
        found = await self._items.find(asked)
        return [{name: found[position][name] for name in ("id", *fields)} for position in asked]

    async def ping(self) -> None:
        """Ask the database something small.

        Raises:
            BackendError: The database cannot be used.
        """
        await self._database.read(lambda connection: connection.execute(self._ping).first())


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


def _load_names(tables: CatalogTables) -> Load[int, ItemName]:
    items = tables.items.c
    query = select(items.idx, items.id, tables.title).where(items.idx.in_(KEYS))
    return by_rows(query, lambda rows: ((idx, ItemName(identifier, title)) for idx, identifier, title in rows))


def _load_item_idx(tables: CatalogTables) -> Load[Id, int]:
    items = tables.items.c
    query = select(items.id, items.idx).where(items.id.in_(KEYS))
    return by_rows(query, lambda rows: ((identifier, idx) for identifier, idx in rows))


def _load_users(tables: CatalogTables) -> Load[Id, dict[str, Any]]:
    query = select(tables.users).where(tables.users.c.id.in_(KEYS))
    return by_rows(query, lambda rows: ((row.id, dict(row._mapping)) for row in rows))


def _load_histories(tables: CatalogTables) -> Load[int, IntArray]:
    interactions = tables.interactions.c
    query = select(interactions.user, interactions.item).where(interactions.user.in_(KEYS))
    return by_rows(query.order_by(*_newest_first(tables)), _histories)


def _histories(rows: Iterable[Any]) -> Iterator[tuple[int, IntArray]]:
    """Users and their items in the order of the rows, each once."""
    items: dict[int, dict[int, None]] = {}
    for user, item in rows:
        items.setdefault(user, {})[item] = None
    for user, found in items.items():
        history = np.fromiter(found, dtype=np.int64)
        history.flags.writeable = False  # it is remembered
        yield user, history
