"""Segments: the users with the same values of all group fields. A group of users is some of the segments."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, literal, or_, select

from mcp_server.catalog.arrays import SEGMENT_ITEMS, USER_SEGMENTS, Array, Arrays, segment_sums
from mcp_server.catalog.schema import CatalogTables
from mcp_server.dataset.amounts import Measure, Measures
from mcp_server.sql.database import Database
from mcp_server.types import BoolArray, IntArray

ITEMS_AT_ONCE = 2**20
"""Items of segments that are read at once, some 20 MB."""

Groups = Mapping[str, Sequence[str | bool | None]]
"""Values by the fields of user groups; a user must have one of the values in every field. None stands for not known."""


@dataclass(frozen=True)
class ChosenSegments:
    """Some segments."""

    numbers: IntArray
    """(n,): their numbers."""
    begins: IntArray
    """(n,): where their ranges in the arrays of segments begin."""
    ends: IntArray
    """(n,)"""
    n_users: IntArray
    """(n,): users of each."""
    values: list[Any]
    """The values of the field that was asked for."""


class Segments:
    """Queries for segments.

    Args:
        measures: The measures that the feedback has.
    """

    def __init__(
        self, database: Database, tables: CatalogTables, arrays: Arrays, measures: tuple[Measure, ...]
    ) -> None:
        self._database, self._table, self._arrays, self._measures = database, tables.segments, arrays, measures

    async def choose(self, groups: Groups, field: str | None = None) -> ChosenSegments:
        """The segments of some groups.

        Args:
            field: A group field whose values are wanted.

        Raises:
            BackendError: The database cannot be read.
        """
        of = self._table.c
        value = literal(None) if field is None else of[field]
        statement = (
            select(of["_segment"], of["_begin"], of["_end"], of["_n_users"], value)
            .where(*(_is_any(of[name], values) for name, values in groups.items()))
            .order_by(of["_segment"])
        )

        def query(connection: Connection) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in connection.execute(statement)]

        rows = await self._database.scan(query)
        numbers = np.array([row[:-1] for row in rows], dtype=np.int64).reshape(-1, 4)
        segment, begins, ends, n_users = numbers.T
        return ChosenSegments(segment, begins, ends, n_users, [row[-1] for row in rows])

    async def of_users(self) -> Array:
        """(n_users,): the segment of each user.

        Raises:
            BackendError: The database cannot be read.
        """
        return await self._arrays.whole(USER_SEGMENTS)

    async def members(self, groups: Groups) -> BoolArray:
        """(n_users,): True for the users of some groups.

        Raises:
            BackendError: The database cannot be read.
        """
        return np.isin(await self.of_users(), (await self.choose(groups)).numbers)

    async def used(self, chosen: ChosenSegments) -> AsyncIterator[tuple[IntArray, Array, Measures]]:
        """The items that segments have used, piece by piece: for each the place of its segment among those chosen, its
        position, and the sums of its pairs with the segment's users.

        Raises:
            BackendError: The database cannot be read.
        """
        lengths = chosen.ends - chosen.begins
        piece = np.cumsum(lengths) // ITEMS_AT_ONCE
        for number in np.unique(piece).tolist():
            (places,) = np.nonzero(piece == number)
            arrays = [SEGMENT_ITEMS, *map(segment_sums, self._measures)]
            items, *sums = await self._arrays.ranges(arrays, chosen.begins[places], chosen.ends[places])
            yield np.repeat(places, lengths[places]), items, dict(zip(self._measures, sums, strict=True))


def _is_any(column: ColumnElement[Any], values: Sequence[str | bool | None]) -> ColumnElement[bool]:
    condition = column.in_([value for value in values if value is not None])
    return or_(condition, column.is_(None)) if None in values else condition
