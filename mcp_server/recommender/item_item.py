"""Item-item models: a user's scores are the sum of the rows of a weight matrix that their history names.

Serves EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data"), SLIM (Ning and Karypis
2011), ItemKNN. New interactions count at once, without training, and someone without an ID is served from a list
of items. The dense form needs n_items² numbers: 20,000 items are 1.6 GB. Beyond that, the sparse form keeps the
strongest weights of each item.
"""

import numpy as np

from mcp_server.types import FloatArray, IntArray


class ItemItemModel:
    """A model of dense weights.

    Args:
        weights: (n_items, n_items) float32. Rows are items of the history, columns items that are scored.
        offset: (n_items,) float32, added to every user's scores; zero for most models.
    """

    def __init__(self, weights: FloatArray, offset: FloatArray) -> None:
        self._weights, self._offset = weights, offset

    def score(self, user: int | None, history: IntArray) -> FloatArray:
        scores: FloatArray = self._weights[history].sum(axis=0) + self._offset
        return scores

    def contributions(self, history: IntArray, item: int) -> FloatArray | None:
        column: FloatArray = self._weights[history, item]
        return column


class SparseItemItemModel:
    """A model of sparse weights, as compressed rows (CSR).

    Args:
        indptr: (n_items + 1,) int64, the place where each row begins.
        indices: (n_weights,) int32, the column of each weight.
        values: (n_weights,) float32.
        offset: (n_items,) float32, added to every user's scores.
    """

    def __init__(self, indptr: IntArray, indices: IntArray, values: FloatArray, offset: FloatArray) -> None:
        self._indptr, self._indices, self._values, self._offset = indptr, indices, values, offset

    def _row(self, item: int) -> slice:
        return slice(int(self._indptr[item]), int(self._indptr[item + 1]))

    def score(self, user: int | None, history: IntArray) -> FloatArray:
        scores = self._offset.copy()
        for item in history:
            row = self._row(item)
            scores[self._indices[row]] += self._values[row]  # a row names a column once
        return scores

    def contributions(self, history: IntArray, item: int) -> FloatArray | None:
        weights = np.zeros(len(history), dtype=np.float32)
        for position, other in enumerate(history):
            row = self._row(other)
            weights[position] = self._values[row][self._indices[row] == item].sum()
        return weights
