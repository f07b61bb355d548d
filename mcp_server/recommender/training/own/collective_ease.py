"""Collective EASE: an item-item model in closed form, learned from interactions, ratings, categories and texts at once.

Sources: Steck 2019 ("Embarrassingly Shallow Autoencoders for Sparse Data"); Jeunen, Van Balen and Goethals 2020
("Closed-form models for collaborative filtering with side-information"), where what is known of items makes more rows
of the matrix whose Gram matrix is inverted. With x_u the 0/1 row of user u, q_u the ratings less the middle of the
scale (0 where there is none), M the names of the items' categories and E the vectors of their texts:

    G = sum_u w_u x_u x_u' + co_liking sum_u w_u q_u q_u' + mu (categories M M' + texts E E')
    P = inverse(G + regularization mu I)
    B_ij = -P_ij / P_jj ** sharpness, and 0 on the diagonal

w_u = (n_u / mean n) ** -activity, so that users with long histories count less; mu is the mean of the first term's
diagonal, so that weights mean the same for catalogues of any size. A term for what was rated within the same minutes,
which helps on MovieLens, is left out on purpose: people rated films there in sittings, and it only tells which films
were shown together. On a split by time it does harm.

An item without interactions is reached by its names and texts alone. The zeros in its column are no evidence against
it, as those of other items are, and make its weights too small: they count ``cold_items`` times.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import scipy.sparse

from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own.precision import DensePrecision, LowRankPrecision, Precision
from mcp_server.types import FloatArray, IntArray

MOST_KEPT_ITEMS = 4_000
"""Items up to which several matrices are kept, 64 MB each."""

ROWS_SHARE = 0.7
"""Share of the number of items below which fewer rows make their side of the matrix the cheaper one."""


@dataclass(frozen=True)
class Settings:
    """Weights of the model's terms. What a dataset does not have weighs 0."""

    ABOVE_0: ClassVar = ("regularization",)

    activity: float = 0.35
    co_liking: float = 0.2
    categories: float = 1.2
    texts: float = 0.4
    regularization: float = 8.0
    sharpness: float = 0.8
    per_rating: float = 0.1
    """Weight of a rating in a history: see ``HistoryWeighting``."""
    recency: float = 0.5
    """Weight of age in a history: see ``HistoryWeighting``."""
    cold_items: float = 2.0
    """Factor of the weights towards items without interactions. It is not chosen on a validation split, where such
    items cannot be right. 2 gave a fiftieth of all places to the tenth of the items that was held out whole, on two
    datasets, and they were as often right as others."""

    @property
    def of_fit(self) -> tuple[float, ...]:
        """The settings that a new inverse is needed for."""
        return self.activity, self.co_liking, self.categories, self.texts, self.regularization

    def for_data(self, data: LearnedFrom) -> "Settings":
        """These settings without what the data does not have."""
        absent: dict[str, float] = {}
        if data.ratings is None:
            absent |= {"co_liking": 0.0, "per_rating": 0.0}
        if data.times is None:
            absent |= {"recency": 0.0}
        if data.names is None:
            absent |= {"categories": 0.0}
        if data.vectors is None:
            absent |= {"texts": 0.0}
        if data.names is None and data.vectors is None:
            absent |= {"cold_items": 0.0}
        return replace(self, **absent)


