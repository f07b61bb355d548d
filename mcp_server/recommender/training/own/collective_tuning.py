"""The choice of collective EASE's settings and form, by what it would have recommended before what is held out."""

from dataclasses import replace
from typing import Any

import numpy as np

from mcp_server.recommender.history_weighting import HistoryWeighting
from mcp_server.recommender.model_arrays import ArtifactKind
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own.collective_ease import (
    CollectiveEase,
    ItemWeights,
    Settings,
    fit_steps,
    stacked_rows,
)
from mcp_server.recommender.training.own.learned import Chosen, Learned, settings_told
from mcp_server.recommender.training.own.precision import DensePrecision, LowRankPrecision
from mcp_server.recommender.training.own.pruning import choose_kept, prune
from mcp_server.recommender.training.own.tuning import ascend, trials
from mcp_server.recommender.training.own.validation import Report, Validation, hold_out

WITHOUT_FIT = {"recency": (0.0, 0.25, 0.5, 1.0), "per_rating": (0.0, 0.1, 0.2), "sharpness": (0.6, 0.8, 1.0)}
"""Values to choose from of settings that need no new fit."""

WITH_FIT = {
    "regularization": (4.0, 8.0, 16.0, 32.0, 64.0),
    "categories": (0.0, 0.6, 1.2, 2.4),
    "texts": (0.0, 0.4, 0.8),
    "co_liking": (0.0, 0.2, 0.4),
    "activity": (0.0, 0.35, 0.6),
}
"""Values to choose from of settings each of which needs a fit."""

FEW_FITS = {"regularization": (8.0, 16.0, 32.0)}
"""Those that are tried where a fit takes long."""

MOST_STEPS = 1e11
"""Steps of a fit up to which it does not: about two seconds."""


def weighting_of(settings: Settings, data: LearnedFrom) -> HistoryWeighting:
    """The weights of a history's items by some settings."""
    return HistoryWeighting(per_rating=settings.per_rating, middle=data.middle, recency=settings.recency)


def choose(data: LearnedFrom, given: dict[str, float], report: Report) -> Chosen:
    """Choose all settings that are not given, and the form."""
    settings, kept = replace(Settings(), **given).for_data(data), None
    tried, ndcg = dict[str, float](), 0.0
    held = hold_out(data)
    validation = Validation(data, held)
    if validation.n_users:
        model = CollectiveEase(data, np.flatnonzero(~held))
        steps = fit_steps(stacked_rows(len(np.unique(data.user)), data), data.n_items)
        grid = {**WITHOUT_FIT, **(WITH_FIT if steps <= MOST_STEPS else FEW_FITS)}
        settings, tried, ndcg = ascend(
            settings,
            trials(settings, given, grid),
            lambda candidate: validation.ndcg(model.weights(candidate).score, weighting_of(candidate, data)),
            report,
        )
        weights = model.weights(settings)
        if isinstance(weights.precision, DensePrecision):
            kept = choose_kept(weights.precision, weights.scale, validation, weighting_of(settings, data), ndcg)
        del model, weights  # before the last fit takes memory

    def learn() -> Learned:
        weights = CollectiveEase(data, np.arange(len(data.user))).weights(settings)
        kind, arrays = _form(weights, kept)
        told = settings_told(settings, given)
        return Learned("CEASE", kind, arrays, told, weighting_of(settings, data), settings.cold_items > 0)

    return Chosen(ndcg, tried, learn)


def _form(weights: ItemWeights, kept: int | None) -> tuple[ArtifactKind, dict[str, Any]]:
    """The kind and arrays by which weights are served.

    Args:
        kept: Number of weights towards each item to keep; None for all.
    """
    precision, scale = weights.precision, weights.scale
    if isinstance(precision, LowRankPrecision):
        vectors = np.ascontiguousarray(precision.z.T)
        return "item_item_low_rank", {"vectors": vectors, "factors": -scale / precision.regularization}
    assert isinstance(precision, DensePrecision)
    offset = np.zeros(len(scale), dtype=np.float32)
    if kept is None:
        return "item_item", {"weights": precision.scaled(scale), "offset": offset}
    pruned = prune(precision, scale, kept)
    indices = {"indptr": pruned.indptr.astype(np.int64), "indices": pruned.indices.astype(np.int32)}
    return "item_item_sparse", {**indices, "values": pruned.data.astype(np.float32), "offset": offset}
