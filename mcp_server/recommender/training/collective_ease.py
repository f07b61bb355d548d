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
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse

from mcp_server.recommender.training.hyper_parameters import HyperParameterError, check_settings
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.types import FloatArray, IntArray

MOST_KEPT_ITEMS = 4_000
"""Items up to which several matrices are kept, 64 MB each."""


@dataclass(frozen=True)
class Settings:
    """Weights of the model's terms. What a dataset does not have weighs 0."""

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
        return replace(self, **absent)


def check_own_settings(model: str, given: Mapping[str, Any]) -> dict[str, float]:
    """Check settings that a user gives.

    Args:
        model: Name of the model, for messages.

    Raises:
        HyperParameterError: There is no such setting, or it cannot have this value.
    """
    checked = check_settings(model, given, {each.name: each.default for each in fields(Settings)}, training={})
    for name, value in checked.items():
        if value < 0 or (name == "regularization" and not value):
            limit = "above 0" if name == "regularization" else "from 0 on"
            raise HyperParameterError(f"{name} is a number {limit}; {value:g} is not")
    return checked


class CollectiveEase:
    """The model of some interactions. Of small catalogues, Grams and the last inverse are kept, so that settings can be
    compared.

    Args:
        data: What is learned from.
        rows: Positions in ``data`` of the interactions to learn from, (n_rows,).
    """

    def __init__(self, data: LearnedFrom, rows: IntArray) -> None:
        self._data = data.part(rows)
        self._keeps = data.n_items <= MOST_KEPT_ITEMS
        self._kept: dict[tuple[str, float], FloatArray] = {}
        self._inverse: tuple[tuple[float, ...], FloatArray] | None = None

    def weights(self, settings: Settings) -> FloatArray:
        """The weights B, (n_items, n_items): rows are items of a history, columns items that are scored."""
        if self._inverse is None or self._inverse[0] != settings.of_fit:
            self._inverse = None  # before another one takes memory
            self._inverse = settings.of_fit, invert(self._gram(settings))
        inverse = self._inverse[1]
        found = inverse / -(np.diag(inverse) ** np.float32(settings.sharpness))
        np.fill_diagonal(found, 0)
        return found

    def _gram(self, settings: Settings) -> FloatArray:
        gram = self._part("together", settings.activity)
        if self._keeps:
            gram = gram.copy()
        mean = float(np.diag(gram).mean())
        for name, weight in (
            ("co_liking", settings.co_liking),
            ("categories", mean * settings.categories),
            ("texts", mean * settings.texts),
        ):
            if weight:
                part = self._part(name, settings.activity if name == "co_liking" else 0.0)
                gram += part * np.float32(weight) if self._keeps else np.multiply(part, np.float32(weight), out=part)
        gram[np.diag_indices_from(gram)] += settings.regularization * mean
        return gram

    def _part(self, name: str, activity: float) -> FloatArray:
        """A term of the sum, (n_items, n_items), by itself."""
        found = self._kept.get((name, activity))
        if found is None:
            found = self._make_part(name, activity)
            if self._keeps:
                self._kept[name, activity] = found
        return found

    def _make_part(self, name: str, activity: float) -> FloatArray:
        data = self._data
        if name == "categories":
            return _gram_of(data.names.T)
        if name == "texts":
            assert data.vectors is not None
            return data.vectors @ data.vectors.T
        n_each = np.bincount(data.user, minlength=data.n_users)
        root = (np.maximum(n_each, 1) / n_each[n_each > 0].mean()) ** (-activity / 2)
        values = root[data.user]
        if name == "co_liking":
            assert data.ratings is not None
            values = values * (data.ratings - data.middle)
        shape = (data.n_users, data.n_items)
        return _gram_of(scipy.sparse.csr_matrix((values, (data.user, data.item)), shape=shape))


def _gram_of(rows: Any) -> FloatArray:
    """The Gram matrix of the columns of a sparse matrix."""
    rows = rows.astype(np.float32)
    gram: FloatArray = (rows.T @ rows).toarray()
    return gram


BLOCK = 1_024
"""Rows that are mirrored at a time."""


def invert(matrix: FloatArray) -> FloatArray:
    """The inverse of a positive definite matrix, by its Cholesky factors, in its place.

    Args:
        matrix: (n, n), symmetric.

    Raises:
        LinAlgError: It is not positive definite.
    """
    found, failed = scipy.linalg.lapack.spotrf(matrix.T, lower=1, overwrite_a=1)
    if not failed:
        found, failed = scipy.linalg.lapack.spotri(found, lower=1, overwrite_c=1)
    if failed:
        raise np.linalg.LinAlgError("the matrix is not positive definite")
    inverse: FloatArray = found.T  # of which LAPACK has filled one half
    for start in range(0, len(inverse), BLOCK):
        stop = start + BLOCK
        inverse[start:stop, :start] = inverse[:start, start:stop].T
        square = np.triu(inverse[start:stop, start:stop])
        inverse[start:stop, start:stop] = square + np.triu(square, 1).T
    return inverse
