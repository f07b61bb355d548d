"""The columns of items: the values of a field of all of them, declared or computed."""

import asyncio
from dataclasses import dataclass

import numpy as np

from mcp_server.catalog.arrays import Array, Arrays
from mcp_server.catalog.columns import NO_INTEGER, boolean_column, date_column, number_column
from mcp_server.catalog.statistics import Statistics
from mcp_server.dataset.computed_fields import ComputedField, computed_fields
from mcp_server.dataset.feedback import plain_number
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.types import BoolArray, DoubleArray, IntArray

DECIMALS = {"amount": 6, "mean_rating": 2, "like_share": 1}
"""Decimals of computed fields that are shown. Limits and orders go by the numbers as they are."""


@dataclass(frozen=True)
class Order:
    """An order of items by a number, a date or a computed field."""

    field: str
    descending: bool


class ItemColumns:
    """Reads columns when they are first needed."""

    def __init__(self, arrays: Arrays, statistics: Statistics, spec: DatasetSpec) -> None:
        self._arrays, self._statistics = arrays, statistics
        self._declared = {
            field.name: boolean_column(field.name)
            if field.kind == "boolean"
            else date_column(field.name)
            if field.kind == "date"
            else number_column(field.name, integer=field.integer)
            for field in spec.columns
        }
        self.computed = {field.name: field for field in computed_fields(spec)}
        """Computed fields by name."""

    async def column(self, field: str) -> Array:
        """The values of a number, date, boolean or computed field: (n_items,).

        Raises:
            BackendError: The database cannot be read.
        """
        if field in self.computed:
            return await self._compute(self.computed[field])
        return await self._arrays.whole(self._declared[field])

    async def _compute(self, field: ComputedField) -> DoubleArray:
        numbers = await self._statistics.numbers({})
        if field.measure == "like_share":
            return numbers.like_percentages
        if field.measure == "amount":
            return numbers.amounts
        assert numbers.mean_ratings is not None
        return numbers.mean_ratings

    async def shown(self, field: str, idx: IntArray) -> list[int | float | None]:
        """The values of a computed field for people, None where there are none.

        Args:
            idx: Positions of items: (n,).

        Raises:
            BackendError: The database cannot be read.
        """
        decimals = DECIMALS[self.computed[field].measure]
        values = (await self.column(field))[idx].tolist()
        return [None if np.isnan(value) else plain_number(round(value, decimals)) for value in values]

    async def in_order(self, items: IntArray, order: Order) -> IntArray:
        """Items in the order of a field, those without a value last. Items with equal values stay in the order given.

        Args:
            items: Positions: (n,).

        Raises:
            BackendError: The database cannot be read.
        """
        return await asyncio.to_thread(_sort, items, (await self.column(order.field))[items], order.descending)

    async def n_unknown(self, field: str, items: IntArray) -> int:
        """Number of some items whose number, date or computed field is not known.

        Raises:
            BackendError: The database cannot be read.
        """
        return int(np.count_nonzero(_is_unknown((await self.column(field))[items])))


def _sort(items: IntArray, values: Array, descending: bool) -> IntArray:
    unknown = _is_unknown(values)
    keys = np.unique(values, return_inverse=True)[1] if values.dtype.kind == "S" else np.where(unknown, 0, values)
    return items[np.lexsort((-keys if descending else keys, unknown))]


def _is_unknown(values: Array) -> BoolArray:
    """(n,): True for numbers and dates that are not known."""
    if values.dtype.kind == "S":
        unknown: BoolArray = values == b""
        return unknown
    return values == NO_INTEGER if values.dtype.kind == "i" else np.isnan(values)
