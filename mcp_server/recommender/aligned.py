"""A model in the service of a catalogue that has changed since its training.

Positions are translated at each call, rather than the model's arrays when it is opened: a matrix of items grows with
the square of a catalogue, and most of what it grew by would be zeros.
"""

import numpy as np

from mcp_server.recommender.model import Recommender
from mcp_server.types import FloatArray, IntArray


class AlignedModel:
    """A model behind the positions of another catalogue.

    Items that the model does not know score less than all that it knows, and add nothing to other scores. Users whom it
    does not know are served as somebody without an ID.

    Args:
        own_items: (n_items,), the model's position of each item of the catalogue; -1 where it does not know the item.
        own_users: (n_users,), the model's position of each user, or -1; None where they are the same.
    """

    def __init__(self, model: Recommender, own_items: IntArray, own_users: IntArray | None) -> None:
        self._model, self._own_items, self._own_users = model, own_items, own_users
        self._known = np.flatnonzero(own_items >= 0)
        self._own_known = own_items[self._known]

    def score(self, user: int | None, history: IntArray, weights: FloatArray | None = None) -> FloatArray:
        own = self._model.score(self._own_user(user), *self._own_history(history, weights))[self._own_known]
        scores = np.zeros(len(self._own_items), dtype=np.float32)
        if len(own) and own.min() < own.max():
            scores[:] = max(np.nextafter(own.min(), np.float32(-np.inf)), np.finfo(np.float32).min)
            scores[self._known] = own
        return scores

    def contributions(self, history: IntArray, item: int, weights: FloatArray | None = None) -> FloatArray | None:
        shares = np.zeros(len(history), dtype=np.float32)
        if self._own_items[item] < 0:
            return shares
        own_history, own_weights = self._own_history(history, weights)
        own = self._model.contributions(own_history, int(self._own_items[item]), own_weights)
        if own is None:
            return None
        shares[self._own_items[history] >= 0] = own
        return shares

    def _own_user(self, user: int | None) -> int | None:
        if user is None or self._own_users is None:
            return user
        own = int(self._own_users[user])
        return None if own < 0 else own

    def _own_history(self, history: IntArray, weights: FloatArray | None) -> tuple[IntArray, FloatArray | None]:
        own = self._own_items[history]
        known = own >= 0
        return own[known], None if weights is None else weights[known]