class CollectiveEase:
    """The model of some interactions. The last inverse is kept, and of small catalogues the terms of the sum too, so
    that settings can be compared.

    Args:
        data: What is learned from.
        rows: Positions in ``data`` of the interactions to learn from, (n_rows,).
    """

    def __init__(self, data: LearnedFrom, rows: IntArray) -> None:
        self._data = data.part(rows)
        self._keeps = data.n_items <= MOST_KEPT_ITEMS
        self._kept: dict[tuple[str, float], FloatArray] = {}
        self._inverse: tuple[tuple[float, ...], Precision] | None = None
        self._n_each = np.bincount(self._data.item, minlength=data.n_items)
        n_rows = stacked_rows(len(np.unique(self._data.user)), self._data)
        self._by_rows = inverts_rows(n_rows, data.n_items)

    def weights(self, settings: Settings) -> "ItemWeights":
        """The weights B."""
        if self._inverse is None or self._inverse[0] != settings.of_fit:
            self._inverse = None  # before another one takes memory
            make = self._low_rank_precision if self._by_rows else self._dense_precision
            self._inverse = settings.of_fit, make(settings)
        inverse = self._inverse[1]
        scale = -(inverse.diagonal ** np.float32(-settings.sharpness))
        scale[self._n_each == 0] *= np.float32(settings.cold_items)
        return ItemWeights(inverse, scale)

    # By the items' side

    def _dense_precision(self, settings: Settings) -> Precision:
        gram = self._part("together", settings.activity)
        if self._keeps:
            gram = gram.copy()
        mean = float(np.diag(gram).mean())
        for name, weight in self._terms(settings, mean):
            part = self._part(name, settings.activity if name == "co_liking" else 0.0)
            gram += part * np.float32(weight) if self._keeps else np.multiply(part, np.float32(weight), out=part)
        gram[np.diag_indices_from(gram)] += settings.regularization * mean
        return DensePrecision(gram)

    @staticmethod
    def _terms(settings: Settings, mean: float) -> list[tuple[str, float]]:
        """The terms of the sum besides the first, and their weights."""
        found = [
            ("co_liking", settings.co_liking),
            ("categories", mean * settings.categories),
            ("texts", mean * settings.texts),
        ]
        return [(name, weight) for name, weight in found if weight]

    def _part(self, name: str, activity: float) -> FloatArray:
        """A term of the sum, (n_items, n_items), by itself."""
        found = self._kept.get((name, activity))
        if found is None:
            found = _gram_of(self._rows(name, activity))
            if self._keeps:
                self._kept[name, activity] = found
        return found

    # By the rows' side

    def _low_rank_precision(self, settings: Settings) -> Precision:
        together = self._rows("together", settings.activity)
        mean = float(together.multiply(together).sum()) / self._data.n_items
        stacked = [(together, 1.0)]
        for name, weight in self._terms(settings, mean):
            stacked.append((self._rows(name, settings.activity if name == "co_liking" else 0.0), weight))
        found = np.empty((sum(rows.shape[0] for rows, _ in stacked), self._data.n_items), dtype=np.float32)
        start = 0
        for rows, weight in stacked:
            stop = start + rows.shape[0]
            part = rows.toarray() if scipy.sparse.issparse(rows) else rows
            np.multiply(part, np.float32(np.sqrt(weight)), out=found[start:stop])
            start = stop
        return LowRankPrecision(found, settings.regularization * mean)

    def _rows(self, name: str, activity: float) -> Any:
        """The rows whose Gram matrix is a term of the sum, (n_rows, n_items) float32, sparse or not."""
        data = self._data
        if name == "categories":
            return data.names.T.tocsr().astype(np.float32)
        if name == "texts":
            assert data.vectors is not None
            return data.vectors.T
        users, row = np.unique(data.user, return_inverse=True)
        n_each = np.bincount(row)
        values = ((n_each / n_each.mean()) ** (-activity / 2))[row]
        if name == "co_liking":
            assert data.ratings is not None
            values = values * (data.ratings - data.middle)
        shape = (len(users), data.n_items)
        return scipy.sparse.csr_matrix((values.astype(np.float32), (row, data.item)), shape=shape)


@dataclass(frozen=True)
class ItemWeights:
    """The weights B of a model, (n_items, n_items): rows are items of a history, columns items that are scored. They
    are the precision, without its diagonal, times a factor for each column.
    """

    precision: Precision
    scale: FloatArray
    """(n_items,)"""

    def score(self, histories: Any) -> FloatArray:
        """Scores, (n, n_items), for histories, (n, n_items) sparse."""
        found = self.precision.times(histories)
        found *= self.scale
        return found


def stacked_rows(n_users: int, data: LearnedFrom) -> int:
    """The number of rows whose Gram matrix is inverted.

    Args:
        n_users: Number of users with interactions.
    """
    of_users = n_users * (1 if data.ratings is None else 2)
    of_names = 0 if data.names is None else int(data.names.shape[1])
    return of_users + of_names + (0 if data.vectors is None else int(data.vectors.shape[1]))


def inverts_rows(n_rows: int, n_items: int) -> bool:
    """True where the rows' side is inverted."""
    return n_rows < ROWS_SHARE * n_items


def fit_steps(n_rows: int, n_items: int) -> float:
    """The number of multiplications of a fit.

    Args:
        n_rows: Rows whose Gram matrix is inverted.
    """
    if inverts_rows(n_rows, n_items):
        return float(n_rows) ** 3 + 2.0 * n_items * float(n_rows) ** 2
    return float(n_items) ** 3


def _gram_of(rows: Any) -> FloatArray:
    """The Gram matrix of the columns of a matrix."""
    gram = rows.T @ rows
    found: FloatArray = gram.toarray() if scipy.sparse.issparse(gram) else gram
    return found
