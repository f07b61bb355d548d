"""The histories of users: the items that they interacted with.

Where the dataset has times, the newest come first, and those without a time last. Otherwise what was rated best, or
used most, comes first.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from mcp_server.catalog.columns import Bounds, is_within
from mcp_server.catalog.liked_history import LikedHistory
from mcp_server.catalog.schema import CatalogTables
from mcp_server.dataset.records import NO_TIME
from mcp_server.dataset.windows import Window
from mcp_server.sql.database import Database
from mcp_server.sql.key_lookup import KEYS, Load, Lookup, batches, by_rows
from mcp_server.types import BoolArray, DoubleArray, IntArray

N = TypeVar("N", bound=np.generic)

REMEMBERED_HISTORIES = 5_000
"""Histories that are kept in memory, some 20 MB with a hundred interactions each."""


@dataclass(frozen=True)
class History:
    """The items that a user interacted with: positions, in the order of histories, each once."""

    items: IntArray
    """(n,)"""
    values: DoubleArray | None
    """(n,): the rating, the sum of counts or the sum of weights; None for likes."""
    times: IntArray
    """(n,): the latest time, in seconds since 1970; NO_TIME where it is not known."""
    is_liked: BoolArray
    """(n,): True for the items that the user likes."""
    liked: LikedHistory
    """These."""

    def places(
        self,
        *,
        value: Bounds = (),
        liked: bool | None = None,
        window: Window | None = None,
        items: IntArray | None = None,
    ) -> IntArray:
        """Places in the history, in its order, of what meets all conditions that are given.

        Args:
            value: Limits of the value, for feedback that has one.
            items: Positions of items of which one is meant.
        """
        met = np.ones(len(self.items), dtype=bool)
        if value and self.values is not None:
            met &= is_within(self.values, value)
        if liked is not None:
            met &= self.is_liked == liked
        if window is not None:
            met &= self.times != NO_TIME
            met &= True if window.begin is None else self.times >= window.begin
            met &= True if window.end is None else self.times < window.end
        if items is not None:
            met &= np.isin(self.items, items)
        return np.flatnonzero(met)


class UserHistories:
    """Queries for histories. A catalogue does not change while it is served, so what has been read is kept.

    Args:
        newest_first: True where the dataset has times.
    """

    def __init__(self, database: Database, tables: CatalogTables, *, newest_first: bool) -> None:
        self._database, self._load = database, _load_histories(tables, newest_first)
        self._histories = Lookup(database, self._load, REMEMBERED_HISTORIES)

    async def of(self, user_idx: int) -> History:
        """The history of a user."""
        found = await self._histories.find([user_idx])
        return found.get(user_idx, NO_HISTORY)

    async def of_many(self, users: Sequence[int]) -> list[History]:
        """The history of each of many users. They are read beside the event loop, and not kept."""

        def query(connection: Connection) -> dict[int, History]:
            return {user: history for batch in batches(users) for user, history in self._load(connection, batch)}

        found = await self._database.scan(query)
        return [found.get(user, NO_HISTORY) for user in users]

    async def items(self, user_idx: int) -> IntArray:
        """Positions of the items that a user interacted with, each once: (n,)."""
        return (await self.of(user_idx)).items


def _load_histories(tables: CatalogTables, newest_first: bool) -> Load[int, History]:
    found = tables.interactions.c
    query = select(found.user, found.item, found.liked, found.rating, found.timestamp).where(found.user.in_(KEYS))
    return by_rows(query.order_by(found.interaction.desc()), partial(_histories, newest_first))


def _histories(newest_first: bool, rows: Iterable[Any]) -> Iterator[tuple[int, History]]:
    """Users and their histories, in the order of the rows."""
    found: dict[int, list[tuple[int, bool, float | None, int | None]]] = {}
    for user, *entry in rows:
        found.setdefault(user, []).append((entry[0], entry[1], entry[2], entry[3]))
    for user, entries in found.items():
        items, is_liked, values, times = zip(*entries, strict=True)
        yield (
            user,
            _history(
                _kept(items, np.int64),
                None if None in values else _kept(values, np.float64),
                _kept([NO_TIME if time is None else time for time in times], np.int64),
                _kept(is_liked, np.bool_),
                newest_first,
            ),
        )


def _history(
    items: IntArray, values: DoubleArray | None, times: IntArray, is_liked: BoolArray, newest_first: bool
) -> History:
    liked = LikedHistory(items[is_liked], None if values is None else values[is_liked], newest_first)
    return History(items, values, times, is_liked, liked)


def _kept(values: Sequence[Any], kind: type[N]) -> npt.NDArray[N]:
    found = np.array(values, dtype=kind)
    found.flags.writeable = False  # it is kept
    return found


NO_HISTORY = _history(_kept([], np.int64), None, _kept([], np.int64), _kept([], np.bool_), newest_first=False)
