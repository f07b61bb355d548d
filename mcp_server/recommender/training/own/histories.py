"""The histories of users while a model is trained, as they are later while it is served."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse

from mcp_server.catalog.liked_history import LikedHistory
from mcp_server.recommender.history_weighting import HistoryWeighting, weight_of_each
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.types import IntArray


def collect_histories(data: LearnedFrom, rows: IntArray, users: IntArray) -> list[LikedHistory]:
    """The histories of some users, newest first.

    Args:
        rows: Positions in ``data`` of the interactions that the histories consist of.
        users: Positions of the users, which rise.
    """
    wanted = np.zeros(data.n_users, dtype=bool)
    wanted[users] = True
    rows = rows[wanted[data.user[rows]]]
    age = np.zeros(len(rows)) if data.times is None else -data.times[rows].astype(np.float64)
    rows = rows[np.lexsort((age, data.user[rows]))]
    starts, ends = (np.searchsorted(data.user[rows], users, side=side) for side in ("left", "right"))
    return [
        LikedHistory(
            data.item[rows[start:end]],
            None if data.ratings is None else data.ratings[rows[start:end]],
            newest_first=data.times is not None,
        )
        for start, end in zip(starts, ends, strict=True)
    ]


def as_matrix(histories: Sequence[LikedHistory], weighting: HistoryWeighting, n_items: int) -> Any:
    """A sparse matrix, (n_histories, n_items) float32, of the weight of each item in each history."""
    weights = [weighting.weights(history) for history in histories]
    values = [weight_of_each(history.items, each) for history, each in zip(histories, weights, strict=True)]
    ends = np.cumsum([len(history) for history in histories])
    parts = (np.concatenate(values), np.concatenate([history.items for history in histories]), np.append(0, ends))
    return scipy.sparse.csr_matrix(parts, shape=(len(histories), n_items))
