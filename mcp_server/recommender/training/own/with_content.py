"""Models that learn from interactions alone, completed by what is known of the items: the two for large catalogues.

Which items are alike in their categories and texts is added to what such a model says. For items without interactions
there is nothing else to go by, so it counts more there.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mcp_server.recommender.history_weighting import HistoryWeighting
from mcp_server.recommender.model_arrays import ArtifactKind
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own.content import Content, scale_of, with_content
from mcp_server.recommender.training.own.learned import Chosen, Learned, settings_told
from mcp_server.recommender.training.own.tuning import Grid, ascend, trials
from mcp_server.recommender.training.own.validation import BLOCK_SCORES, Report, Scorer, Validation, hold_out
from mcp_server.types import DoubleArray, FloatArray

WITHOUT_FIT = {"recency": (0.0, 0.25, 0.5, 1.0), "per_rating": (0.0, 0.1, 0.2), "content": (0.0, 0.1, 0.2, 0.4)}
"""Values to choose from of settings that need no new fit."""

MOST_TUNED_PAIRS = 2_000_000
"""Interactions up to which settings are chosen. Beyond, a fit takes a minute, and all keep their defaults."""

MOST_CONTENT_ITEMS = 200_000
"""Items up to which likeness counts for all of them; beyond, for those without interactions. It is multiplied at every
call."""

SCALE_USERS = 200
"""Users by whom scores and likeness are put on one scale, at most."""


@dataclass(frozen=True)
class ContentSettings:
    """Settings of any such model."""

    per_rating: float = 0.1
    """Weight of a rating in a history: see ``HistoryWeighting``."""
    recency: float = 0.5
    """Weight of age in a history: see ``HistoryWeighting``."""
    content: float = 0.2
    """Weight of an item's likeness to the history. With 1, the best by likeness score as the best by the model do."""
    cold_items: float = 0.4
    """The same for items without interactions."""

    def for_data(self, data: LearnedFrom) -> "ContentSettings":
        """These settings without what the data does not have."""
        absent: dict[str, float] = {}
        if data.ratings is None:
            absent |= {"per_rating": 0.0}
        if data.times is None:
            absent |= {"recency": 0.0}
        if data.names is None and data.vectors is None:
            absent |= {"content": 0.0, "cold_items": 0.0}
        elif data.n_items > MOST_CONTENT_ITEMS:
            absent |= {"content": 0.0}
        return replace(self, **absent)

    def weighting(self, data: LearnedFrom) -> HistoryWeighting:
        """The weights of a history's items."""
        return HistoryWeighting(per_rating=self.per_rating, middle=data.middle, recency=self.recency)


@dataclass(frozen=True)
class Fitted:
    """A model of interactions."""

    kind: ArtifactKind
    arrays: dict[str, Any]
    score: Scorer


@dataclass(frozen=True)
class Family:
    """A kind of model that learns from interactions."""

    name: str
    usual: ContentSettings
    """Its usual settings."""
    grid: Grid
    """Values to choose from of settings that need a new fit."""
    fit: Callable[[LearnedFrom, Any, Report], Fitted]
    """Learns from data by settings, and reports how far it is."""


class Split:
    """A model that is compared on a validation split. The last fit is kept."""

    def __init__(self, family: Family, data: LearnedFrom, report: Report) -> None:
        held = hold_out(data)
        self._family, self._all, self._report = family, data, report
        self._data = data.part(np.flatnonzero(~held))
        self._validation = Validation(data, held)
        self._content = Content.of(data)
        self._fitted: tuple[Any, Fitted, float] | None = None

    @property
    def can_compare(self) -> bool:
        """True if there is anybody to compare by."""
        return self._validation.n_users > 0

    def measure(self, settings: Any) -> DoubleArray:
        """NDCG of each user: (n_users,)."""
        fitted, scale = self._fit(settings)
        weights = _content_weights(settings, self._data, scale)
        return self._validation.ndcg(_completed(fitted.score, self._content, weights), settings.weighting(self._all))

    def scale(self, settings: Any) -> float:
        """The factor that puts the likeness of items and the model's scores on one scale."""
        return self._fit(settings)[1]

    def _fit(self, settings: Any) -> tuple[Fitted, float]:
        of_fit = {name: value for name, value in vars(settings).items() if not hasattr(ContentSettings, name)}
        if self._fitted is None or self._fitted[0] != of_fit:
            self._fitted = None  # before another one takes memory
            fitted = self._family.fit(self._data, settings, self._report)
            scale = 0.0
            if self._content is not None:
                most = min(SCALE_USERS, 1 + BLOCK_SCORES // self._all.n_items)
                histories = self._validation.some_histories(most, settings.weighting(self._all))
                scale = scale_of(fitted.score, self._content, histories)
            self._fitted = of_fit, fitted, scale
        return self._fitted[1:]


def choose(family: Family, data: LearnedFrom, given: dict[str, float], report: Report) -> Chosen:
    """Choose all settings that are not given."""
    settings = replace(family.usual, **given).for_data(data)
    tried, ndcg, scale = dict[str, float](), 0.0, 0.0
    split = Split(family, data, report)
    if split.can_compare:
        grid = {**WITHOUT_FIT, **family.grid} if len(data.user) <= MOST_TUNED_PAIRS else {}
        settings, tried, ndcg = ascend(settings, trials(settings, given, grid), split.measure, report)
        scale = split.scale(settings)

    def learn() -> Learned:
        fitted = family.fit(data, settings, report)
        arrays, content, weights = fitted.arrays, Content.of(data), _content_weights(settings, data, scale)
        if content is not None and weights.any():
            arrays = {**arrays, **content.arrays(weights)}
        cold_items = bool(weights.any()) and settings.cold_items > 0
        told = settings_told(settings, given)
        return Learned(family.name, fitted.kind, arrays, told, settings.weighting(data), cold_items)

    return Chosen(ndcg, tried, learn)


def _content_weights(settings: Any, data: LearnedFrom, scale: float) -> FloatArray:
    """The weight of each item's likeness: (n_items,)."""
    is_cold = np.bincount(data.item, minlength=data.n_items) == 0
    found: FloatArray = (scale * np.where(is_cold, settings.cold_items, settings.content)).astype(np.float32)
    return found


def _completed(scorer: Scorer, content: Content | None, weights: FloatArray) -> Scorer:
    return scorer if content is None or not weights.any() else with_content(scorer, content, weights)
