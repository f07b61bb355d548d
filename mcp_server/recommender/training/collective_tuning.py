"""The choice of collective EASE's settings, by what it would have recommended before the interactions held out."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse

from mcp_server.recommender.history_weighting import HistoryWeighting
from mcp_server.recommender.training.collective_ease import MOST_KEPT_ITEMS, CollectiveEase, Settings
from mcp_server.recommender.training.histories import as_matrix, collect_histories
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.types import BoolArray, DoubleArray, FloatArray, IntArray

WITHOUT_FIT = {"recency": (0.0, 0.25, 0.5, 1.0), "per_rating": (0.0, 0.1, 0.2), "sharpness": (0.6, 0.8, 1.0)}
"""Values to choose from of settings that need no new fit."""

WITH_FIT = {
    "regularization": (2.0, 4.0, 8.0, 16.0, 32.0),
    "categories": (0.0, 0.6, 1.2, 2.4),
    "texts": (0.0, 0.4, 0.8),
    "co_liking": (0.0, 0.2, 0.4),
    "activity": (0.0, 0.35, 0.6),
}
"""Values to choose from of settings each of which needs a fit. Above MOST_KEPT_ITEMS items a fit takes seconds, and all
of these keep their defaults."""

MOST_USERS = 2_000
"""Users by whom settings are compared."""

LENGTH = 10
"""Length of the rankings that are measured."""

HELD_OUT = 0.1
"""Share of each user's interactions that is held out."""

CLEAR = 2.0
"""Standard errors of a paired difference, beyond which it is no chance."""

Report = Callable[[str, int, int, float], None]
"""Called with what was tried, the number of trials done and of all, and the best NDCG so far."""


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


class Validation:
    """Rankings of some users, compared with what they liked later.

    Args:
        held: (n_pairs,), True for interactions that are held out.
    """

    def __init__(self, data: LearnedFrom, held: BoolArray) -> None:
        self._data = data
        wanted = held & data.liked
        users = np.unique(data.user[wanted])
        if len(users) > MOST_USERS:
            users = np.sort(np.random.default_rng(2020).choice(users, MOST_USERS, replace=False))
        self._users = users
        self._row_of = np.full(data.n_users, -1, dtype=np.int64)
        self._row_of[users] = np.arange(len(users))
        self._wanted = self._matrix(np.flatnonzero(wanted)).toarray() > 0
        self._seen = self._matrix(np.flatnonzero(~held)).toarray() > 0
        self._histories = collect_histories(data, np.flatnonzero(~held & data.liked), users)

    @property
    def n_users(self) -> int:
        return len(self._users)

    def _matrix(self, rows: IntArray) -> Any:
        row_of = self._row_of[self._data.user[rows]]
        rows, row_of = rows[row_of >= 0], row_of[row_of >= 0]
        shape = (self.n_users, self._data.n_items)
        return scipy.sparse.csr_matrix((np.ones(len(rows)), (row_of, self._data.item[rows])), shape=shape)

    def ndcg(self, weights: FloatArray, weighting: HistoryWeighting) -> DoubleArray:
        """NDCG of each user's ranking of all items but those that were seen before: (n_users,)."""
        scores = np.asarray(as_matrix(self._histories, weighting, self._data.n_items) @ weights)
        scores[self._seen] = -np.inf
        return ndcg(scores, self._wanted)


def ndcg(scores: FloatArray, wanted: BoolArray, length: int = LENGTH) -> DoubleArray:
    """Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002) of rankings.

    Args:
        scores: (n_users, n_items).
        wanted: (n_users, n_items), True for the items that a ranking should begin with; at least one a user.

    Returns:
        (n_users,), from 0 to 1.
    """
    length = min(length, scores.shape[1])
    best = np.argpartition(-scores, length - 1, axis=1)[:, :length]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    hits = np.take_along_axis(wanted, np.take_along_axis(best, order, axis=1), axis=1)
    discounts = 1 / np.log2(np.arange(2, length + 2))
    ideal = np.cumsum(discounts)[np.minimum(wanted.sum(axis=1), length) - 1]
    found: DoubleArray = (hits * discounts).sum(axis=1) / ideal
    return found


@dataclass(frozen=True)
class Choice:
    """Settings, and the validation by which they were chosen."""

    settings: Settings
    tried: dict[str, float]
    """Mean NDCG of what was tried; empty where nothing was."""


def weighting_of(settings: Settings, data: LearnedFrom) -> HistoryWeighting:
    """The weights of a history's items by some settings."""
    return HistoryWeighting(per_rating=settings.per_rating, middle=data.middle, recency=settings.recency)


def choose(data: LearnedFrom, given: dict[str, float], report: Report) -> Choice:
    """Choose all settings that are not given, one after the other.

    A value is taken if its gain, averaged over users, is more than CLEAR standard errors. So what was found on other
    data stays where the validation cannot tell.
    """
    settings = replace(Settings(), **given).for_data(data)
    held = hold_out(data)
    validation = Validation(data, held)
    if not validation.n_users:
        return Choice(settings, {})
    model = CollectiveEase(data, np.flatnonzero(~held))
    trials = list(_trials(settings, given, data))
    tried: dict[str, float] = {}

    def measured(candidate: Settings) -> DoubleArray:
        return validation.ndcg(model.weights(candidate), weighting_of(candidate, data))

    best = measured(settings)
    tried["defaults"] = round(float(best.mean()), 4)
    for number, (name, value) in enumerate(trials, start=1):
        if getattr(settings, name) != value:
            candidate = replace(settings, **{name: value})
            found = measured(candidate)
            tried[f"{name} {value:g}"] = round(float(found.mean()), 4)
            gain = found - best
            if gain.mean() > CLEAR * gain.std() / math.sqrt(len(gain)):
                best, settings = found, candidate
        report(f"{name} {value:g}", number, len(trials), float(best.mean()))
    return Choice(settings, tried)


def _trials(settings: Settings, given: dict[str, float], data: LearnedFrom) -> Iterator[tuple[str, float]]:
    grids = {**WITHOUT_FIT, **(WITH_FIT if data.n_items <= MOST_KEPT_ITEMS else {})}
    for name, values in grids.items():
        is_absent = getattr(settings, name) == 0 and getattr(Settings(), name) != 0
        if name not in given and not is_absent:
            yield from ((name, value) for value in values)
