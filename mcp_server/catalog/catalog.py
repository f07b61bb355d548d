"""The catalogue's items and users: positions, names, fields.

Items and users are positions (``idx``) inside the program, and the dataset's own IDs where people read them. All
statements, here and in the modules beside this one, have bound parameters only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import select

from mcp_server.catalog.directory import Directory
from mcp_server.catalog.item_fields import ItemFields
from mcp_server.catalog.layout import Layout
from mcp_server.catalog.name_index import NameIndex
from mcp_server.catalog.popularity import Popular, most_popular
from mcp_server.catalog.schema import CatalogTables
from mcp_server.catalog.selection import Selector, TermCondition
from mcp_server.catalog.statistics import Counts, Statistics
from mcp_server.catalog.twins import Twins
from mcp_server.catalog.user_histories import UserHistories
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.errors import InvalidInputError, quoted, quoted_list
from mcp_server.sql.database import Database
from mcp_server.sql.key_lookup import KEYS, Load, Lookup, by_rows
from mcp_server.types import BoolArray, Id, IntArray

REMEMBERED_NAMES = 100_000
REMEMBERED_USERS = 20_000
REMEMBERED_ITEMS = 5_000
"""Entries that are kept in memory. Each of the three takes some 20 MB at most, with 4 KB for each item."""


@dataclass(frozen=True)
class ItemName:
    """An item's ID and title."""

    id: Id
    title: str | None


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
        self._available = layout.available
        self._is_titled = np.ones(self.n_items, dtype=bool)
        self._is_titled[self.untitled] = False
        self._is_rankable = self._is_titled & (layout.n_interactions > 0)
        self.name_index = NameIndex(database, tables, spec)
        self.directory = Directory(database, tables)
        self.histories = UserHistories(database, tables, newest_first=spec.interactions.timestamp is not None)
        self.selector = Selector(database, tables)
        by_all = Counts(layout.n_interactions, layout.popularity, layout.n_users)
        self.statistics = Statistics(database, tables, by_all, spec.interactions.kind)
        self.popularity = layout.popularity
        """(n_items,): what items are ordered by."""
        # A catalogue does not change while it is served, so what has been read is kept.
        self._names = Lookup(database, _load_names(tables), REMEMBERED_NAMES)
        self._item_idx = Lookup(database, _load_item_idx(tables), REMEMBERED_NAMES)
        self._items = Lookup(database, ItemFields(tables, spec).load, REMEMBERED_ITEMS)
        self._users = Lookup(database, _load_users(tables), REMEMBERED_USERS)
        self._ping = select(tables.users.c.idx).limit(1)

    def unrankable(self, history: IntArray | None) -> IntArray:
        """Items that are not to be recommended: those without a title or interactions, those that are not available,
        and those of a history.
        """
        return np.flatnonzero(~(self._is_new(history) & self._available))

    def n_unavailable(self, candidates: IntArray | None, history: IntArray | None) -> int:
        """Number of candidates, all items where None, that could be recommended if they were available."""
        missed = self._is_new(history) & ~self._available
        return int(np.count_nonzero(missed if candidates is None else missed[candidates]))

    def _is_new(self, history: IntArray | None) -> BoolArray:
        """(n_items,): True for items with a title and interactions that a history does not have."""
        if history is None:
            return self._is_rankable
        is_new = self._is_rankable.copy()
        is_new[self.twins.with_twins(history)] = False
        return is_new

    def popular(self, counts: Counts, candidates: IntArray | None, k: int) -> tuple[Popular, int]:
        """The popular items among candidates, all items where None, and how many others are not available: they have a
        title, and somebody has used them.
        """
        chosen = np.unique(candidates) if candidates is not None else np.arange(self.n_items)
        chosen = chosen[self._is_titled[chosen]]
        available = chosen[self._available[chosen]]
        n_unavailable = np.count_nonzero(counts.popularity[chosen] > 0) - np.count_nonzero(
            counts.popularity[available] > 0
        )
        return most_popular(counts.popularity, available, self.twins, k), int(n_unavailable)

    async def titled(self, text: str, candidates: IntArray | None) -> IntArray:
        """Items whose title a text is, but for case, accents and punctuation, the most popular first: (n,).

        Args:
            candidates: Positions to choose from, or None for all.
        """
        terms = await self.name_index.exact(self._spec.items.title, text)
        if not terms:
            return np.empty(0, dtype=np.int64)
        found = (await self.selector.select([TermCondition((tuple(terms),), match_any=True)])).idx
        return found if candidates is None else found[np.isin(found, candidates)]

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
