"""The IDs of all items by their positions, and positions by IDs, which rise with them: halving finds each."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from mcp_server.catalog.arrays import INTEGER_IDS, TEXT_ID_ENDS, TEXT_IDS, Arrays
from mcp_server.types import Id, IntArray

UNKNOWN = -1
"""Stands for the position of an ID that no item has."""


class IntegerIds:
    """IDs that are whole numbers.

    Args:
        ids: (n_items,), which rise.
    """

    def __init__(self, ids: IntArray) -> None:
        self._ids = ids

    def at(self, idx: IntArray) -> list[Id]:
        """The IDs of positions."""
        found: list[Id] = self._ids[idx].tolist()
        return found

    def find(self, ids: Sequence[Id]) -> IntArray:
        """The position of each ID, or UNKNOWN: (n,)."""
        least, greatest = int(self._ids[0]), int(self._ids[-1])
        # An item set may be of an earlier state of the dataset, whose IDs were texts.
        possible = [each if isinstance(each, int) and least <= each <= greatest else None for each in ids]
        sought = np.array([least if each is None else each for each in possible], dtype=np.int64)
        found = np.searchsorted(self._ids, sought)
        is_there = (self._ids[found] == sought) & np.array([each is not None for each in possible], dtype=bool)
        return np.where(is_there, found, UNKNOWN)


class TextIds:
    """IDs that are texts.

    Args:
        content: The UTF-8 of all IDs, one after the other. They rise by code points, which is the order of their bytes.
        ends: (n_items,), the end of each.
    """

    def __init__(self, content: bytes, ends: IntArray) -> None:
        self._content, self._ends = content, ends

    def at(self, idx: IntArray) -> list[Id]:
        """The IDs of positions."""
        return [self._bytes(position).decode(errors="surrogatepass") for position in idx.tolist()]

    def find(self, ids: Sequence[Id]) -> IntArray:
        """The position of each ID, or UNKNOWN: (n,)."""
        return np.array([self._find(each) for each in ids], dtype=np.int64)

    def _find(self, sought: Id) -> int:
        if not isinstance(sought, str):
            return UNKNOWN
        encoded, n_items = sought.encode(errors="surrogatepass"), len(self._ends)
        found = bisect_left(range(n_items), encoded, key=self._bytes)
        return found if found < n_items and self._bytes(found) == encoded else UNKNOWN

    def _bytes(self, position: int) -> bytes:
        return self._content[int(self._ends[position - 1]) if position else 0 : int(self._ends[position])]


ItemIds = IntegerIds | TextIds


async def read_item_ids(arrays: Arrays, id_type: str) -> ItemIds:
    """Read the IDs of a catalogue.

    Args:
        id_type: "integer" or "string", as the specification has it.

    Raises:
        BackendError: The database cannot be read, or lacks them.
    """
    if id_type == "integer":
        return IntegerIds(await arrays.whole(INTEGER_IDS))
    content, ends = await arrays.whole(TEXT_IDS), await arrays.whole(TEXT_ID_ENDS)
    return TextIds(content.tobytes(), ends)
