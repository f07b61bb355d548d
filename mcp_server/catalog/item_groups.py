"""Groups of items: those with the same name in a category, the same number, or a number or date in the same span."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection, select

from mcp_server.catalog.arrays import TERM_ENDS, TERM_ITEMS, Array, Arrays, ends_of
from mcp_server.catalog.columns import NO_BOOLEAN, NO_INTEGER
from mcp_server.catalog.compressed_rows import entries_of
from mcp_server.catalog.item_columns import ItemColumns
from mcp_server.catalog.schema import CatalogTables
from mcp_server.catalog.twins import Twins
from mcp_server.dataset.groupings import ItemGrouping
from mcp_server.dataset.words import is_date_part
from mcp_server.sql.database import Database
from mcp_server.sql.key_lookup import KEYS, batches
from mcp_server.types import BoolArray, IntArray

Value = str | int | float | bool | None
"""Value of a group; None for the items of which it is not known."""

MOST_VALUES = 50
"""Different values of a number that make groups of their own. Where there are more, quartiles are the groups, unless
the number is a part of a date."""

N_BANDS = 4


@dataclass(frozen=True)
class Terms:
    """Names of a category by their numbers."""

    numbers: IntArray


@dataclass(frozen=True)
class ItemGroups:
    """The groups that the items of a catalogue are in, by one grouping or by several together."""

    items: IntArray
    """(n_entries,): positions of items, each as often as the item is in groups."""
    groups: IntArray
    """(n_entries,): the group of each entry, from 0 to n_groups - 1."""
    places: tuple[IntArray, ...]
    """For each grouping the place of each group's value: (n_groups,)."""
    values: tuple[Terms | list[Value], ...]
    """For each grouping its values. The place behind the last term stands for items without any."""

    @property
    def n_groups(self) -> int:
        return len(self.places[0])

    @property
    def overlap(self) -> bool:
        """True where an item is in several groups."""
        return bool(np.bincount(self.items).max(initial=0) > 1)

    def among(self, allowed: BoolArray) -> "ItemGroups":
        """The groups without all other items.

        Args:
            allowed: (n_items,).
        """
        kept = allowed[self.items]
        return replace(self, items=self.items[kept], groups=self.groups[kept])

    def n_items(self, twins: Twins) -> IntArray:
        """The number of items in each group, of those that are the same only one: (n_groups,)."""
        twinned = twins.has_twin(self.items)
        groups, firsts = self.groups[twinned], twins.canonical(self.items[twinned])
        once = np.unique(groups * twins.n_items + firsts) // twins.n_items
        every, repeated, distinct = (np.bincount(each, minlength=self.n_groups) for each in (self.groups, groups, once))
        return every - repeated + distinct

    def sums(self, values: Array) -> Array:
        """The sum over the items of each group: (n_groups,).

        Args:
            values: (n_items,).
        """
        return np.bincount(self.groups, values[self.items], self.n_groups).astype(values.dtype)

    def times(self, other: "ItemGroups") -> "ItemGroups":
        """The groups of items that are in the same group of both."""
        order = np.argsort(self.items, kind="stable")
        lengths, entries = entries_of(ends_of(np.bincount(self.items)), other.items)
        own = order[entries]
        pairs = self.groups[own] * other.n_groups + np.repeat(other.groups, lengths)
        found, groups = np.unique(pairs, return_inverse=True)
        places = [place[found // other.n_groups] for place in self.places]
        places += [place[found % other.n_groups] for place in other.places]
        return ItemGroups(self.items[own], groups, tuple(places), self.values + other.values)


class ItemGrouper:
    """Puts the items of a catalogue into groups. All queries raise BackendError where the database cannot be read."""

    def __init__(
        self, database: Database, tables: CatalogTables, arrays: Arrays, columns: ItemColumns, n_items: int
    ) -> None:
        self._database, self._terms, self._arrays, self._n_items = database, tables.terms.c, arrays, n_items
        self._columns = columns
        self._terms_of: dict[str, IntArray] = {}
        self._names = select(self._terms.term, self._terms.name).where(self._terms.term.in_(KEYS))

    async def group(self, groupings: Sequence[ItemGrouping]) -> ItemGroups:
        """All items in the groups of one grouping, or in those that several make together."""
        first, *others = [await self._group(grouping) for grouping in groupings]
        for other in others:
            first = await asyncio.to_thread(first.times, other)
        return first

    async def values(self, groups: ItemGroups, chosen: IntArray) -> list[tuple[Value, ...]]:
        """The values of some groups, one for each grouping."""
        columns: list[Sequence[Value]] = []
        for places, values in zip(groups.places, groups.values, strict=True):
            of_chosen = places[chosen]
            if isinstance(values, Terms):
                columns.append(await self._names_of(values.numbers, of_chosen))
            else:
                columns.append([values[place] for place in of_chosen.tolist()])
        return list(zip(*columns, strict=True))

    async def _names_of(self, terms: IntArray, places: IntArray) -> list[Value]:
        asked = [int(terms[place]) if place < len(terms) else None for place in places.tolist()]

        def query(connection: Connection) -> dict[int, str]:
            keys = sorted({term for term in asked if term is not None})
            rows = (row for batch in batches(keys) for row in connection.execute(self._names, {"keys": batch}))
            return {row.term: row.name for row in rows}

        names = await self._database.scan(query)
        return [None if term is None else names[term] for term in asked]

    async def _group(self, grouping: ItemGrouping) -> ItemGroups:
        field = grouping.field
        if field.kind == "category":
            return await self._by_terms(field.name)
        column = await self._columns.column(field.name)
        return await asyncio.to_thread(by_column, column, grouping)

    async def _by_terms(self, field: str) -> ItemGroups:
        terms = self._terms_of.get(field)
        if terms is None:
            statement = select(self._terms.term).where(self._terms.field == field).order_by(self._terms.term)
            terms = self._terms_of[field] = await self._database.scan(
                lambda connection: np.fromiter(connection.scalars(statement), np.int64)
            )
        every, ends = await self._arrays.whole(TERM_ITEMS), await self._arrays.whole(TERM_ENDS)
        lengths, entries = entries_of(ends, terms)
        named = every[entries]
        unnamed = np.flatnonzero(np.bincount(named, minlength=self._n_items) == 0)
        items = np.concatenate([named, unnamed])
        groups = np.concatenate([np.repeat(np.arange(len(terms)), lengths), np.full(len(unnamed), len(terms))])
        return ItemGroups(items, groups, (np.arange(len(terms) + 1),), (Terms(terms),))


def by_column(column: Array, grouping: ItemGrouping) -> ItemGroups:
    """The groups that the values of a field make.

    Args:
        column: (n_items,).
    """
    field = grouping.field
    if field.kind == "boolean":
        return _by_values(column == 1, column != NO_BOOLEAN)
    if field.kind == "date":
        column, known = _part_of_dates(column, grouping.part)
    else:
        known = column != NO_INTEGER if field.integer else ~np.isnan(column)
    if grouping.part == "decade":
        return _by_values(column // 10 * 10, known, "{}s")
    if grouping.part or is_date_part(field) or len(np.unique(column[known])) <= MOST_VALUES:
        return _by_values(column, known)
    return _by_quartiles(column, known)


def _by_values(column: Array, known: BoolArray, label: str | None = None) -> ItemGroups:
    """The items with the same value are a group.

    Args:
        column: (n_items,).
        known: (n_items,), False where there is no value.
        label: Form of the values; None for the values themselves.
    """
    found, codes = np.unique(column[known], return_inverse=True)
    values: list[Value] = found.tolist() if label is None else [label.format(value) for value in found.tolist()]
    return _partition(codes, known, values)


def _by_quartiles(column: Array, known: BoolArray) -> ItemGroups:
    """The quarters of the items, in the order of their values, are groups. Equal values are in the same one."""
    numbers = column[known]
    ordered = np.sort(numbers)
    edges = np.unique(ordered[len(ordered) * np.arange(1, N_BANDS) // N_BANDS])
    begins = np.unique([0, *np.searchsorted(ordered, edges)])
    lasts = np.append(begins[1:], len(ordered)) - 1
    spans = zip(ordered[begins].tolist(), ordered[lasts].tolist(), strict=True)
    values: list[Value] = [f"{least:.15g} to {greatest:.15g}" for least, greatest in spans]
    return _partition(np.searchsorted(ordered[begins], numbers, side="right") - 1, known, values)


def _part_of_dates(dates: Array, part: str | None) -> tuple[Array, BoolArray]:
    """The month or the year of each date as a number, and True where it is known: both (n_items,)."""
    begin, end = (5, 7) if part == "month" else (0, 4)
    letters = np.ascontiguousarray(dates.view("S1").reshape(len(dates), -1)[:, begin:end])
    texts = letters.view(f"S{end - begin}").ravel()
    known = texts != b""
    numbers = np.zeros(len(dates), dtype=np.int64)
    numbers[known] = texts[known].astype(np.int64)
    return numbers, known


def _partition(codes: IntArray, known: BoolArray, values: list[Value]) -> ItemGroups:
    """Every item in one group.

    Args:
        codes: (n_known,), the place of the value of each item that has one.
    """
    groups = np.full(len(known), len(values))
    groups[known] = codes
    return ItemGroups(np.arange(len(known)), groups, (np.arange(len(values) + 1),), ([*values, None],))
