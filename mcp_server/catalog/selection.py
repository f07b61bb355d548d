"""Selections of items by conditions on their fields."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np

from mcp_server.catalog.arrays import TERM_ENDS, TERM_ITEMS, Arrays
from mcp_server.catalog.columns import Bounds, holds_within, is_within
from mcp_server.catalog.item_columns import ItemColumns, Order
from mcp_server.catalog.item_ids import ItemIds
from mcp_server.sql.cache import BoundedCache
from mcp_server.types import BoolArray, DoubleArray, Id, IntArray

REMEMBERED_ITEMS = 500_000
"""Items of all selections that are kept in memory, some 50 bytes each."""

FEW = 50
"""Selections of less than one item in so many are sorted, which is quicker than to go through all."""


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


@dataclass(frozen=True)
class Unless:
    """A condition that must not be met. Items of which the value is not known are not left out."""

    condition: "Condition"


Condition = TermCondition | NumberCondition | DateCondition | BooleanCondition | Unless


@dataclass(frozen=True)
class ItemSelection:
    """Selected items, in the order asked for."""

    idx: IntArray
    """Positions: (n,)."""
    _item_ids: ItemIds

    @cached_property
    def ids(self) -> tuple[Id, ...]:
        """Their IDs, in the same order."""
        return tuple(self._item_ids.at(self.idx))


class Selector:
    """Selects items by arrays of their fields, which are read when they are first needed.

    Args:
        popularity: (n_items,), what items are ordered by.
    """

    def __init__(self, arrays: Arrays, columns: ItemColumns, ids: ItemIds, popularity: DoubleArray) -> None:
        self._arrays, self._columns, self._ids = arrays, columns, ids
        self._popularity = popularity
        self._known: BoundedCache[tuple[tuple[Condition, ...], Order | None], ItemSelection] = BoundedCache(
            REMEMBERED_ITEMS, lambda _, selection: 1 + len(selection.idx)
        )

    @cached_property
    def _order(self) -> IntArray:
        """(n_items,): all items, the most popular first."""
        return np.argsort(-self._popularity, kind="stable")

    async def select(self, conditions: Sequence[Condition], order: Order | None = None) -> ItemSelection:
        """The items for which all conditions hold.

        Args:
            order: None for the most popular first. Otherwise the most popular of those with equal values come first.

        Raises:
            BackendError: The database cannot be read.
        """
        key = tuple(conditions), order
        selection = self._known.get(key)
        if selection is None:
            met = np.ones(len(self._popularity), dtype=bool)
            for condition in conditions:
                met &= await self._meet(condition)
            found = self._in_order(met)
            found = found if order is None else await self._columns.in_order(found, order)
            selection = self._known[key] = ItemSelection(found, self._ids)
        return selection

    def _in_order(self, met: BoolArray) -> IntArray:
        """The items that are met, the most popular first. Few are sorted; many are taken out of the order of all."""
        items = np.flatnonzero(met)
        if len(items) * FEW < len(met):
            return items[np.argsort(-self._popularity[items], kind="stable")]
        return self._order[met[self._order]]

    async def _meet(self, condition: Condition) -> BoolArray:
        """(n_items,): True for the items for which a condition holds."""
        if isinstance(condition, Unless):
            return ~await self._meet(condition.condition)
        if isinstance(condition, NumberCondition):
            return is_within(await self._columns.column(condition.field), condition.bounds)
        if isinstance(condition, BooleanCondition):
            found: BoolArray = await self._columns.column(condition.field) == condition.value
            return found
        if isinstance(condition, DateCondition):
            return holds_within(await self._columns.column(condition.field), condition.begin, condition.end)
        alternatives = condition.alternatives
        if condition.match_any:
            alternatives = (tuple(chain.from_iterable(alternatives)),)
        met = np.ones(len(self._popularity), dtype=bool)
        for terms in alternatives:
            met &= await self._have_any(terms)
        return met

    async def _have_any(self, terms: Sequence[int]) -> BoolArray:
        """(n_items,): True for the items that have one of some terms."""
        items, ends = await self._arrays.whole(TERM_ITEMS), await self._arrays.whole(TERM_ENDS)
        have = np.zeros(len(self._popularity), dtype=bool)
        for term in terms:
            have[items[ends[term] : ends[term + 1]]] = True
        return have
