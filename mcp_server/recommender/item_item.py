"""Item-item models: a user's scores are the sum of the rows of a weight matrix that their history names.

Serves EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data"), SLIM (Ning and Karypis
2011), ItemKNN. New interactions count at once, without training, and someone without an ID is served from a list
of items. The dense form needs n_items² numbers: 12,000 items are 576 MB. The sparse form keeps the strongest weights of
each item; the low-rank form keeps what the weights are products of.
"""

import numpy as np

from mcp_server.catalog.compressed_rows import entries_of
from mcp_server.recommender.history_weighting import weight_of_each
from mcp_server.types import FloatArray, IntArray


class ItemItemModel:
    """A model of dense weights.

    Args:
        weights: (n_items, n_items) float32. Rows are items of the history, columns items that are scored.
        offset: (n_items,) float32, added to every user's scores; zero for most models.
    """

    def __init__(self, weights: FloatArray, offset: FloatArray) -> None:
        self._weights, self._offset = weights, offset

    def score(self, user: int | None, history: IntArray, weights: FloatArray | None = None) -> FloatArray:
        rows = self._weights[history]
        scores: FloatArray = (rows.sum(axis=0) if weights is None else weights @ rows) + self._offset
        return scores

    def contributions(self, history: IntArray, item: int, weights: FloatArray | None = None) -> FloatArray | None:
        column: FloatArray = self._weights[history, item]
        return column if weights is None else weights * column


class LowRankItemItemModel:
    """A model whose weight of item j towards item i is ``vectors[j] @ vectors[i] * factors[i]``, and 0 where j is i.

    Args:
        vectors: (n_items, n_rows) float32.
        factors: (n_items,) float32.
    """

    def __init__(self, vectors: FloatArray, factors: FloatArray) -> None:
        self._vectors, self._factors = vectors, factors

    def score(self, user: int | None, history: IntArray, weights: FloatArray | None = None) -> FloatArray:
        known = self._vectors[history]
        counted = weight_of_each(history, weights)
        scores: FloatArray = self._vectors @ (counted @ known)
        scores[history] -= counted * np.einsum("ij,ij->i", known, known)
        scores *= self._factors
        return scores

    def contributions(self, history: IntArray, item: int, weights: FloatArray | None = None) -> FloatArray | None:
        shares: FloatArray = self._vectors[history] @ self._vectors[item] * self._factors[item]
        shares[history == item] = 0
        return shares if weights is None else weights * shares


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

    def score(self, user: int | None, history: IntArray, weights: FloatArray | None = None) -> FloatArray:
        lengths, entries = entries_of(self._indptr, history)
        values = self._values[entries]
        if weights is not None:
            values = values * np.repeat(weights, lengths)
        scores = self._offset + np.bincount(self._indices[entries], values, len(self._offset))
        return scores.astype(np.float32)

    def contributions(self, history: IntArray, item: int, weights: FloatArray | None = None) -> FloatArray | None:
        if len(history) and (history[1:] == history[:-1] + 1).all():  # rows in a run are one slice, without copies
            begin, end = self._indptr[history[0]], self._indptr[history[-1] + 1]
            entries = begin + np.flatnonzero(self._indices[begin:end] == item)
            places = np.searchsorted(self._indptr, entries, side="right") - 1 - history[0]
        else:
            lengths, entries = entries_of(self._indptr, history)
            of_item = np.flatnonzero(self._indices[entries] == item)
            entries, places = entries[of_item], np.searchsorted(np.cumsum(lengths), of_item, side="right")
        shares = np.bincount(places, self._values[entries], len(history))
        return (shares if weights is None else weights * shares).astype(np.float32)
