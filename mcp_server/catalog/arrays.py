"""Arrays over all items of a catalogue, kept in its database in pieces.

Orders, filters, audiences and groups are arithmetic on whole arrays, which a database would answer row by row. An
array is read whole, once, or by ranges, of which only the pieces that they touch are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Table, bindparam, select

from mcp_server.dataset.amounts import Measure
from mcp_server.errors import DamagedPartError
from mcp_server.sql.database import Database
from mcp_server.sql.key_lookup import KEYS, batches
from mcp_server.types import IntArray

PIECE_BYTES = 2**14

PIECES_AT_ONCE = 200
"""Pieces that are written at once."""

FEW_PIECES = 100
"""Pieces that are read where a query is called, instead of beside the event loop."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class StoredArray:
    """An array's name in the database, and its type."""

    name: str
    dtype: str

    @property
    def per_piece(self) -> int:
        """Numbers in a piece."""
        return PIECE_BYTES // np.dtype(self.dtype).itemsize


CANONICAL = StoredArray("canonical", "<i4")
"""(n_items,): the first item that is the same."""
N_INTERACTIONS = StoredArray("n_interactions", "<f8")
"""(n_items,): see ``Amounts``."""
POPULARITY = StoredArray("popularity", "<f8")
"""(n_items,): see ``Amounts``."""
AVAILABLE = StoredArray("available", "?")
"""(n_items,)"""
UNTITLED = StoredArray("untitled", "<i4")
"""Positions of items without a title, which rise."""

INTEGER_IDS = StoredArray("ids", "<i8")
"""(n_items,), for IDs that are numbers."""
TEXT_IDS, TEXT_ID_ENDS = StoredArray("id_texts", "u1"), StoredArray("id_ends", "<i8")
"""For IDs that are texts: the UTF-8 of all, one after the other, and the end of each: (n_items,)."""

TERM_ITEMS, TERM_ENDS = StoredArray("term_items", "<i4"), StoredArray("term_ends", "<i8")
"""The items of each term, one term after the other, and the end of each: (n_terms + 1,), the first one 0."""

LIKERS, LIKER_ENDS = StoredArray("likers", "<i4"), StoredArray("liker_ends", "<i8")
"""The users who like each item, one item after the other, and the end of each: (n_items + 1,), the first one 0."""

USER_LIKES = StoredArray("user_likes", "<i4")
"""(n_users,): the number of items that each user likes."""

SEGMENT_ITEMS = StoredArray("segment_items", "<i4")
"""The items that users of each segment have used, one segment after the other."""
USER_SEGMENTS = StoredArray("user_segments", "<i4")
"""(n_users,): the segment of each user."""

TIME_USERS, TIME_ITEMS = StoredArray("time_users", "<i4"), StoredArray("time_items", "<i4")
"""The pairs that have a time, the earliest first: (n_timed,)."""
TIME_VALUES, TIME_LIKED = StoredArray("time_values", "<f8"), StoredArray("time_liked", "?")
TIME_EVENTS = StoredArray("time_events", "<i4")
"""The values of each of these pairs, as ``Interactions`` has it."""
TIMES = StoredArray("times", "<i8")
"""Their times."""
FIRST_TIMES = StoredArray("first_times", "<i8")
"""The first time in each piece of the times."""
N_TIMED = StoredArray("n_timed", "<i8")
"""(2,): the number of pairs that have a time, and of those that have none."""


def item_sums(measure: Measure) -> StoredArray:
    """(n_items,): the sums of a measure of all pairs."""
    return StoredArray(f"item_{measure}", _type_of_sums(measure))


def segment_sums(measure: Measure) -> StoredArray:
    """The sums of a measure of a segment's pairs with each of the items that it has used."""
    return StoredArray(f"segment_{measure}", _type_of_sums(measure))


def _type_of_sums(measure: Measure) -> str:
    return "<i4" if measure in ("pairs", "likes") else "<f8"


def column(field: str, dtype: str) -> StoredArray:
    """The values of a field: (n_items,)."""
    return StoredArray(f"column:{field}", dtype)


