"""Users and items by what somebody has typed of an ID or a title."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, cast, func, or_, select

from mcp_server.catalog.schema import CatalogTables
from mcp_server.sql.database import Database


class Directory:
    """Finds IDs and titles while somebody types. Titles match anywhere and in any case."""

    def __init__(self, database: Database, tables: CatalogTables) -> None:
        self._database = database
        self._users, self._items, self._title = tables.users.c, tables.items.c, tables.title
        self._by_popularity = [tables.popularity.desc(), tables.items.c.idx]

    async def user_ids(self, typed: str, most: int) -> tuple[list[str], int]:
        """IDs of users that begin with the typed text, and how many there are."""
        matching = select(self._users.id).where(_begins(self._users.id, typed.strip()))
        return await self._find(matching, [self._users.idx], most)

    async def item_ids(self, typed: str, most: int) -> tuple[list[str], int]:
        """IDs of items that begin with the typed text or whose title has it, and how many there are. The most popular
        come first.
        """
        typed = typed.strip()
        conditions = [_begins(self._items.id, typed)]
        if typed and not typed.isdigit():
            conditions.append(self._has(typed))
        return await self._find(select(self._items.id).where(or_(*conditions)), self._by_popularity, most)

    async def titles(self, typed: str, most: int) -> tuple[list[str], int]:
        """Titles that have the typed text, and how many there are. Those that begin with it come first, then the most
        popular.
        """
        typed = typed.strip()
        once = self._items.canonical == self._items.idx
        matching = select(self._title).where(self._title.is_not(None), once, self._has(typed))
        at_beginning = func.lower(self._title).startswith(typed.lower(), autoescape=True)
        return await self._find(matching, [at_beginning.desc(), *self._by_popularity], most)

    def _has(self, typed: str) -> ColumnElement[bool]:
        return func.lower(self._title).contains(typed.lower(), autoescape=True)

    async def _find(self, matching: Select[Any], order: list[ColumnElement[Any]], most: int) -> tuple[list[str], int]:
        def query(connection: Connection) -> tuple[list[str], int]:
            total: int = connection.scalar(select(func.count()).select_from(matching.subquery())) or 0
            found = connection.scalars(matching.order_by(*order).limit(most)).all()
            return [str(value) for value in found], total

        return await self._database.scan(query)


def _begins(column: ColumnElement[Any], typed: str) -> ColumnElement[bool]:
    return cast(column, String(255)).startswith(typed, autoescape=True)
