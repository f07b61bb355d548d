"""The names that items have in their categories, for comparing items with one another."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import select

from mcp_server.catalog.schema import CatalogTables
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.sql.database import Database
from mcp_server.sql.key_lookup import KEYS, Lookup, by_rows
from mcp_server.types import IntArray

REMEMBERED = 20_000
"""Items whose names are kept in memory, some 20 MB with a dozen names each."""

Names = tuple[tuple[int, int], ...]
"""The number of each name, and the number of items that have it."""


class ItemCategories:
    """Queries for the names of items. A catalogue does not change while it is served, so what has been read is kept."""

    def __init__(self, database: Database, tables: CatalogTables, spec: DatasetSpec) -> None:
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


def _by_item(rows: Iterable[Any]) -> Iterator[tuple[int, Names]]:
    found: dict[int, list[tuple[int, int]]] = {}
    for item, *name in rows:
        found.setdefault(item, []).append((name[0], name[1]))
    return ((item, tuple(names)) for item, names in found.items())
