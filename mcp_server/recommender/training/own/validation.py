"""Rankings of models before the interactions that are held out, compared with these."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse

from mcp_server.recommender.history_weighting import HistoryWeighting
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own.histories import as_matrix, collect_histories
from mcp_server.types import BoolArray, DoubleArray, FloatArray, IntArray

MOST_USERS = 2_000
"""Users by whom models are compared."""

MOST_RANKED = 200_000_000
"""Scores that are ranked in one comparison. In large catalogues it takes fewer users, but LEAST_USERS at least."""

LEAST_USERS = 500

BLOCK_SCORES = 20_000_000
"""Scores that are in memory at a time."""

LENGTH = 10
"""Length of the rankings that are measured."""

HELD_OUT = 0.1
"""Share of each user's interactions that is held out."""

Scorer = Callable[[Any], FloatArray]
"""Scores of all items, (n_users, n_items), for histories: (n_users, n_items) sparse, the weight of each item."""

Report = Callable[[str, int, int, float | None], None]
"""Called with what was done, the number of steps done and of all, and the best NDCG so far."""


def most_users(n_items: int) -> int:
    """The number of users by whom models of so many items are compared, at most."""
    return min(MOST_USERS, max(LEAST_USERS, MOST_RANKED // n_items))


def hold_out(data: LearnedFrom, share: float = HELD_OUT, seed: int = 2020) -> BoolArray:
    """Each user's last interactions, at least one of those who have three; by chance where there are no times.

    Returns:
        (n_pairs,), True for what is held out.
    """
    order_by = np.random.default_rng(seed).random(len(data.user)) if data.times is None else data.times
    order = np.lexsort((order_by, data.user))
    n_each = np.bincount(data.user, minlength=data.n_users)
    n_held = np.where(n_each >= 3, np.maximum((n_each * share).astype(np.int64), 1), 0)
    starts = np.cumsum(n_each) - n_each
    place = np.arange(len(order)) - starts[data.user[order]]
    held = np.zeros(len(order), dtype=bool)
    held[order] = place >= (n_each - n_held)[data.user[order]]
    return held


def sparse_scorer(weights: Any) -> Scorer:
    """Scores of a model of sparse weights, (n_items, n_items)."""
    return lambda histories: (histories @ weights).toarray()


def pairs_of_users(data: LearnedFrom, chosen: BoolArray, users: IntArray) -> Any:
    """The items that users have interacted with: (n_users, n_items) sparse, 1 for each pair.

    Args:
        chosen: (n_pairs,), True for the interactions that count.
        users: (n_users,), positions.
    """
    row_of = np.full(data.n_users, -1, dtype=np.int64)
    row_of[users] = np.arange(len(users))
    rows = np.flatnonzero(chosen & (row_of[data.user] >= 0))
    places = row_of[data.user[rows]], data.item[rows]
    return scipy.sparse.csr_matrix((np.ones(len(rows), dtype=np.float32), places), shape=(len(users), data.n_items))


class Validation:
    """Rankings of some users, compared with what they liked later.

    Args:
        held: (n_pairs,), True for interactions that are held out.
    """

    def __init__(self, data: LearnedFrom, held: BoolArray) -> None:
        self._data = data
        wanted = held & data.liked
        users = np.unique(data.user[wanted])
        most = most_users(data.n_items)
        if len(users) > most:
            users = np.sort(np.random.default_rng(2020).choice(users, most, replace=False))
        self._users = users
        self._wanted = pairs_of_users(data, wanted, users)
        self._seen = pairs_of_users(data, ~held, users)
        self._histories = collect_histories(data, np.flatnonzero(~held & data.liked), users)

    @property
    def n_users(self) -> int:
        return len(self._users)

    def some_histories(self, most: int, weighting: HistoryWeighting) -> Any:
        """The histories of some of the users: (n, n_items) sparse, the weight of each item."""
        return as_matrix(self._histories[:most], weighting, self._data.n_items)

    def ndcg(self, scorer: Scorer, weighting: HistoryWeighting) -> DoubleArray:
        """NDCG of each user's ranking of all items but those that were seen before: (n_users,)."""
        histories = self.some_histories(self.n_users, weighting)
        found = [self._ndcg_of(rows, scorer(histories[rows])) for rows in self._blocks()]
        return np.concatenate(found)

    def _blocks(self) -> Iterator[IntArray]:
        size = max(BLOCK_SCORES // self._data.n_items, 1)
        for start in range(0, self.n_users, size):
            yield np.arange(start, min(start + size, self.n_users))

    def _ndcg_of(self, rows: IntArray, scores: FloatArray) -> DoubleArray:
        seen = self._seen[rows].tocoo()
        scores[seen.row, seen.col] = -np.inf
        return ndcg(scores, self._wanted[rows])


def ndcg(scores: FloatArray, wanted: Any, length: int = LENGTH) -> DoubleArray:
    """Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002) of rankings.

    Args:
        scores: (n_users, n_items).
        wanted: (n_users, n_items) sparse, with an entry for each item that a ranking should begin with; at least one a
            user.

    Returns:
        (n_users,), from 0 to 1.
    """
    n_users, n_items = scores.shape
    length = min(length, n_items)
    best = np.argpartition(-scores, length - 1, axis=1)[:, :length]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    best = np.take_along_axis(best, order, axis=1)
    hits = np.asarray(wanted[np.repeat(np.arange(n_users), length), best.ravel()]).reshape(n_users, length) > 0
    return ndcg_of_hits(hits, np.diff(wanted.indptr))


def ndcg_of_hits(hits: BoolArray, n_wanted: IntArray) -> DoubleArray:
    """The same of rankings that are given by their hits.

    Args:
        hits: (n_users, length), True where the item at this place is wanted.
        n_wanted: (n_users,), at least one.
    """
    length = hits.shape[1]
    discounts = 1 / np.log2(np.arange(2, length + 2))
    ideal = np.cumsum(discounts)[np.minimum(n_wanted, length) - 1]
    found: DoubleArray = hits @ discounts / ideal
    return found
