"""The names that items have in their categories, for comparing items with one another."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from sqlalchemy import select

from mcp_server.catalog.arrays import TERM_ENDS, TERM_ITEMS, Arrays
from mcp_server.catalog.schema import CatalogTables
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.sql.database import Database
from mcp_server.sql.key_lookup import KEYS, Lookup, by_rows
from mcp_server.types import DoubleArray, IntArray

REMEMBERED = 20_000
"""Items whose names are kept in memory, some 20 MB with a dozen names each."""

Names = tuple[tuple[int, int], ...]
"""The number of each name, and the number of items that have it."""


class ItemCategories:
    """Queries for the names of items. A catalogue does not change while it is served, so what has been read is kept."""

    def __init__(
        self, database: Database, tables: CatalogTables, spec: DatasetSpec, arrays: Arrays, n_items: int
    ) -> None:
        self._arrays, self._n_items = arrays, n_items
        terms, links = tables.terms.c, tables.item_terms.c
        query = (
            select(links.item, links.term, terms.n_items)
            .join(tables.terms, terms.term == links.term)
            .where(links.item.in_(KEYS), terms.field.in_([field.name for field in spec.categories]))
            .order_by(links.item)
        )
        self._names = Lookup(database, by_rows(query, _by_item), REMEMBERED)

    async def of(self, items: IntArray) -> list[Names]:
        """The names of each item; none of those without any."""
        asked = items.tolist()
        found = await self._names.find(asked)
        return [found.get(item, ()) for item in asked]

    async def shared(self, item: int) -> DoubleArray:
        """The rarity of the names that each item shares with one: (n_items,).

        Of a name it is ln(n_items / items with it), of several the sum.

        Raises:
            BackendError: The database cannot be read.
        """
        (names,) = await self.of(np.array([item]))
        items, ends = await self._arrays.whole(TERM_ITEMS), await self._arrays.whole(TERM_ENDS)
        found = np.zeros(self._n_items)
        for term, n_with in names:
            found[items[ends[term] : ends[term + 1]]] += np.log(self._n_items / n_with)
        return found

    async def rarity(self, items: IntArray) -> DoubleArray:
        """The rarity of all names of each item: (n,).

        Raises:
            BackendError: The database cannot be read.
        """
        names = await self.of(items)
        row = np.repeat(np.arange(len(items)), [len(each) for each in names])
        n_with = np.array([n_with for each in names for _, n_with in each], dtype=np.float64)
        return np.bincount(row, np.log(self._n_items / n_with), len(items)).astype(np.float64)


def _by_item(rows: Iterable[Any]) -> Iterator[tuple[int, Names]]:
    found: dict[int, list[tuple[int, int]]] = {}
    for item, *name in rows:
        found.setdefault(item, []).append((name[0], name[1]))
    return ((item, tuple(names)) for item, names in found.items())
