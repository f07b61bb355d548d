"""A model of what items are, beside one of who used them: it reaches items that nobody has used.

An item scores by its mean likeness to the items of a history: the products of their names, which are vectors of unit
length, and of the vectors of their texts. Each item has a weight for that, which is 0 where the other model knows
better.
"""

from dataclasses import dataclass

import numpy as np

from mcp_server.catalog.compressed_rows import entries_of
from mcp_server.recommender.history_weighting import weight_of_each
from mcp_server.recommender.model import Recommender
from mcp_server.types import FloatArray, IntArray


@dataclass(frozen=True)
class ItemContent:
    """Names and texts of items. The names are compressed sparse rows (CSR) of n_names columns."""

    indptr: IntArray
    """(n_items + 1,) int64, the place where each row begins."""
    indices: IntArray
    """(n_entries,) int32, the column of each entry."""
    values: FloatArray
    """(n_entries,) float32."""
    vectors: FloatArray
    """(n_items, dimension) float32, of the texts; dimension 0 where there are none."""

    def rows(self, items: IntArray) -> "ItemContent":
        """The same for some items."""
        lengths, places = entries_of(self.indptr, items)
        indptr = np.append(0, np.cumsum(lengths))
        return ItemContent(indptr, self.indices[places], self.values[places], self.vectors[items])

    def total(self, weights: FloatArray, n_names: int) -> tuple[FloatArray, FloatArray]:
        """The weighted sum of all rows: of names, (n_names,), and of texts, (dimension,)."""
        each = self.values * np.repeat(weights, np.diff(self.indptr))
        return np.bincount(self.indices, each, n_names).astype(np.float32), weights @ self.vectors

    def times(self, total: tuple[FloatArray, FloatArray]) -> FloatArray:
        """The product of each row with such a sum: (n_items,)."""
        names, vector = total
        found = np.zeros(len(self.indptr) - 1, dtype=np.float32)
        with_names = np.flatnonzero(np.diff(self.indptr))
        if len(with_names):
            found[with_names] = np.add.reduceat(self.values * names[self.indices], self.indptr[with_names])
        return found + self.vectors @ vector if len(vector) else found


class WithContent:
    """A model whose scores are another model's, and the likeness of items to the history.

    Args:
        weights: (n_items,) float32, the weight of each item's likeness.
    """

    def __init__(self, model: Recommender, content: ItemContent, weights: FloatArray) -> None:
        self._model, self._content, self._weights = model, content, weights
        self._n_names = int(content.indices.max(initial=-1)) + 1
        self._weighted = np.flatnonzero(weights)
        self._scored = content.rows(self._weighted)

    def score(self, user: int | None, history: IntArray, weights: FloatArray | None = None) -> FloatArray:
        scores = self._model.score(user, history, weights).copy()  # which the model may keep
        shares = _shares(history, weights)
        likeness = self._scored.times(self._content.rows(history).total(shares, self._n_names))
        scores[self._weighted] += self._weights[self._weighted] * likeness
        return scores

    def contributions(self, history: IntArray, item: int, weights: FloatArray | None = None) -> FloatArray | None:
        found = self._model.contributions(history, item, weights)
        if found is None or not self._weights[item]:
            return found
        one = np.ones(1, dtype=np.float32)
        likeness = self._content.rows(history).times(self._content.rows(np.array([item])).total(one, self._n_names))
        total: FloatArray = found + self._weights[item] * _shares(history, weights) * likeness
        return total


def _shares(history: IntArray, weights: FloatArray | None) -> FloatArray:
    """The share of each item of a history in its weight: (n,)."""
    counted = weight_of_each(history, weights)
    return counted / np.float32(counted.sum() or 1.0)
