"""Popularity in place of a trained model, for catalogues with too little to learn from."""

from mcp_server.types import FloatArray, IntArray


class PopularityModel:
    """A model that scores every item by its number of interactions, whoever asks.

    Args:
        scores: (n_items,) float32.
    """

    def __init__(self, scores: FloatArray) -> None:
        self._scores = scores

    def score(self, user: int | None, history: IntArray) -> FloatArray:
        return self._scores

    def contributions(self, history: IntArray, item: int) -> FloatArray | None:
        return None
