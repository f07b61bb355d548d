"""Columns: the values of a field of all items as an array, and the conditions that they meet.

Whole numbers are compared as such, so that those beyond 53 bits stay apart, and dates as texts, as a database does.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from mcp_server.catalog.arrays import Array, StoredArray, column
from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.periods import coarser
from mcp_server.types import BoolArray

Bounds = tuple[tuple[str, float], ...]
"""Limits of a number: pairs of gt, gte, lt, lte or eq and a value."""

NO_INTEGER = np.iinfo(np.int64).min
"""Stands for a whole number that is not known."""

NO_BOOLEAN = -1
"""Stands for a boolean that is not known. The others are 0 and 1."""


def number_column(field: str, *, integer: bool) -> StoredArray:
    """The array of a number."""
    return column(field, "<i8" if integer else "<f8")


def boolean_column(field: str) -> StoredArray:
    """The array of a boolean."""
    return column(field, "i1")


def date_column(field: str) -> StoredArray:
    """The array of a date: its text, empty where it is not known."""
    return column(field, "S20")


def column_of(field: FieldSpec, values: Iterable[Any]) -> tuple[StoredArray, Array]:
    """The array of a field, and what it holds.

    Args:
        values: The value of each item, None where it is not known.
    """
    if field.kind == "boolean":
        return boolean_column(field.name), np.array([NO_BOOLEAN if value is None else value for value in values], "i1")
    if field.kind == "date":
        return date_column(field.name), np.array([value or "" for value in values], "S20")
    array = number_column(field.name, integer=field.integer)
    unknown = NO_INTEGER if field.integer else math.nan
    return array, np.array([unknown if value is None else value for value in values], array.dtype)


def is_within(numbers: Array, bounds: Bounds) -> BoolArray:
    """(n_items,): True where a number meets all bounds."""
    if numbers.dtype.kind == "i":
        return _is_between(numbers, bounds)
    compare = {"gt": np.greater, "gte": np.greater_equal, "lt": np.less, "lte": np.less_equal, "eq": np.equal}
    met = np.ones(len(numbers), dtype=bool)
    for name, value in bounds:
        met &= compare[name](numbers, value)  # false for what is not known, which is not a number
    return met


def _is_between(numbers: Array, bounds: Bounds) -> BoolArray:
    """The same for whole numbers: the least and the greatest one that meet the bounds are whole numbers, too."""
    least, greatest = NO_INTEGER + 1, int(np.iinfo(np.int64).max)
    for name, value in bounds:
        if name in ("gt", "gte", "eq"):
            least = max(least, math.floor(value) + 1 if name == "gt" else math.ceil(value))
        if name in ("lt", "lte", "eq"):
            greatest = min(greatest, math.ceil(value) - 1 if name == "lt" else math.floor(value))
    if least > greatest:
        return np.zeros(len(numbers), dtype=bool)
    met: BoolArray = (numbers >= least) & (numbers <= greatest)
    return met


def holds_within(dates: Array, begin: str | None, end: str | None) -> BoolArray:
    """(n_items,): True where all of a date's period is in a time. Both ends are as a ``Period`` has them."""
    met: BoolArray = dates != b""
    if begin is not None:
        met &= dates >= begin.encode()
    if end is not None:
        met &= (dates < end.encode()) & ~np.isin(dates, [each.encode() for each in coarser(end)])
    return met
