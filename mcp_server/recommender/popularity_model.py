"""A stand-in for a trained model, where there is too little to train one on: everybody gets what is popular."""

from mcp_server.types import FloatArray, IntArray


class PopularityModel:
    """A model that scores items by their popularity.

    Args:
        scores: Popularity of the items: (n_items,) float32.
    """

    def __init__(self, scores: FloatArray) -> None:
        self._scores = scores

    def score(self, user: int | None, history: IntArray, weights: FloatArray | None = None) -> FloatArray:
        return self._scores

    def contributions(self, history: IntArray, item: int, weights: FloatArray | None = None) -> FloatArray | None:
        return None
