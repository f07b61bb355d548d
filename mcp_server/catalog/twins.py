"""Items that a catalogue lists more than once, under several IDs."""

from collections.abc import Sequence

import numpy as np

from mcp_server.types import BoolArray, DoubleArray, FloatArray, IntArray, ShortIntArray


class Twins:
    """The items that are the same as others.

    Args:
        canonical: For each item the position of the first that is the same, for most their own: (n_items,).
    """

    def __init__(self, canonical: IntArray | ShortIntArray) -> None:
        self._canonical = canonical
        self._has_twin = np.bincount(canonical, minlength=len(canonical))[canonical] > 1
        self.n_extra = int(np.count_nonzero(canonical != np.arange(len(canonical))))
        """Number of items that are the same as an earlier one."""

    @property
    def n_items(self) -> int:
        return len(self._canonical)

    def twinned(self, items: IntArray) -> IntArray:
        """Those of some items that are the same as another item of the catalogue."""
        return items[self._has_twin[items]]

    def has_twin(self, items: IntArray) -> BoolArray:
        """True for those of some items that are the same as another item of the catalogue: (n,)."""
        return self._has_twin[items]

    def canonical(self, items: IntArray) -> IntArray:
        """For each of some items the position of the first that is the same: (n,)."""
        return self._canonical[items].astype(np.int64)

    def with_twins(self, items: IntArray) -> IntArray:
        """Items and all that are the same as one of them; some may occur twice."""
        twinned = self.twinned(items)
        return np.concatenate([items, self._same(twinned)]) if len(twinned) else items

    def others(self, items: IntArray) -> IntArray:
        """Items that are the same as one of these, without these; they rise."""
        twinned = self.twinned(items)
        if not len(twinned):
            return twinned
        same = self._same(twinned)
        return same[~np.isin(same, twinned)]

    def _same(self, twinned: IntArray) -> IntArray:
        sought = np.zeros(len(self._canonical), dtype=bool)
        sought[self._canonical[twinned]] = True
        return np.flatnonzero(sought[self._canonical])

    def repeated(self, items: IntArray, scores: FloatArray | DoubleArray) -> tuple[IntArray, IntArray]:
        """Those of some items that are the same as a better one of them: (n,), and that better one of each: (n,).

        Args:
            items: Positions, each once.
            scores: (n_items,). Of equal scores the lower position is the better one.
        """
        twinned = self.twinned(items)
        ranked = twinned[np.lexsort((twinned, -scores[twinned]))]
        _, first, group = np.unique(self._canonical[ranked], return_index=True, return_inverse=True)
        best = ranked[first][group]
        return ranked[best != ranked], best[best != ranked]

    def once(self, ranked: IntArray | Sequence[int]) -> IntArray:
        """A ranking without repetitions: items that are the same occur once, at their best place."""
        positions = np.asarray(ranked, dtype=np.int64)
        if not self._has_twin[positions].any():
            return positions
        _, first = np.unique(self._canonical[positions], return_index=True)
        return positions[np.sort(first)]
