"""Alternating least squares for implicit feedback, by the library ``implicit``. For large catalogues.

Source: Hu, Koren and Volinsky 2008, "Collaborative filtering for implicit feedback datasets". Only the items' vectors
are kept: a user's vector follows from the history.
"""

import itertools
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse
from implicit.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from mcp_server.recommender.factors import ImplicitFactorModel
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own.validation import Report
from mcp_server.recommender.training.own.with_content import ContentSettings, Family, Fitted
from mcp_server.types import FloatArray

SEED = 2020


@dataclass(frozen=True)
class FactorSettings(ContentSettings):
    """Settings of the model."""

    ABOVE_0: ClassVar = ("factors", "regularization", "iterations")

    factors: int = 64
    """Length of the vectors."""
    regularization: float = 10.0
    confidence: float = 1.0
    """The weight of an interaction, in addition to that of the lack of one."""
    iterations: int = 12


def fit(data: LearnedFrom, settings: FactorSettings, report: Report) -> Fitted:
    """Find the items' vectors."""
    ones = np.ones(len(data.user), dtype=np.float32)
    used = scipy.sparse.csr_matrix((ones, (data.user, data.item)), shape=(data.n_users, data.n_items))

    def iterated(iteration: int, *_: Any) -> None:
        report("iterations", iteration + 1, settings.iterations, None)

    with threadpool_limits(1, "blas"):  # it has threads of its own
        model = AlternatingLeastSquares(
            factors=settings.factors,
            regularization=settings.regularization,
            alpha=1 + settings.confidence,
            iterations=settings.iterations,
            random_state=SEED,
        )
        model.fit(used, show_progress=False, callback=iterated)
    vectors: FloatArray = model.item_factors
    vectors[np.bincount(data.item, minlength=data.n_items) == 0] = 0
    arrays = {
        "item_factors": vectors,
        "confidence": np.array([settings.confidence], dtype=np.float32),
        "regularization": np.array([settings.regularization], dtype=np.float32),
    }
    served = ImplicitFactorModel(**arrays)

    def score(histories: Any) -> FloatArray:
        rows = [slice(start, end) for start, end in itertools.pairwise(histories.indptr)]
        return np.stack([served.score(None, histories.indices[row], histories.data[row]) for row in rows])

    return Fitted("implicit_factors", arrays, score)


ALS = Family("ALS", FactorSettings(), {"confidence": (0.0, 1.0, 4.0), "regularization": (3.0, 10.0, 30.0)}, fit)
