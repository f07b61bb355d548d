"""The catalogue's items and users: positions, names, fields.

Items and users are positions (``idx``) inside the program, and the dataset's own IDs where people read them. All
statements, here and in the modules beside this one, have bound parameters only.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from sqlalchemy import select

from mcp_server.catalog.arrays import Arrays
from mcp_server.catalog.breakdown import Breakdowns
from mcp_server.catalog.co_likes import CoLikes
from mcp_server.catalog.directory import Directory
from mcp_server.catalog.item_categories import ItemCategories
from mcp_server.catalog.item_columns import ItemColumns
from mcp_server.catalog.item_fields import ItemFields
from mcp_server.catalog.item_groups import ItemGrouper
from mcp_server.catalog.item_ids import UNKNOWN, ItemIds
from mcp_server.catalog.layout import Layout
from mcp_server.catalog.likers import Likers
from mcp_server.catalog.name_index import NameIndex
from mcp_server.catalog.numbers import ItemNumbers
from mcp_server.catalog.popularity import most_popular
from mcp_server.catalog.reach import Reaches
from mcp_server.catalog.schema import CatalogTables
from mcp_server.catalog.selection import ItemSelection, Selector, TermCondition
from mcp_server.catalog.statistics import Statistics
from mcp_server.catalog.twins import Twins
from mcp_server.catalog.user_histories import UserHistories
from mcp_server.catalog.users import Users
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


@dataclass(frozen=True)
class LeftOut:
    """Numbers of items that cannot be recommended, each counted once, by the first thing that is in the way."""

    n_known: int
    """They are in the history."""
    n_unrankable: int
    """They have no title, or nobody has used them."""
    n_unavailable: int


@dataclass(frozen=True)
class PopularItems:
    """Items that somebody has used."""

    found: ItemSelection
    """The most popular first, of items that are the same only the most popular."""
    threshold: float
    """The 0.75 quantile of popularity over all candidates, also those that nobody has used."""
    n_above: int
    """The first so many of the items exceed it: they stand out."""
    n_unavailable: int
    """Items left out because they are not available, though somebody has used them."""


class Catalog:
    """Queries over one dataset's tables.

    Args:
        layout: Facts about all items, read beforehand (``Layout.read``).
        arrays: Arrays over all items.
        item_ids: The items' IDs, read beforehand (``read_item_ids``).
        id_ranges: What the IDs of "items" and "users" look like, for messages.
    """

    def __init__(
        self,
        database: Database,
        tables: CatalogTables,
        layout: Layout,
        arrays: Arrays,
        item_ids: ItemIds,
        spec: DatasetSpec,
        id_ranges: Mapping[str, str],
    ) -> None:
        self._database = database
        self._spec = spec
        self._item_ids, self._id_ranges = item_ids, id_ranges
        self.n_items, self.n_users = layout.n_items, layout.n_users
        self.twins, self.untitled = Twins(layout.canonical), layout.untitled
        self._available = layout.available
        self._is_titled = np.ones(self.n_items, dtype=bool)
        self._is_titled[self.untitled] = False
        self._is_used = self._is_titled & (layout.n_interactions > 0)
        self.name_index = NameIndex(database, tables, spec)
        self.directory = Directory(database, tables)
        self.categories = ItemCategories(database, tables, spec, arrays, layout.n_items)
        self.co_likes = CoLikes(arrays, layout.n_users)
        self.histories = UserHistories(database, tables, newest_first=spec.interactions.timestamp is not None)
        self.likers = Likers(arrays, self.twins, self.n_users)
        self.statistics = Statistics(database, tables, arrays, layout, spec.interactions.kind)
        self.reaches = Reaches(arrays, self.statistics, layout)
        self.users = Users(database, tables, self.statistics.segments, self.n_users)
        self.columns = ItemColumns(arrays, self.statistics, spec)
        grouper = ItemGrouper(database, tables, arrays, self.columns, self.n_items)
        self.breakdowns = Breakdowns(self.statistics, grouper, self.twins)
        self.selector = Selector(arrays, self.columns, item_ids, layout.popularity)
        self._popular: WeakKeyDictionary[ItemNumbers, PopularItems] = WeakKeyDictionary()
        self.popularity = layout.popularity
        """(n_items,): what items are ordered by."""
        # A catalogue does not change while it is served, so what has been read is kept.
        self._names = Lookup(database, _load_names(tables), REMEMBERED_NAMES)
        self._items = Lookup(database, ItemFields(tables, spec).load, REMEMBERED_ITEMS)
        self._users = Lookup(database, _load_users(tables), REMEMBERED_USERS)
        self._ping = select(tables.users.c.idx).limit(1)

    def recommendable(self, history: IntArray | None, *, cold: bool = False) -> BoolArray:
        """(n_items,): True for the items that can be recommended to who has a history, or to anybody where None.

        They have a title and are available. Somebody has used them, unless ``cold`` lets items without interactions
        through, which only some models can rank.
        """
        return ~self._known(history) & self._is_rankable(cold) & self._available

    def unrankable(self, history: IntArray | None, *, cold: bool = False) -> IntArray:
        """Positions of the items that are not ``recommendable``."""
        return np.flatnonzero(~self.recommendable(history, cold=cold))

    def left_out(self, candidates: IntArray | None, history: IntArray | None, *, cold: bool = False) -> LeftOut:
        """The candidates, all items where None, that are not ``recommendable``, by what is in the way."""
        known, rankable = self._known(history), self._is_rankable(cold)
        masks = (known, ~known & ~rankable, ~known & rankable & ~self._available)
        counts = (np.count_nonzero(mask if candidates is None else mask[candidates]) for mask in masks)
        return LeftOut(*map(int, counts))

    def _known(self, history: IntArray | None) -> BoolArray:
        """(n_items,): True for the items of a history, and all that are the same as one of them."""
        known = np.zeros(self.n_items, dtype=bool)
        if history is not None:
            known[self.twins.with_twins(history)] = True
        return known

    def _is_rankable(self, cold: bool) -> BoolArray:
        return self._is_titled if cold else self._is_used

    async def popular(self, numbers: ItemNumbers, candidates: IntArray | None) -> PopularItems:
        """The items among candidates, all items where None, that somebody has used, the most popular first."""
        if candidates is not None:
            chosen = np.unique(candidates)
            return await self._popular_among(numbers, chosen[self._is_titled[chosen]])
        found = self._popular.get(numbers)
        if found is None:
            found = self._popular[numbers] = await self._popular_among(numbers, np.flatnonzero(self._is_titled))
        return found

    async def _popular_among(self, numbers: ItemNumbers, titled: IntArray) -> PopularItems:
        is_available = self._available[titled]
        available, n_unavailable = titled[is_available], np.count_nonzero(numbers.popularity[titled[~is_available]] > 0)
        popular = await asyncio.to_thread(most_popular, numbers.popularity, available, self.twins)
        found = ItemSelection(popular.items, self._item_ids)
        return PopularItems(found, popular.threshold, popular.n_above, int(n_unavailable))

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
        found = self._item_ids.find(asked)
        unknown = [asked[place] for place in np.flatnonzero(found == UNKNOWN)]
        if unknown:
            nouns = self._spec.nouns
            shown = quoted_list(unknown)
            verb = f"{nouns.item} {shown} is" if len(unknown) == 1 else f"{nouns.items} {shown} are"
            raise InvalidInputError(f"{verb} not in {self._spec.name}: {self._id_ranges['items']}")
        return found

    def ids(self, idx: IntArray) -> list[Id]:
        """IDs of items, in the order given."""
        return self._item_ids.at(idx)

    async def names(self, idx: Sequence[int] | IntArray) -> list[ItemName]:
        """IDs and titles of items, in the order given."""
        asked = [int(position) for position in idx]
        found = await self._names.find(asked)
        return [found[position] for position in asked]

    async def metadata(self, idx: Sequence[int] | IntArray, fields: Sequence[str]) -> list[dict[str, Any]]:
        """Fields of items, declared or computed, in the order given, and always "id". Unknown values are None or []."""
        asked = [int(position) for position in idx]
        found = await self._items.find(asked)
        computed = {
            name: await self.columns.shown(name, np.array(asked, dtype=np.int64))
            for name in fields
            if name in self.columns.computed
        }
        return [
            {name: computed[name][place] if name in computed else found[position][name] for name in ("id", *fields)}
            for place, position in enumerate(asked)
        ]

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


def _load_users(tables: CatalogTables) -> Load[Id, dict[str, Any]]:
    query = select(tables.users).where(tables.users.c.id.in_(KEYS))
    return by_rows(query, lambda rows: ((row.id, dict(row._mapping)) for row in rows))
