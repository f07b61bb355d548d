"""One order of the four ways in which an item is near to a query.

Each nearness is brought to one scale, weighted and added. Cosines are measured by those of texts that have nothing to
do with one another, their mean and spread in this very catalogue, because models differ in both; so scores and fits
can be compared from one query to the next. Ranks, as in reciprocal rank fusion, would throw away how far apart items
are: the sum of scores finds the film that a plot describes first more often.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcp_server.dataset.search import SearchWeights
from mcp_server.types import DoubleArray, FloatArray
from mcp_server.vectors.store import FORMS, WORDS, Hits

WORD_SPREAD = 0.65
"""Spread of BM25 scores over the texts of a catalogue for a query of one word. It grows with the root of their number:
measured are 1.2 for 4 words, and 2.6 for 14."""

LEAST_SPREAD = 0.03
"""Least spread of cosines. Among very few texts chance may bring it near to 0."""


@dataclass(frozen=True)
class Background:
    """Cosines of texts that have nothing to do with one another."""

    mean: float
    spread: float
    """Their standard deviation."""

    @classmethod
    def of(cls, vectors: FloatArray) -> "Background":
        """The background of some texts.

        Args:
            vectors: (n, dimension), of unit length, of different items chosen at random.
        """
        cosines = (vectors @ vectors.T)[~np.eye(len(vectors), dtype=bool)]
        if not len(cosines):
            return cls(0.0, 1.0)
        return cls(float(cosines.mean()), max(float(cosines.std()), LEAST_SPREAD))


class Fusion:
    """Scores and fits of candidates.

    Args:
        popularity: (n_items,), what items are ordered by; all 0 where nobody has used any.
    """

    def __init__(self, weights: SearchWeights, background: Background, popularity: DoubleArray) -> None:
        self._background = background
        self._weights = np.array([getattr(weights, form) for form in FORMS])
        self._means = np.array([0.0 if form == WORDS else background.mean for form in FORMS])
        self._prior = weights.popularity * standardised(np.log1p(np.maximum(popularity, 0)))

    def scores(self, hits: Hits) -> DoubleArray:
        """(n,): the order of candidates, and how much nearer than chance each is. 0 is an item of middling popularity
        whose texts are as near as any.
        """
        of_words = WORD_SPREAD * max(hits.n_words, 1) ** 0.5
        spreads = np.array([of_words if form == WORDS else self._background.spread for form in FORMS])
        scores: DoubleArray = (hits.nearness - self._means) @ (self._weights / spreads) + self._prior[hits.items]
        return scores

    def fits(self, hits: Hits) -> DoubleArray:
        """(n,): nearness in meaning of what is nearest of an item, whole text, sentence or profile.

        From 0, as near as texts that have nothing to do with one another, to 100, the same text.
        """
        dense = [place for place, form in enumerate(FORMS) if form != WORDS]
        nearest = hits.nearness[:, dense].max(axis=1, initial=-1.0)
        least = min(self._background.mean, 1 - LEAST_SPREAD)
        fits: DoubleArray = 100 * np.clip((nearest - least) / (1 - least), 0, 1)
        return fits


def standardised(values: DoubleArray | Sequence[float]) -> DoubleArray:
    """Values less their mean, in units of their standard deviation; all 0 where they are equal: (n,)."""
    found = np.asarray(values, dtype=np.float64)
    spread = found.std() if len(found) else 0.0
    return (found - found.mean()) / spread if spread else np.zeros(len(found))
