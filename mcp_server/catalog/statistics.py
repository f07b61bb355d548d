"""Statistics of interactions: numbers of items and of groups of users, and the users who like some items."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from mcp_server.catalog.arrays import LIKER_ENDS, LIKERS, Array, Arrays, item_sums
from mcp_server.catalog.layout import Layout
from mcp_server.catalog.numbers import GroupNumbers, ItemNumbers, Sums, as_numbers
from mcp_server.catalog.schema import CatalogTables
from mcp_server.catalog.segments import ChosenSegments, Groups, Segments
from mcp_server.catalog.timeline import Timeline, within
from mcp_server.dataset.amounts import Measure, Measures, measures_of, pair_measures
from mcp_server.dataset.records import Interactions
from mcp_server.dataset.spec import Feedback
from mcp_server.dataset.windows import Window
from mcp_server.sql.cache import BoundedCache
from mcp_server.sql.database import Database
from mcp_server.sql.key_lookup import KEYS, batches
from mcp_server.types import BoolArray, IntArray

REMEMBERED_NUMBERS = 8_000_000
"""Numbers of items that are kept in memory for all groups and windows together, 8 bytes each."""


class Statistics:
    """Sums over the arrays of interactions.

    Args:
        feedback: Kind of the interactions.
    """

    def __init__(
        self, database: Database, tables: CatalogTables, arrays: Arrays, layout: Layout, feedback: Feedback
    ) -> None:
        self._database, self._arrays, self._layout, self._feedback = database, arrays, layout, feedback
        self._measures = measures_of(feedback)
        self.segments = Segments(database, tables, arrays, self._measures)
        self.timeline = Timeline(arrays, feedback)
        found = tables.interactions.c
        self._pairs = select(found.user, found.item, found.liked, found.rating, found.n_events).where(
            found.user.in_(KEYS)
        )
        self._time = found.timestamp
        self._numbers: BoundedCache[tuple[frozenset[tuple[str, str | bool | None]], Window | None], ItemNumbers] = (
            BoundedCache(REMEMBERED_NUMBERS, lambda _, numbers: len(numbers.n_pairs) * (2 + len(self._measures)))
        )

    async def n_likers(self, idx: IntArray) -> int:
        """Number of users who like at least one of the items.

        Raises:
            BackendError: The database cannot be read.
        """
        return int(np.count_nonzero(await self.likers(idx)))

    async def likers(self, idx: IntArray) -> BoolArray:
        """(n_users,): True for the users who like at least one of the items.

        Raises:
            BackendError: The database cannot be read.
        """
        ends = await self._arrays.whole(LIKER_ENDS)
        (likers,) = await self._arrays.ranges([LIKERS], ends[idx], ends[idx + 1])
        like = np.zeros(self._layout.n_users, dtype=bool)
        like[likers] = True
        return like

    async def numbers(self, groups: Groups, window: Window | None = None) -> ItemNumbers:
        """The numbers of all items, by the users of some groups, in some time.

        Args:
            groups: Values by the fields of user groups, {} for all users.
            window: Only for a dataset with times. Pairs whose latest interaction is in it count, whole; None for all.

        Raises:
            BackendError: The database cannot be read.
        """
        key = frozenset((field, value) for field, values in groups.items() for value in values), window
        numbers = self._numbers.get(key)
        if numbers is None:
            numbers = self._numbers[key] = await self._sum_up(groups, window)
        return numbers

    async def _sum_up(self, groups: Groups, window: Window | None) -> ItemNumbers:
        chosen = await self.segments.choose(groups) if groups else None
        if chosen is None and window is None:
            return await self._of_all()
        sums = Sums(self._measures, self._layout.n_items)
        async for _, items, measures in self._portions(chosen, window):
            await asyncio.to_thread(sums.add, items, measures)
        n_users = self._layout.n_users if chosen is None else int(chosen.n_users.sum())
        return ItemNumbers(**sums.numbers(), n_users=n_users)

    async def _of_all(self) -> ItemNumbers:
        layout = self._layout
        known: dict[Measure, Array] = {"amounts": layout.n_interactions, "popularity": layout.popularity}
        sums = {
            measure: known[measure] if measure in known else await self._arrays.whole(item_sums(measure))
            for measure in self._measures
        }
        return ItemNumbers(**as_numbers(sums), n_users=layout.n_users)

    async def numbers_by(
        self, field: str, items: BoolArray | None = None, groups: Groups | None = None, window: Window | None = None
    ) -> GroupNumbers:
        """The numbers of each group that a field of users makes, in one pass.

        Args:
            field: A field of user groups.
            items: (n_items,), True for the items whose pairs count; None for all.
            groups: Values by the fields of user groups; only users of these count.
            window: Only for a dataset with times; None for all time.

        Raises:
            BackendError: The database cannot be read.
        """
        chosen = await self.segments.choose(groups or {}, field)
        values = list(dict.fromkeys(chosen.values))
        group = np.array([values.index(value) for value in chosen.values], dtype=np.int64)
        sums = Sums(self._measures, len(values))
        async for places, used, measures in self._portions(chosen, window):
            kept = np.ones(len(used), dtype=bool) if items is None else items[used]
            await asyncio.to_thread(sums.add, group[places[kept]], _only(measures, kept))
        n_users = np.bincount(group, chosen.n_users, len(values)).astype(np.int64)
        return GroupNumbers(**sums.numbers(), values=values, n_users=n_users)

    async def numbers_of(self, users: IntArray, window: Window | None = None) -> ItemNumbers:
        """The numbers of all items, by any users, in some time. Their pairs are read one by one: this is for one user
        or some thousands of them.

        Args:
            users: Positions, each once: (n,).
            window: Only for a dataset with times; None for all time.

        Raises:
            BackendError: The database cannot be read.
        """
        query = self._pairs if window is None else self._pairs.where(*within(self._time, window))

        def read(connection: Connection) -> Sums:
            sums = Sums(self._measures, self._layout.n_items)
            for batch in batches(users.tolist()):
                pairs = _as_pairs(list(map(tuple, connection.execute(query, {"keys": batch}))), self._feedback)
                sums.add(pairs.item, pair_measures(pairs, self._feedback))
            return sums

        return ItemNumbers(**(await self._database.scan(read)).numbers(), n_users=len(users))

    async def _portions(
        self, chosen: ChosenSegments | None, window: Window | None
    ) -> AsyncIterator[tuple[Array, Array, Measures]]:
        """The places of segments among those chosen, items, and measures of what the segments' users have done with the
        items, piece by piece. Without chosen segments all users count, and all places are 0.
        """
        if window is None:
            assert chosen is not None
            async for portion in self.segments.used(chosen):
                yield portion
            return
        place_of_user = None if chosen is None else _places(await self.segments.of_users(), chosen)
        async for pairs in self.timeline.pieces(window):
            measures = pair_measures(pairs, self._feedback)
            if place_of_user is None:
                yield np.zeros(len(pairs), dtype=np.int64), pairs.item, measures
            else:
                places = place_of_user[pairs.user]
                kept = places >= 0
                yield places[kept], pairs.item[kept], _only(measures, kept)


def _places(segment_of_user: Array, chosen: ChosenSegments) -> IntArray:
    """(n_users,): the place of each user's segment among those chosen, -1 where it is not among them."""
    place_of_segment = np.full(int(segment_of_user.max(initial=-1)) + 1, -1)
    place_of_segment[chosen.numbers] = np.arange(len(chosen.numbers))
    found: IntArray = place_of_segment[segment_of_user]
    return found


def _only(measures: Measures, kept: BoolArray) -> Measures:
    return {measure: None if values is None else values[kept] for measure, values in measures.items()}


def _as_pairs(rows: Sequence[tuple[Any, ...]], feedback: Feedback) -> Interactions:
    """Rows of users, items, likes, values and numbers of events as arrays, without their times."""
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return Interactions(
        user=np.array(columns[0], dtype=np.int64),
        item=np.array(columns[1], dtype=np.int64),
        value=None if feedback == "likes" else np.array(columns[3], dtype=np.float64),
        n_events=np.array(columns[4], dtype=np.int64) if feedback == "events" else None,
        timestamp=None,
        liked=np.array(columns[2], dtype=bool),
    )
