"""Weights between items of which only the strongest are kept, where that costs next to nothing."""

from typing import Any

import numpy as np
import scipy.sparse

from mcp_server.recommender.history_weighting import HistoryWeighting
from mcp_server.recommender.training.own.precision import DensePrecision
from mcp_server.recommender.training.own.validation import Validation, sparse_scorer
from mcp_server.types import FloatArray

SMALL_ITEMS = 2_000
"""Items up to which all weights are kept: 16 MB."""

KEPT = (100, 200, 400, 800)
"""Numbers of weights towards an item to choose from."""

MOST_SHARE = 0.25
"""Share of the items up to which sparse weights are worth their indices."""

MOST_LOSS = 0.005
"""Share of the NDCG on the validation split that may be lost."""

BLOCK_ITEMS = 1_024
"""Items whose weights are looked at together."""


def choose_kept(
    precision: DensePrecision, scale: FloatArray, validation: Validation, weighting: HistoryWeighting, ndcg: float
) -> int | None:
    """The number of weights towards each item to keep; None for all.

    Args:
        precision: That of the model that was validated.
        scale: (n_items,), the factors of its columns.
        ndcg: Its mean NDCG with all weights.
    """
    n_items = len(scale)
    for kept in KEPT:
        if n_items <= SMALL_ITEMS or kept > MOST_SHARE * n_items:
            return None
        found = validation.ndcg(sparse_scorer(prune(precision, scale, kept)), weighting)
        if found.mean() >= (1 - MOST_LOSS) * ndcg:
            return kept
    return None


def prune(precision: DensePrecision, scale: FloatArray, kept: int) -> Any:
    """The strongest weights towards each item, as a sparse matrix: (n_items, n_items) float32, by rows.

    Args:
        scale: (n_items,), the factors of the columns.
    """
    n_items = len(scale)
    columns, values = list[Any](), list[Any]()
    for start in range(0, n_items, BLOCK_ITEMS):
        block = precision.rows(slice(start, start + BLOCK_ITEMS))  # the columns, as the precision is symmetric
        best = np.argpartition(-np.abs(block), kept - 1, axis=1)[:, :kept]
        columns.append(best.ravel())
        values.append((np.take_along_axis(block, best, axis=1) * scale[start : start + len(block), None]).ravel())
    ends = np.arange(n_items + 1) * kept
    towards = scipy.sparse.csr_matrix((np.concatenate(values), np.concatenate(columns), ends), shape=(n_items, n_items))
    towards.eliminate_zeros()
    return towards.T.tocsr()
