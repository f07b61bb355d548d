"""The pairs of users and items in the order of time. Of a pair, only its latest time is known."""

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement

from mcp_server.catalog.arrays import (
    FIRST_TIMES,
    N_TIMED,
    TIME_EVENTS,
    TIME_ITEMS,
    TIME_LIKED,
    TIME_USERS,
    TIME_VALUES,
    TIMES,
    Arrays,
    StoredArray,
)
from mcp_server.dataset.records import Interactions
from mcp_server.dataset.spec import Feedback
from mcp_server.dataset.windows import Window

PAIRS_AT_ONCE = 2**20
"""Pairs that are read at once, some 20 MB."""


def within(time: ColumnElement[Any], window: Window) -> list[ColumnElement[bool]]:
    """SQL conditions for a time to be in a window."""
    begin = [] if window.begin is None else [time >= window.begin]
    return [time.is_not(None), *begin, *([] if window.end is None else [time < window.end])]


class Timeline:
    """Reads windows of time: each is one range of the pairs.

    Args:
        feedback: Kind of the interactions.
    """

    def __init__(self, arrays: Arrays, feedback: Feedback) -> None:
        self._arrays = arrays
        values = [] if feedback == "likes" else [TIME_VALUES]
        self._columns: list[StoredArray] = [TIME_USERS, TIME_ITEMS, TIME_LIKED, *values]
        self._has_events = feedback == "events"
        if self._has_events:
            self._columns.append(TIME_EVENTS)

    async def n_untimed(self) -> int:
        """Number of pairs without a time. They are in no window.

        Raises:
            BackendError: The database cannot be read.
        """
        return int((await self._arrays.whole(N_TIMED))[1])

    async def span(self) -> tuple[int, int] | None:
        """The earliest and the latest time, in seconds since 1970; None where no pair has one.

        Raises:
            BackendError: The database cannot be read.
        """
        n_timed = int((await self._arrays.whole(N_TIMED))[0])
        if not n_timed:
            return None
        (ends,) = await self._arrays.ranges([TIMES], np.array([0, n_timed - 1]), np.array([1, n_timed]))
        return int(ends[0]), int(ends[-1])

    async def pieces(self, window: Window) -> AsyncIterator[Interactions]:
        """The pairs of a window, piece by piece, the earliest first. Their times are left out.

        Raises:
            BackendError: The database cannot be read.
        """
        begin = 0 if window.begin is None else await self._n_before(window.begin)
        end = int((await self._arrays.whole(N_TIMED))[0]) if window.end is None else await self._n_before(window.end)
        for start in range(begin, end, PAIRS_AT_ONCE):
            bounds = np.array([start]), np.array([min(start + PAIRS_AT_ONCE, end)])
            user, item, liked, *more = await self._arrays.ranges(self._columns, *bounds)
            n_events = more[1] if self._has_events else None
            yield Interactions(user, item, more[0] if more else None, n_events, None, liked)

    async def _n_before(self, moment: int) -> int:
        """Number of pairs before a moment. Of their times, only the piece in which it lies is read."""
        piece = int(np.searchsorted(await self._arrays.whole(FIRST_TIMES), moment)) - 1
        if piece < 0:
            return 0
        begin = piece * TIMES.per_piece
        (times,) = await self._arrays.ranges([TIMES], np.array([begin]), np.array([begin + TIMES.per_piece]))
        return begin + int(np.searchsorted(times, moment))
