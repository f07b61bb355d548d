"""Factor models: a score is the inner product of a user's and an item's vector.

``FactorModel`` serves BPR (Rendle et al. 2009), LightGCN (He et al. 2020) and every other model of RecBole whose
scores turn out to be such products. A user's vector is fixed by training: later interactions change which items are
left out, not the ranking. Someone without a vector gets one by ridge regression on the item vectors, and the same
regression splits a score into contributions of the history (Hu, Koren and Volinsky 2008, section 5).

``ImplicitFactorModel`` serves alternating least squares for implicit feedback, from the same paper. There every user's
vector is the solution of a regression on the history of now, so nothing is kept of users, and new interactions count at
once.
"""

import numpy as np

from mcp_server.recommender.history_weighting import weight_of_each
from mcp_server.types import FloatArray, IntArray

RIDGE = 0.1
"""Regularisation of the regression, relative to the mean squared length of an item vector."""


class FactorModel:
    """A model of user and item vectors.

    Args:
        user_factors: (n_users, n_factors) float32. A row of zeros stands for a user without a vector.
        item_factors: (n_items, n_factors) float32.
    """

    def __init__(self, user_factors: FloatArray, item_factors: FloatArray) -> None:
        if user_factors.shape[1] != item_factors.shape[1]:
            raise ValueError("user and item vectors differ in length")
        self._users, self._items = user_factors, item_factors
        self._ridge = RIDGE * float(np.square(item_factors).sum(axis=1).mean() or 1.0)

    def score(self, user: int | None, history: IntArray, weights: FloatArray | None = None) -> FloatArray:
        vector = None if user is None else self._users[user]
        if vector is None or not vector.any():
            vector = self._fold_in(history)
        scores: FloatArray = self._items @ vector
        return scores

    def _solve(self, history: IntArray, targets: FloatArray) -> FloatArray:
        known = self._items[history]
        gram = known.T @ known + self._ridge * np.eye(known.shape[1], dtype=np.float32)
        solution: FloatArray = np.linalg.solve(gram, targets).astype(np.float32)
        return solution

    def _fold_in(self, history: IntArray) -> FloatArray:
        """The vector, (n_factors,), whose products with the items of the history come nearest to 1."""
        return self._solve(history, self._items[history].sum(axis=0))

    def contributions(self, history: IntArray, item: int, weights: FloatArray | None = None) -> FloatArray | None:
        shares: FloatArray = self._items[history] @ self._solve(history, self._items[item])
        return shares


class ImplicitFactorModel:
    """A model of item vectors that gives users theirs by the half step of its training.

    With Y the item vectors, Y_h those of a history, w its weights and c the confidence, a user's vector is

        (Y' Y + Y_h' diag(c w) Y_h + regularization I)^-1 Y_h' (1 + c) w

    Args:
        item_factors: (n_items, n_factors) float32.
        confidence: (1,) float32, c, by which an interaction counts more than the lack of one; from 0 on.
        regularization: (1,) float32, above 0.
    """

    def __init__(self, item_factors: FloatArray, confidence: FloatArray, regularization: FloatArray) -> None:
        self._items, self._confidence = item_factors, confidence[0]
        self._gram = item_factors.T @ item_factors
        self._gram[np.diag_indices_from(self._gram)] += regularization[0]

    def score(self, user: int | None, history: IntArray, weights: FloatArray | None = None) -> FloatArray:
        known, counted = self._known(history, weights)
        scores: FloatArray = self._items @ self._solve(known, counted, (1 + self._confidence) * (counted @ known))
        return scores

    def contributions(self, history: IntArray, item: int, weights: FloatArray | None = None) -> FloatArray | None:
        known, counted = self._known(history, weights)
        shares: FloatArray = (1 + self._confidence) * counted * (known @ self._solve(known, counted, self._items[item]))
        return shares

    def _known(self, history: IntArray, weights: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        """The vectors of a history's items, and their weights."""
        return self._items[history], weight_of_each(history, weights)

    def _solve(self, known: FloatArray, counted: FloatArray, targets: FloatArray) -> FloatArray:
        gram = self._gram + (known.T * (self._confidence * counted)) @ known
        solution: FloatArray = np.linalg.solve(gram, targets).astype(np.float32)
        return solution
