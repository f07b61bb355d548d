"""Ranking items by the scores of any model."""

from dataclasses import dataclass

import numpy as np

from mcp_server.catalog.best import bound_of_best
from mcp_server.catalog.liked_history import LikedHistory
from mcp_server.catalog.twins import Twins
from mcp_server.errors import InvalidInputError
from mcp_server.recommender.history_weighting import ALL_ALIKE, HistoryWeighting
from mcp_server.recommender.model import Recommender
from mcp_server.recommender.popularity_model import PopularityModel
from mcp_server.types import DoubleArray, FloatArray, IntArray

FEW = 1_000
"""Items whose scores are looked at before those of all."""

PIECE = 20_000
"""Items whose contributions are asked for at once."""


@dataclass(frozen=True)
class Ranked:
    """A ranking, best first."""

    items: list[int]
    scores: list[float]
    tells_apart: bool
    """False where every candidate has score 0: there is nothing to rank them by."""


class Ranker:
    """Ranks items with one model.

    Args:
        weighting: The rule by which items of a history weigh more or less.
        reaches_cold_items: True where the model scores items without interactions, by what is known of them.
    """

    def __init__(
        self, model: Recommender, weighting: HistoryWeighting = ALL_ALIKE, *, reaches_cold_items: bool = False
    ) -> None:
        self._model, self._weighting = model, weighting
        self.reaches_cold_items = reaches_cold_items

    @property
    def knows_popularity_only(self) -> bool:
        """True where no model could be trained, and the same items are best for everybody."""
        return isinstance(self._model, PopularityModel)

    def top(
        self,
        user: int | None,
        history: LikedHistory,
        k: int,
        *,
        allowed: IntArray | None,
        excluded: IntArray,
        twins: Twins,
    ) -> Ranked:
        """The best k items for a user. Of items that a catalogue lists twice, one is named.

        Args:
            user: Position of the user, or None for someone who is known by ``history`` alone.
            history: The items that the user likes.
            allowed: Positions of the items to choose from, or None for all.
            excluded: Positions of items to leave out, even if they are allowed.

        Raises:
            InvalidInputError: The model cannot serve someone without an ID.
        """
        return top_by(self.scores(user, history), k, allowed=allowed, excluded=excluded, twins=twins)

    def scores(self, user: int | None, history: LikedHistory) -> FloatArray:
        """Scores of all items for a user: (n_items,). The arguments are those of ``top``.

        Raises:
            InvalidInputError: The model cannot serve someone without an ID.
        """
        return self._model.score(user, history.items, self._weighting.weights(history))

    def alike(self, item: int) -> FloatArray | None:
        """The amount by which liking one item speaks for each other: (n_items,).

        None where the model cannot tell, or where nothing that it knows of the item tells others apart.
        """
        if self.knows_popularity_only:
            return None
        try:
            scores = self._model.score(None, np.array([item]))
        except InvalidInputError:  # a table of users' scores
            return None
        return scores if scores.min(initial=0) < scores.max(initial=0) else None

    def reasons(self, history: LikedHistory, item: int, most: int) -> list[int] | None:
        """The items of a history that contribute most to an item's score, or None where the model cannot tell."""
        shares = self._model.contributions(history.items, item, self._weighting.weights(history))
        if shares is None:
            return None
        return [int(history.items[place]) for place in np.argsort(-shares, kind="stable")[:most] if shares[place] > 0]

    def speaking_for(self, item: int, n_items: int) -> DoubleArray | None:
        """The amount that each item of the catalogue, liked alone or with others, adds to the score of one: (n_items,).
        None where the model cannot tell.
        """
        found = np.zeros(n_items)
        for start in range(0, n_items, PIECE):
            items = np.arange(start, min(start + PIECE, n_items))
            shares = self._model.contributions(items, item)
            if shares is None:
                return None
            found[items] = shares
        return found


def top_by(
    scores: FloatArray | DoubleArray,
    k: int,
    *,
    allowed: IntArray | None,
    excluded: IntArray,
    twins: Twins,
    popularity: DoubleArray | None = None,
) -> Ranked:
    """The best k items by any scores, as ``Ranker.top`` ranks them.

    Args:
        popularity: (n_items,), which orders items of equal scores. By default, their positions do.
    """
    candidates = _candidates(len(scores), allowed, excluded)
    ranked = twins.once(_best(scores, candidates, k + twins.n_extra, popularity))[:k]
    return Ranked(ranked.tolist(), scores[ranked].tolist(), says_anything(scores, candidates))


def rank(scores: FloatArray, allowed: IntArray | None, excluded: IntArray, k: int) -> IntArray:
    """The best k of some items, best first. Of equal scores the lower position comes first.

    Args:
        scores: (n_items,).
        allowed: Positions to choose from, each once, or None for all.
        excluded: Positions to leave out, even if they are allowed.

    Returns:
        Positions, at most k.
    """
    return _best(scores, _candidates(len(scores), allowed, excluded), k, None)


def says_anything(scores: FloatArray | DoubleArray, items: IntArray) -> bool:
    """True if any of some items has another score than 0. Mostly one of the first has."""
    return bool(scores[items[:FEW]].any() or scores[items].any())


def _candidates(n_items: int, allowed: IntArray | None, excluded: IntArray) -> IntArray:
    """Positions of the items to choose from, which rise."""
    if allowed is not None and not len(excluded):
        return allowed if (allowed[1:] > allowed[:-1]).all() else np.unique(allowed)
    usable = np.ones(n_items, dtype=bool) if allowed is None else np.zeros(n_items, dtype=bool)
    if allowed is not None:
        usable[allowed] = True
    usable[excluded] = False
    return np.flatnonzero(usable)


def _best(scores: FloatArray | DoubleArray, candidates: IntArray, k: int, popularity: DoubleArray | None) -> IntArray:
    """The best k candidates. Of equal scores the more popular comes first, then the lower position."""
    values = scores[candidates]
    if 0 < k < len(candidates):
        keep = np.flatnonzero(values >= bound_of_best(values, k))  # every item that ties with the k-th takes part
        candidates, values = candidates[keep], values[keep]
    keys = (-values,) if popularity is None else (-popularity[candidates], -values)
    best: IntArray = candidates[np.lexsort(keys)][:k]  # a stable order
    return best
