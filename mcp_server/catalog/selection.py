"""Selections of items by conditions on their fields."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, and_, select

from mcp_server.catalog.schema import CatalogTables
from mcp_server.dataset.periods import coarser
from mcp_server.sql.cache import BoundedCache
from mcp_server.sql.database import Database
from mcp_server.types import Id, IntArray

REMEMBERED = 256
"""Selections that are kept in memory."""

Bounds = tuple[tuple[str, float], ...]
"""Limits of a number: pairs of gt, gte, lt, lte or eq and a value."""

_COMPARISONS: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    "eq": lambda column, value: column == value,
}


@dataclass(frozen=True)
class TermCondition:
    """A condition on names: items have at least one term of each of the ``alternatives``, or of any of them."""

    alternatives: tuple[tuple[int, ...], ...]
    """Numbers of the terms that each name was taken for."""
    match_any: bool


@dataclass(frozen=True)
class NumberCondition:
    """A condition on a number. Items without the number do not meet it."""

    field: str
    bounds: Bounds


@dataclass(frozen=True)
class DateCondition:
    """A condition on a date: all of its period is in a given time. Items without the date do not meet it."""

    field: str
    begin: str | None
    end: str | None
    """Both as a ``Period`` has them; None where the time is open."""


@dataclass(frozen=True)
class BooleanCondition:
    """A condition on a boolean. Items of which it is not known meet neither true nor false."""

    field: str
    value: bool


Condition = TermCondition | NumberCondition | DateCondition | BooleanCondition


@dataclass(frozen=True)
class ItemSelection:
    """Selected items, the most popular first."""

    idx: IntArray
    """Positions: (n,)."""
    ids: tuple[Id, ...]
    """Their IDs, in the same order."""


class Selector:
    """Selects items by the table of items and the index of terms."""

    def __init__(self, database: Database, tables: CatalogTables) -> None:
        self._database, self._tables = database, tables
        self._known: BoundedCache[tuple[Condition, ...], ItemSelection] = BoundedCache(REMEMBERED)

    async def select(self, conditions: Sequence[Condition]) -> ItemSelection:
        """The items for which all conditions hold."""
        key = tuple(conditions)
        selection = self._known.get(key)
        if selection is None:
            items = self._tables.items.c
            statement = (
                select(items.idx, items.id)
                .where(and_(*(self._clause(condition) for condition in conditions)))
                .order_by(self._tables.popularity.desc(), items.idx)
            )
            rows = await self._database.read(lambda connection: connection.execute(statement).all())
            idx, ids = zip(*rows, strict=True) if rows else ((), ())
            selection = self._known[key] = ItemSelection(np.array(idx, dtype=np.int64), ids)
        return selection

    def _clause(self, condition: Condition) -> ColumnElement[bool]:
        items, links = self._tables.items.c, self._tables.item_terms.c
        if isinstance(condition, NumberCondition):
            column = items[condition.field]
            return and_(*(_COMPARISONS[name](column, value) for name, value in condition.bounds))
        if isinstance(condition, BooleanCondition):
            return items[condition.field] == condition.value
        if isinstance(condition, DateCondition):
            return _lies_within(items[condition.field], condition)
        alternatives = condition.alternatives
        if condition.match_any:  # one look-up in the index for all of them
            alternatives = (tuple(itertools.chain.from_iterable(alternatives)),)
        return and_(*(items.idx.in_(select(links.item).where(links.term.in_(list(terms)))) for terms in alternatives))


def _lies_within(column: ColumnElement[str], condition: DateCondition) -> ColumnElement[bool]:
    parts = []
    if condition.begin is not None:
        parts.append(column >= condition.begin)
    if condition.end is not None:
        parts += [column < condition.end, column.not_in(coarser(condition.end))]
    return and_(*parts)
