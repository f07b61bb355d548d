"""The inverse of a regularised Gram matrix, from which collective EASE takes its weights.

Either side of the matrix may be inverted. With the rows of A (n_rows, n_items) stacked from users, names and texts, and
G = A' A, the items' side inverts G + r I of n_items², the rows' side A A' + r I of n_rows² (Woodbury 1950):

    P = inverse(G + r I) = (I - Z' Z) / r,  Z = L^-1 A,  L L' = A A' + r I
"""

from typing import Any, Protocol

import numpy as np
import scipy.linalg

from mcp_server.types import FloatArray

BLOCK = 1_024
"""Rows that are mirrored at a time."""


class Precision(Protocol):
    """The inverse P, (n_items, n_items), without its diagonal."""

    @property
    def diagonal(self) -> FloatArray:
        """(n_items,)"""

    def times(self, histories: Any) -> FloatArray:
        """Histories, (n, n_items) sparse, times P without its diagonal: (n, n_items)."""


class DensePrecision:
    """An inverse by the items' side, which is kept whole.

    Args:
        regularised: (n_items, n_items), symmetric and positive definite. It is overwritten.
    """

    def __init__(self, regularised: FloatArray) -> None:
        self._inverse = invert(regularised)
        self.diagonal: FloatArray = np.diag(self._inverse).copy()
        np.fill_diagonal(self._inverse, 0)

    def times(self, histories: Any) -> FloatArray:
        return np.asarray(histories @ self._inverse)

    def scaled(self, factors: FloatArray) -> FloatArray:
        """The columns of P times a factor each, (n_items, n_items), in its place: it cannot be used any more."""
        self._inverse *= factors
        return self._inverse

    def rows(self, which: slice) -> FloatArray:
        """Some rows, (n_rows, n_items), which are also its columns."""
        return self._inverse[which]


class LowRankPrecision:
    """An inverse by the rows' side, which is kept as its low-rank part.

    Args:
        rows: (n_rows, n_items), A. It is overwritten.
        regularization: r, above 0.
    """

    def __init__(self, rows: FloatArray, regularization: float) -> None:
        gram = rows @ rows.T
        gram[np.diag_indices_from(gram)] += regularization
        lower = scipy.linalg.cholesky(gram, lower=True, overwrite_a=True, check_finite=False)
        self.z: FloatArray = scipy.linalg.solve_triangular(lower, rows, lower=True, check_finite=False)
        """(n_rows, n_items)"""
        self.regularization = np.float32(regularization)
        self.squares: FloatArray = np.einsum("ij,ij->j", self.z, self.z)
        """(n_items,), the diagonal of Z' Z."""
        self.diagonal: FloatArray = np.maximum(1 - self.squares, np.finfo(np.float32).eps) / self.regularization

    def times(self, histories: Any) -> FloatArray:
        found = np.asarray(histories @ self.z.T) @ self.z
        known = histories.tocoo()
        found[known.row, known.col] -= known.data * self.squares[known.col]
        found /= -self.regularization
        return found


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
