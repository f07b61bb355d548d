"""The columns of statistics: their names, their numbers for people, and the order of rows by one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mcp_server.dataset.feedback import plain_number
from mcp_server.tools.reliability import FEWEST_USERS

if TYPE_CHECKING:
    from mcp_server.catalog.breakdown import Breakdown, Part
    from mcp_server.catalog.numbers import Numbers
    from mcp_server.dataset.spec import DatasetSpec
    from mcp_server.types import BoolArray, DoubleArray, IntArray

DECIMALS = {"mean_rating": 2, "like_share": 1, "share": 2, "per_item": 1, "per_user": 1, "lift": 2}
"""Decimals that are shown; other columns are shown as they are. Rows are ordered by the numbers as they are."""

RATIOS = frozenset({"mean_rating", "like_share", "lift"})
"""Columns that say little where a row is of few."""


@dataclass(frozen=True)
class Columns:
    """The columns of a breakdown."""

    values: dict[str, DoubleArray | IntArray]
    """By name, each (n_rows,); NaN where there is no number."""
    others: dict[str, DoubleArray]
    """Those of everybody, beside those of some users."""
    few: BoolArray
    """(n_rows,): True for rows of few pairs of users and items, or of few users."""

    def rows(self, chosen: IntArray) -> list[dict[str, Any]]:
        """Some rows for people."""
        return [self._row(row) for row in chosen.tolist()]

    def _row(self, row: int) -> dict[str, Any]:
        found: dict[str, Any] = {name: _shown(name, values[row]) for name, values in self.values.items()}
        if self.others:
            found["everybody"] = {name: _shown(name, values[row]) for name, values in self.others.items()}
        if self.few[row]:
            found["few"] = True
        return found


def order_of(keys: DoubleArray | IntArray, *, descending: bool, late: BoolArray | None = None) -> IntArray:
    """The rows in the order of some numbers, equal ones as they are.

    Args:
        keys: (n_rows,); rows of NaN come last.
        late: (n_rows,), True for rows that come after the others all the same.
    """
    missing = np.isnan(keys)
    signed = np.where(missing, 0, -keys if descending else keys)
    found: IntArray = np.lexsort((signed, 2 * missing + (0 if late is None else late)))
    return found


def columns_of(breakdown: Breakdown, amount: str, spec: DatasetSpec) -> Columns:
    """The columns of a breakdown.

    Args:
        amount: Name of the column of interactions.
    """
    rows = breakdown.selected.rows
    values: dict[str, Any] = {}
    if breakdown.n_items is not None:
        values["n_items"] = breakdown.n_items
    if breakdown.users_in_rows is not None:
        values["n_users"] = breakdown.users_in_rows
    values[amount] = rows.amounts
    values |= _ratios(breakdown.selected, spec, is_whole=breakdown.is_whole)
    if breakdown.n_items is not None and breakdown.n_users > 1:
        values["per_item"] = rows.amounts / np.maximum(breakdown.n_items, 1)
    if breakdown.n_items is None and breakdown.users_in_rows is not None:
        values["per_user"] = rows.amounts / np.maximum(breakdown.users_in_rows, 1)
    others = {} if breakdown.others is None else _ratios(breakdown.others, spec, is_whole=breakdown.is_whole)
    if "share" in others:
        values["lift"] = np.divide(
            values["share"], others["share"], out=np.full(len(rows.amounts), np.nan), where=others["share"] > 0
        )
    few = rows.n_pairs < FEWEST_USERS
    if breakdown.users_in_rows is not None:
        few |= breakdown.users_in_rows < FEWEST_USERS
    return Columns(values, others, few)


def _ratios(part: Part, spec: DatasetSpec, *, is_whole: bool) -> dict[str, DoubleArray]:
    found = {} if is_whole else {"share": part.percentages}
    if part.rows.mean_ratings is not None:
        found["mean_rating"] = part.rows.mean_ratings
    if spec.interactions.kind != "likes":
        found["like_share"] = part.rows.like_percentages
    return found


def total_of(numbers: Numbers, amount: str, spec: DatasetSpec) -> dict[str, Any]:
    """The numbers of a whole selection for people."""
    found: dict[str, Any] = {amount: numbers.amounts}
    if numbers.mean_ratings is not None:
        found["mean_rating"] = numbers.mean_ratings
    if spec.interactions.kind != "likes":
        found["like_share"] = numbers.like_percentages
    return {name: _shown(name, values[0]) for name, values in found.items()}


def _shown(name: str, number: float) -> int | float | None:
    return None if np.isnan(number) else plain_number(round(float(number), DECIMALS.get(name, 6)))
