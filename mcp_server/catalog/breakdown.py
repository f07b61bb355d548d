"""Breakdowns: the numbers of interactions by groups of items, by groups of users, or by both."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from mcp_server.catalog.arrays import Array
from mcp_server.catalog.item_groups import ItemGrouper, ItemGroups, Terms, Value
from mcp_server.catalog.numbers import GroupNumbers, Numbers
from mcp_server.catalog.segments import Groups
from mcp_server.catalog.statistics import Statistics
from mcp_server.catalog.twins import Twins
from mcp_server.dataset.groupings import ItemGrouping
from mcp_server.dataset.windows import Window
from mcp_server.types import BoolArray, DoubleArray, IntArray


@dataclass(frozen=True)
class Selection:
    """The interactions that count."""

    items: BoolArray
    """(n_items,): True for the items whose interactions count."""
    user: int | None
    """Position of the one user who counts; None for all users of the groups."""
    groups: Groups
    """Groups of users; {} for everybody."""
    window: Window | None


@dataclass(frozen=True)
class Part:
    """Numbers of rows, and of what each row is a part of."""

    rows: Numbers
    """n is n_rows."""
    wholes: Numbers
    """n is n_rows."""

    @property
    def percentages(self) -> DoubleArray:
        """(n_rows,): the share of the interactions of the whole, from 0 to 100; NaN where there are none."""
        rows, wholes = self.rows.amounts, self.wholes.amounts
        found: DoubleArray = np.divide(100 * rows, wholes, out=np.full(len(rows), np.nan), where=wholes > 0)
        return found


@dataclass(frozen=True)
class Breakdown:
    """A breakdown. A row is a group of items, a group of users, or both."""

    selected: Part
    others: Part | None
    """The same of all users, where the selection is of some: their numbers in the same groups."""
    total: Numbers
    """The numbers of the whole selection: n is 1."""
    n_users: int
    """Users of the selection, also those who have done nothing."""
    item_groups: ItemGroups | None
    of_items: IntArray | None
    """(n_rows,): the group of items of each row."""
    n_items: IntArray | None
    """(n_rows,): its items, of those that are the same only one."""
    of_users: list[tuple[Value, ...]]
    """For each row the values of its group of users; none where only items make the rows."""
    users_in_rows: IntArray | None
    """(n_rows,): its users."""

    @property
    def n_rows(self) -> int:
        return len(self.selected.rows.n_pairs)

    @property
    def is_whole(self) -> bool:
        """True for the whole selection as one row."""
        return self.item_groups is None and self.of_users == [()]


class Breakdowns:
    """Makes breakdowns. All queries raise BackendError where the database cannot be read."""

    def __init__(self, statistics: Statistics, grouper: ItemGrouper, twins: Twins) -> None:
        self._statistics, self._grouper, self._twins = statistics, grouper, twins

    async def whole(self, selection: Selection) -> Breakdown:
        """The whole selection as one row, which is no group."""
        numbers, n_users = await self._numbers(selection)
        total, others = _total(numbers, selection.items), None
        if selection.user is not None or selection.groups:
            every = _total(await self._statistics.numbers({}, selection.window), selection.items)
            others = Part(every, every)
        n_items = np.array([len(self._twins.once(np.flatnonzero(selection.items)))])
        return Breakdown(Part(total, total), others, total, n_users, None, None, n_items, [()], None)

    async def by_items(self, groupings: Sequence[ItemGrouping], selection: Selection) -> Breakdown:
        """A breakdown by one grouping of items, or by two together."""
        groups, filled, n_items = await self._groups(groupings, selection)
        numbers, n_users = await self._numbers(selection)
        total = _total(numbers, selection.items)
        selected = Part(await _sum_up(numbers, groups, filled), _repeat(total, len(filled)))
        others = None
        if selection.user is not None or selection.groups:
            every = await self._statistics.numbers({}, selection.window)
            rows = await _sum_up(every, groups, filled)
            others = Part(rows, _repeat(_total(every, selection.items), len(filled)))
        return Breakdown(selected, others, total, n_users, groups, filled, n_items, [()] * len(filled), None)

    async def by_users(self, names: Sequence[str], selection: Selection) -> Breakdown:
        """A breakdown by one field of user groups, or by two together."""
        first = await self._by(names[0], selection, selection.groups)
        values: list[tuple[Value, ...]] = [(value,) for value in first.values]
        rows: Numbers = first
        n_users, total = first.n_users, _total(first)
        if len(names) > 1:
            inner = [
                await self._by(names[1], selection, {**selection.groups, names[0]: [value]}) for value in first.values
            ]
            values = [(value, other) for (value,), each in zip(values, inner, strict=True) for other in each.values]
            rows, n_users = _join(inner), np.concatenate([each.n_users for each in inner])
        part = Part(rows, _repeat(total, len(values)))
        return Breakdown(part, None, total, int(first.n_users.sum()), None, None, None, values, n_users)

    async def by_both(self, grouping: ItemGrouping, name: str, selection: Selection) -> Breakdown:
        """A breakdown by a grouping of items and a field of user groups. The whole of a row is all that its users have
        done, and all users of the selection are the others.
        """
        groups, filled, n_items = await self._groups([grouping], selection)
        users = await self._by(name, selection, selection.groups)
        rows, wholes = [], []
        for value in users.values:
            members = {**selection.groups, name: [value]}
            numbers = await self._statistics.numbers(members, selection.window)
            rows.append(await _sum_up(numbers, groups, filled))
            wholes.append(_repeat(_total(numbers, selection.items), len(filled)))
        every = await self._statistics.numbers(selection.groups, selection.window)
        total, n_groups = _total(every, selection.items), len(users.values)
        of_all = _join([await _sum_up(every, groups, filled)] * n_groups)
        return Breakdown(
            Part(_join(rows), _join(wholes)),
            Part(of_all, _repeat(total, len(filled) * n_groups)),
            total,
            int(users.n_users.sum()),
            groups,
            np.tile(filled, n_groups),
            np.tile(n_items, n_groups),
            [(value,) for value in users.values for _ in filled],
            np.repeat(users.n_users, len(filled)),
        )

    async def values(self, breakdown: Breakdown, rows: IntArray) -> list[tuple[Value, ...]]:
        """The values that make some rows: those of items, then those of users."""
        of_users = [breakdown.of_users[row] for row in rows.tolist()]
        if breakdown.item_groups is None or breakdown.of_items is None:
            return of_users
        of_items = await self._grouper.values(breakdown.item_groups, breakdown.of_items[rows])
        return [(*item, *user) for item, user in zip(of_items, of_users, strict=True)]

    async def ranks(self, breakdown: Breakdown, place: int) -> DoubleArray:
        """The ranks of the rows' values in their own order, NaN where they are not known: (n_rows,).

        Args:
            place: Which of the values that make a row, counted from 0.
        """
        groups = breakdown.item_groups
        if groups is not None and breakdown.of_items is not None and place < len(groups.values):
            numbers, values = groups.places[place][breakdown.of_items], groups.values[place]
            if not isinstance(values, Terms):
                return np.where(numbers < len(values) - 1, numbers.astype(np.float64), np.nan)
        found = [value[place] for value in await self.values(breakdown, np.arange(breakdown.n_rows))]
        return await asyncio.to_thread(_ranks, found)

    async def _groups(
        self, groupings: Sequence[ItemGrouping], selection: Selection
    ) -> tuple[ItemGroups, IntArray, IntArray]:
        """Groups of the selected items, those that have any, and the number of items in each of these."""
        every = await self._grouper.group(groupings)

        def count() -> tuple[ItemGroups, IntArray, IntArray]:
            groups = every.among(selection.items)
            n_items = groups.n_items(self._twins)
            filled = np.flatnonzero(n_items)
            return groups, filled, n_items[filled]

        return await asyncio.to_thread(count)

    async def _numbers(self, selection: Selection) -> tuple[Numbers, int]:
        """The numbers of all items by the users of a selection, and the number of these."""
        if selection.user is None:
            numbers = await self._statistics.numbers(selection.groups, selection.window)
            return numbers, numbers.n_users
        return await self._statistics.numbers_of(np.array([selection.user]), selection.window), 1

    async def _by(self, name: str, selection: Selection, groups: Groups) -> GroupNumbers:
        items = None if selection.items.all() else selection.items
        return await self._statistics.numbers_by(name, items, groups, selection.window)


async def _sum_up(numbers: Numbers, groups: ItemGroups, filled: IntArray) -> Numbers:
    """The sums over the items of those groups that have any."""
    return await asyncio.to_thread(_each, lambda values: groups.sums(values)[filled], numbers)


def _total(numbers: Numbers, items: BoolArray | None = None) -> Numbers:
    """The sum over some items or groups: n is 1."""
    return _each(
        lambda values: values.sum(keepdims=True) if items is None else values[items].sum(keepdims=True), numbers
    )


def _repeat(numbers: Numbers, times: int) -> Numbers:
    return _each(lambda values: np.repeat(values, times), numbers)


def _join(several: Sequence[Numbers]) -> Numbers:
    return _each(lambda *values: np.concatenate(values), *several)


def _each(change: Callable[..., Array], *several: Numbers) -> Numbers:
    """Change each kind of numbers: the function is given the same kind of all."""
    changed: dict[str, Any] = {}
    for field in fields(Numbers):
        values = [getattr(numbers, field.name) for numbers in several]
        changed[field.name] = None if values[0] is None else change(*values)
    return Numbers(**changed)


def _ranks(values: Sequence[Value]) -> DoubleArray:
    """The ranks of names in the order of the alphabet, NaN for what is not known: (n,)."""
    known = sorted({str(value) for value in values if value is not None}, key=lambda name: (name.casefold(), name))
    rank = {name: float(number) for number, name in enumerate(known)}
    return np.array([np.nan if value is None else rank[str(value)] for value in values])
