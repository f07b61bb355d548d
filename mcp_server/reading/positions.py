"""The rows of interactions with the positions of their users and items, instead of IDs."""

from typing import Any

import numpy as np
import numpy.typing as npt

from mcp_server.dataset.records import NO_TIME
from mcp_server.reading.session import Session
from mcp_server.types import DoubleArray, IntArray, ShortIntArray

LARGEST_TABLE = 50_000_000
"""Numbers that a table of positions may have, 4 bytes each. IDs that are spread wider are joined instead."""

Rows = tuple[ShortIntArray, ShortIntArray, DoubleArray, IntArray | None]
"""User, item, value and time of each row."""


def positioned_rows(session: Session, rows: str, *, with_times: bool) -> Rows:
    """All rows in the order of the sources. The session has the tables "users" and "items" with ``id`` and ``idx``.

    Args:
        rows: Name of the table of rows.

    Returns:
        Arrays of (n_rows,): positions of users and items, -1 for an unknown one; values; times, or None.
    """
    return _looked_up(session, rows, with_times) or _joined(session, rows, with_times)


def _looked_up(session: Session, rows: str, with_times: bool) -> Rows | None:
    """The rows, by tables that hold the position of each number that may be an ID; None where they would not do."""
    tables = [_Positions.of(session, side) for side in ("users", "items")]
    users, items = tables
    if users is None or items is None:
        return None
    found = _fetch(session, f"SELECT user_id, item_id, value{_time(with_times)} FROM {rows}")
    return users.find(found["user_id"]), items.find(found["item_id"]), found["value"], found.get("time")


def _joined(session: Session, rows: str, with_times: bool) -> Rows:
    found = _fetch(
        session,
        "SELECT coalesce(u.idx, -1)::INTEGER AS user, coalesce(i.idx, -1)::INTEGER AS item, r.value AS value, "
        f"r.rowid AS place{_time(with_times)} FROM {rows} r "
        "LEFT JOIN users u ON u.id = r.user_id LEFT JOIN items i ON i.id = r.item_id",
    )
    place = found.pop("place")
    if (place[1:] < place[:-1]).any():  # a join keeps the order of its rows only where it is quicker to do so
        order = np.argsort(place)
        found = {name: values[order] for name, values in found.items()}
    return found["user"], found["item"], found["value"], found.get("time")


def _time(with_times: bool) -> str:
    return f", coalesce(time, {NO_TIME}) AS time" if with_times else ""


def _fetch(session: Session, query: str) -> dict[str, npt.NDArray[Any]]:
    found = session.run(query, "interactions").fetchnumpy()
    return {name: np.ma.getdata(values) for name, values in found.items()}


class _Positions:
    """Positions by IDs that are numbers.

    Args:
        ids: (n,), in the order of their positions.
    """

    def __init__(self, ids: IntArray) -> None:
        self._least, self._greatest = int(ids.min()), int(ids.max())
        self._table = np.full(self._greatest - self._least + 2, -1, dtype=np.int32)  # the last one is for all others
        self._table[ids - self._least] = np.arange(len(ids), dtype=np.int32)

    @classmethod
    def of(cls, session: Session, side: str) -> "_Positions | None":
        [of_text, least, greatest] = session.row(
            f"SELECT any_value(typeof(id)) <> 'BIGINT', min(id), max(id) FROM {side}", side
        )
        if of_text is None or of_text or greatest - least > LARGEST_TABLE:
            return None
        return cls(_fetch(session, f"SELECT id FROM {side} ORDER BY idx")["id"])

    def find(self, ids: IntArray) -> ShortIntArray:
        inside = (ids >= self._least) & (ids <= self._greatest)
        return self._table[np.where(inside, ids - self._least, -1)]
