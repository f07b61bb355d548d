"""The weights of the items of a history."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from mcp_server.catalog.liked_history import LikedHistory
from mcp_server.types import FloatArray, IntArray


class HistoryWeighting(BaseModel):
    """The rule by which items of a history weigh more or less. By default, all count alike.

    A rating r of the item that is the n-th newest, counted from 0, weighs
    (1 + per_rating * (r - middle)) * (1 + n) ** -recency, and never less than 0.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_rating: float = 0.0
    middle: float = 0.0
    """The rating that weighs 1."""
    recency: float = 0.0

    def weights(self, history: LikedHistory) -> FloatArray | None:
        """The weight of each item, (n,); None where all weigh 1."""
        found = np.ones(len(history))
        if self.per_rating and history.ratings is not None:
            found *= np.maximum(1 + self.per_rating * (history.ratings - self.middle), 0)
        if self.recency and history.newest_first:
            found *= (1.0 + np.arange(len(history))) ** -self.recency
        return None if (found == 1).all() else found.astype(np.float32)


def weight_of_each(history: IntArray, weights: FloatArray | None) -> FloatArray:
    """The weights of a history's items, (n,): 1 for each where there are none."""
    return np.ones(len(history), dtype=np.float32) if weights is None else weights


ALL_ALIKE = HistoryWeighting()
