"""Models compared with the best one on the same users, by paired bootstrap."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from mcp_server.types import DoubleArray, IntArray

N_RESAMPLES = 2_000
CONFIDENCE = 0.95
SEED = 2020

DRAWN_AT_ONCE = 2**22
"""Upper bound on the numbers drawn at once, unless one resample needs more."""


@dataclass(frozen=True)
class OfUsers:
    """One metric of one model, user by user."""

    ids: Sequence[int | str]
    """(n_users,), each once."""
    values: DoubleArray
    """(n_users,)"""


@dataclass(frozen=True)
class Interval:
    """A mean over users and its bootstrap interval."""

    mean: float
    low: float
    high: float

    @property
    def has_zero(self) -> bool:
        """True if the mean may differ from 0 by chance alone."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True)
class Comparison:
    """Models compared on the users that all of them were measured on."""

    best: str
    """The model with the highest mean."""
    means: dict[str, Interval]
    differences: dict[str, Interval]
    """The mean difference of each other model from the best one, user by user."""


def compare(models: Mapping[str, OfUsers]) -> Comparison:
    """Compare models by a metric of which more is better.

    Users are drawn with replacement, each draw for all models at once, so that a difference is that of the same users
    (Efron and Tibshirani 1993, "An Introduction to the Bootstrap"). Intervals are percentiles of the resampled means.

    Raises:
        ValueError: There is no model, or no user that all have in common.
    """
    values = _aligned(list(models.values()))
    means = values.mean(axis=0)
    resampled = np.concatenate(list(_resampled_means(values)))
    best = int(means.argmax())
    names = list(models)
    return Comparison(
        best=names[best],
        means={name: _interval(means[at], resampled[:, at]) for at, name in enumerate(names)},
        differences={
            name: _interval(means[at] - means[best], resampled[:, at] - resampled[:, best])
            for at, name in enumerate(names)
            if at != best
        },
    )


def _aligned(models: Sequence[OfUsers]) -> DoubleArray:
    """(n_users, n_models), a row for each user that all models have."""
    common = reduce(np.intersect1d, (np.asarray(model.ids) for model in models))
    if not len(common):
        raise ValueError("the models have no user in common")
    columns = []
    for model in models:
        ids = np.asarray(model.ids)
        order = np.argsort(ids)
        columns.append(model.values[order[np.searchsorted(ids, common, sorter=order)]])
    return np.stack(columns, axis=1)


def _resampled_means(values: DoubleArray) -> Iterator[DoubleArray]:
    """The means over users drawn with replacement, (n_resamples, n_models) in all, in batches of resamples."""
    n_users = len(values)
    chance = np.random.default_rng(SEED)
    n_at_once = max(1, DRAWN_AT_ONCE // n_users)
    for start in range(0, N_RESAMPLES, n_at_once):
        n_drawn = min(n_at_once, N_RESAMPLES - start)
        drawn: IntArray = chance.integers(n_users, size=(n_drawn, n_users))
        drawn += np.arange(n_drawn)[:, None] * n_users
        times = np.bincount(drawn.ravel(), minlength=n_drawn * n_users).reshape(n_drawn, n_users)
        yield times @ values / n_users


def _interval(mean: float, resampled: DoubleArray) -> Interval:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(float(mean), float(low), float(high))
