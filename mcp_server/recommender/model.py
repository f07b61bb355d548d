"""The protocol of a model at serving time. Ranking is separate, in ``ranker``, so that all models share it."""

from typing import Protocol

from mcp_server.types import FloatArray, IntArray


class Recommender(Protocol):
    """Scores all items for a user, or for a list of items that somebody likes."""

    def score(self, user: int | None, history: IntArray, weights: FloatArray | None = None) -> FloatArray:
        """Score every item; higher is better.

        Args:
            user: Position of the user; None for someone who is not in the data.
            history: (n,), positions of the items that the user likes.
            weights: (n,), how much each of them counts; None where each counts 1. Models of factors and tables have
                no use for them.

        Returns:
            (n_items,) float32.

        Raises:
            InvalidInputError: This kind of model cannot serve someone without an ID.
        """

    def contributions(self, history: IntArray, item: int, weights: FloatArray | None = None) -> FloatArray | None:
        """Amounts, (n,), that the items of the history add to the score of ``item``.

        None where the model cannot tell.
        """
