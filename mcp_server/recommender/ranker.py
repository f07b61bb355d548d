"""Ranking items by the scores of any model."""

from dataclasses import dataclass

import numpy as np

from mcp_server.catalog.twins import Twins
from mcp_server.recommender.model import Recommender
from mcp_server.types import FloatArray, IntArray


@dataclass(frozen=True)
class Ranked:
    """A ranking, best first."""

    items: list[int]
    scores: list[float]
    is_informed: bool = True
    """False where all items of the catalogue score alike: the model knows nothing of the user or of the history."""


class Ranker:
    """Ranks items with one model."""

    def __init__(self, model: Recommender) -> None:
        self._model = model

    def top(
        self,
        user: int | None,
        history: IntArray,
        k: int,
        *,
        allowed: IntArray | None,
        excluded: IntArray,
        twins: Twins,
    ) -> Ranked:
        """The best k items for a user. Of items that a catalogue lists twice, one is named.

        Args:
            user: Position of the user, or None for someone who is known by ``history`` alone.
            history: (n,), positions of the items that the user interacted with.
            allowed: Positions of the items to choose from, or None for all.
            excluded: Positions of items to leave out, even if they are allowed.

        Raises:
            InvalidInputError: The model cannot serve someone without an ID.
        """
        return top_by(self._model.score(user, history), k, allowed=allowed, excluded=excluded, twins=twins)

    def reasons(self, history: IntArray, item: int, most: int) -> list[int] | None:
        """The items of a history that contribute most to an item's score, or None where the model cannot tell."""
        shares = self._model.contributions(history, item)
        if shares is None:
            return None
        return [int(history[place]) for place in np.argsort(-shares, kind="stable")[:most] if shares[place] > 0]


def top_by(
    scores: FloatArray | IntArray, k: int, *, allowed: IntArray | None, excluded: IntArray, twins: Twins
) -> Ranked:
    """The best k items by any scores, as ``Ranker.top`` ranks them."""
    ranked = twins.once(rank(scores, allowed, excluded, k + twins.n_extra))[:k]
    return Ranked(ranked.tolist(), scores[ranked].tolist(), bool(len(scores) < 2 or scores.min() < scores.max()))


def rank(scores: FloatArray | IntArray, allowed: IntArray | None, excluded: IntArray, k: int) -> IntArray:
    """The best k of some items, best first. Of equal scores the lower position comes first.

    Args:
        scores: (n_items,).
        allowed: Positions to choose from, each once, or None for all.
        excluded: Positions to leave out, even if they are allowed.

    Returns:
        Positions, at most k.
    """
    usable = np.ones(len(scores), dtype=bool) if allowed is None else np.zeros(len(scores), dtype=bool)
    if allowed is not None:
        usable[allowed] = True
    usable[excluded] = False
    candidates = np.flatnonzero(usable)
    values = scores[candidates]
    if 0 < k < len(candidates):
        kth = np.partition(values, len(values) - k)[len(values) - k]
        keep = values >= kth  # every item that ties with the k-th takes part
        candidates, values = candidates[keep], values[keep]
    order = np.argsort(-values, kind="stable")
    best: IntArray = candidates[order][:k]
    return best