def write_array(
    connection: Connection,
    table: Table,
    array: StoredArray,
    values: Array | Sequence[Any],
    order: IntArray | None = None,
) -> None:
    """Write an array of any length, some pieces at a time, so that a large one is not in memory twice.

    Args:
        order: (n,), positions of the values in the order in which they are written; None for all as they are.
    """
    length = len(values) if order is None else len(order)
    at_once = PIECES_AT_ONCE * array.per_piece
    for start in range(0, max(length, 1), at_once):
        part = values[start : start + at_once] if order is None else np.asarray(values)[order[start : start + at_once]]
        found = np.ascontiguousarray(part, dtype=array.dtype)
        rows = [
            {
                "name": array.name,
                "piece": (start + place) // array.per_piece,
                "content": found[place : place + array.per_piece].tobytes(),
            }
            for place in range(0, max(len(found), 1), array.per_piece)
        ]
        connection.execute(table.insert(), rows)


def read_array(connection: Connection, table: Table, array: StoredArray) -> Array:
    """Read a whole array.

    Raises:
        DamagedPartError: It is not there.
    """
    query = select(table.c.content).where(table.c.name == array.name).order_by(table.c.piece)
    pieces = connection.scalars(query).all()
    if not pieces:
        raise DamagedPartError(f"the catalogue lacks the array {array.name}: run `recsys-mcp prepare`")
    return np.frombuffer(b"".join(pieces), dtype=array.dtype)


class Arrays:
    """The arrays of a catalogue. What has been read whole is kept."""

    def __init__(self, database: Database, table: Table) -> None:
        self._database, self._table = database, table
        self._whole: dict[StoredArray, Array] = {}
        self._select = (
            select(table.c.piece, table.c.content)
            .where(table.c.name == bindparam("name"), table.c.piece.in_(KEYS))
            .order_by(table.c.piece)
        )

    async def whole(self, array: StoredArray) -> Array:
        """A whole array, which cannot be written.

        Raises:
            BackendError: The database cannot be read, or lacks the array.
        """
        found = self._whole.get(array)
        if found is None:
            found = await self._database.scan(lambda connection: read_array(connection, self._table, array))
            self._whole[array] = found
        return found

    async def ranges(self, arrays: Sequence[StoredArray], begins: IntArray, ends: IntArray) -> list[Array]:
        """The same ranges of several arrays, those of each array joined to one.

        Args:
            begins: (n,), where the ranges begin.
            ends: (n,), where they end.

        Raises:
            BackendError: The database cannot be read, or lacks some of them.
        """
        filled = ends > begins
        begins, ends = begins[filled], ends[filled]
        found = []
        for array in arrays:
            pieces = _touched(begins // array.per_piece, (ends - 1) // array.per_piece)
            found.append(await self._read(array, pieces, begins, ends))
        return found

    async def _read(self, array: StoredArray, pieces: IntArray, begins: IntArray, ends: IntArray) -> Array:
        def query(connection: Connection) -> Array:
            contents = [
                content
                for batch in batches(pieces.tolist())
                for _, content in connection.execute(self._select, {"name": array.name, "keys": batch})
            ]
            if len(contents) < len(pieces):
                raise DamagedPartError(f"the catalogue lacks parts of the array {array.name}: run `recsys-mcp prepare`")
            joined = np.frombuffer(b"".join(contents), dtype=array.dtype)
            places = np.searchsorted(pieces, begins // array.per_piece) * array.per_piece + begins % array.per_piece
            found = zip(places.tolist(), (ends - begins).tolist(), strict=True)
            return np.concatenate([joined[place : place + length] for place, length in found])

        if not len(pieces):
            return np.empty(0, dtype=array.dtype)
        run = self._database.read if len(pieces) <= FEW_PIECES else self._database.scan
        return await run(query)


def _touched(first: IntArray, last: IntArray) -> IntArray:
    """All pieces from each first one to each last one, once, in order."""
    ranges = zip(first.tolist(), last.tolist(), strict=True)
    return np.array(sorted({piece for one, other in ranges for piece in range(one, other + 1)}), dtype=np.int64)


def ends_of(lengths: IntArray) -> IntArray:
    """The ends of lists that follow one another, and 0 before them: (n + 1,)."""
    return np.concatenate([[0], np.cumsum(lengths)])


def as_utf8(texts: Sequence[str]) -> tuple[Array, IntArray]:
    """The UTF-8 of texts, one after the other, and the end of each: (n,)."""
    encoded = [text.encode(errors="surrogatepass") for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), ends
