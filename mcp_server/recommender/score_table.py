"""Precomputed scores, for models that are neither item-item nor factors (variational autoencoders, ...).

A table needs n_users * n_items numbers, and knows only the users and interactions of its training. It cannot serve
someone without an ID, and cannot tell which items of a history a recommendation comes from.
"""

from mcp_server.errors import InvalidInputError
from mcp_server.types import FloatArray, IntArray


class ScoreTable:
    """A model that looks scores up.

    Args:
        scores: (n_users, n_items) float32 or float16.
        model: Name of the model, for messages.
    """

    def __init__(self, scores: FloatArray, model: str) -> None:
        self._scores, self._model = scores, model

    def score(self, user: int | None, history: IntArray, weights: FloatArray | None = None) -> FloatArray:
        if user is None:
            raise InvalidInputError(
                f"{self._model} is served from a table of scores and knows only users of its training data; "
                "to serve new users, or a list of liked items, train CEASE or another item-item or factor model"
            )
        scores: FloatArray = self._scores[user].astype("float32")
        return scores

    def contributions(self, history: IntArray, item: int, weights: FloatArray | None = None) -> FloatArray | None:
        return None
