"""The weight of what items are beside who used them, in models that learn from interactions alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own.validation import Scorer
from mcp_server.types import FloatArray

MOST_VECTOR_NUMBERS = 100_000_000
"""Numbers in the vectors of texts up to which they take part: 400 MB."""

PLACE = 10
"""Place in a ranking by which the scores of two models are put on one scale."""


@dataclass(frozen=True)
class Content:
    """The names and texts of the items."""

    names: Any
    """(n_items, n_names) sparse, rows of unit length or 0."""
    vectors: FloatArray
    """(n_items, dimension)."""

    @classmethod
    def of(cls, data: LearnedFrom) -> "Content | None":
        """The content of all items; None where nothing is known of them."""
        vectors = data.vectors
        if vectors is not None and vectors.size > MOST_VECTOR_NUMBERS:
            vectors = None
        if data.names is None and vectors is None:
            return None
        names = scipy.sparse.csr_matrix((data.n_items, 0), dtype=np.float32) if data.names is None else data.names
        if vectors is None:
            vectors = np.zeros((data.n_items, 0), dtype=np.float32)
        return cls(names.astype(np.float32), vectors)

    def likeness(self, histories: Any) -> FloatArray:
        """The mean likeness of each item to histories: (n_histories, n_items)."""
        totals = np.asarray(histories.sum(axis=1)).ravel()
        shares = scipy.sparse.diags((1 / np.where(totals > 0, totals, 1)).astype(np.float32)) @ histories
        found: FloatArray = np.asarray(((shares @ self.names) @ self.names.T).todense(), dtype=np.float32)
        if self.vectors.shape[1]:
            found += np.asarray(shares @ self.vectors) @ self.vectors.T
        return found

    def arrays(self, weights: FloatArray) -> dict[str, Any]:
        """The arrays of an artifact.

        Args:
            weights: (n_items,), the weight of each item's likeness.
        """
        return {
            "content_indptr": self.names.indptr.astype(np.int64),
            "content_indices": self.names.indices.astype(np.int32),
            "content_values": self.names.data.astype(np.float32),
            "content_vectors": self.vectors,
            "content_weights": weights,
        }


def with_content(scorer: Scorer, content: Content, weights: FloatArray) -> Scorer:
    """Scores of a model with the likeness of items added."""

    def score(histories: Any) -> FloatArray:
        return scorer(histories) + weights * content.likeness(histories)

    return score


def scale_of(scorer: Scorer, content: Content, histories: Any) -> float:
    """The factor by which the likeness of items is of the same size as a model's scores, at a place of their rankings.

    Args:
        histories: (n_histories, n_items) sparse.
    """
    place = max(histories.shape[1] - PLACE, 0)
    both = scorer(histories), content.likeness(histories)
    ours, likeness = (float(np.partition(each, place, axis=1)[:, place].mean()) for each in both)
    return ours / likeness if likeness > 0 else 0.0
