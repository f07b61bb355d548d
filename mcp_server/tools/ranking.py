"""The order of items for an audience: by a model, or by popularity where a model has nothing to go by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mcp_server.catalog.catalog import Catalog
from mcp_server.catalog.twins import Twins
from mcp_server.recommender.least_misery import least_misery
from mcp_server.recommender.ranker import Ranker, says_anything, top_by
from mcp_server.recommender.standing import Standing, percentile
from mcp_server.tools.audience import Audience, Member
from mcp_server.types import BoolArray, DoubleArray, FloatArray, IntArray
from mcp_server.vectors.fusion import standardised

if TYPE_CHECKING:
    from mcp_server.dataset.spec import DatasetSpec

NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Ranking:
    """All items that could be recommended to an audience, with what they are ordered by."""

    members: tuple[Member, ...]
    """Those by whose likes a model ranks; none where the order is that of popularity."""
    notes: list[str]
    """Sentences on those by whose likes nothing could be ranked."""
    candidates: IntArray
    """Positions of the items to choose from."""
    scores: FloatArray | DoubleArray
    """(n_items,): the order of items."""
    speaks: BoolArray
    """(n_items,): False where nothing that the members like speaks for or against an item."""
    least: IntArray | None
    """(n_items,): what several members are ranked by (``GroupScores.least``)."""
    with_cold: bool
    """True where items without interactions take part."""
    standing: Standing
    catalog: Catalog
    blended: DoubleArray | None = None
    """(n_items,): the order of the candidates where nearness to a search counts, too."""

    @property
    def by_popularity(self) -> bool:
        """True where no model ranks."""
        return not self.members

    def best(self, k: int) -> IntArray:
        """The best k candidates, best first, and of equals the more popular; of items that are the same, only one."""
        popularity, twins = self.catalog.popularity, self.catalog.twins
        order = self.scores if self.blended is None else self.blended
        top = top_by(order, k, allowed=self.candidates, excluded=NONE, twins=twins, popularity=popularity)
        return np.array(top.items, dtype=np.int64)

    def relevance(self, items: IntArray) -> DoubleArray:
        """The numbers that order items: of ``blended``, of ``least`` or of the model, on scales of their own: (n,)."""
        if self.blended is not None:
            return self.blended[items]
        return (self.scores if self.least is None else self.least)[items].astype(np.float64)

    def blend(self, nearness: DoubleArray, share: float) -> Ranking:
        """The same candidates in an order in which their nearness to a search counts, too.

        Both are standardised over the candidates, and added.

        Args:
            nearness: (n_items,); NaN for items of which it is not known, which count as being as near as the others.
            share: The share of nearness, from 0 to 1. Taste has the rest; where no model ranks, popularity has it.
        """
        taste = self.relevance(self.candidates)
        if self.by_popularity:
            taste = np.log1p(np.maximum(taste, 0))
        near = nearness[self.candidates]
        is_known = ~np.isnan(near)
        near[~is_known] = near[is_known].mean() if is_known.any() else 0.0
        blended = np.zeros(len(self.scores))
        blended[self.candidates] = share * standardised(near) + (1 - share) * standardised(taste)
        return replace(self, blended=blended)

    def fits(self, items: IntArray) -> list[float]:
        """For each item the share of all others that suit the members less; of several members, the least share."""
        n_lower = self.standing.n_lower(items) if self.least is None else self.least[items]
        return [percentile(n, self.standing.n_others) for n in n_lower.tolist()]


def rank(
    catalog: Catalog,
    ranker: Ranker,
    audience: Audience,
    spec: DatasetSpec,
    *,
    allowed: IntArray | None,
    seen: IntArray | None,
) -> Ranking:
    """Rank the items for an audience.

    Args:
        allowed: Positions of the items to choose from, or None for all.
        seen: Positions of items to leave out, or None.

    Raises:
        InvalidInputError: The model cannot serve someone without an ID.
    """
    if ranker.knows_popularity_only:
        notes = [f"No model could be trained on so few {spec.nouns.interactions}."]
        return _by_popularity(catalog, notes, allowed, seen)
    recommendable = catalog.recommendable(seen, cold=ranker.reaches_cold_items)
    candidates = _among(recommendable, allowed)
    found: list[tuple[Member, FloatArray]] = []
    notes = []
    for member in audience.members:
        why = member.why_unknown(spec)
        if why is None:
            scores = ranker.scores(member.user, member.liked)
            if says_anything(scores, candidates) or not len(candidates):
                found.append((member, scores))
                continue
            why = member.why_silent(spec)
        notes.append(why)
    if not found:
        return _by_popularity(catalog, notes, allowed, seen)
    members, each = zip(*found, strict=True)
    order, least = _combine(each, recommendable, catalog.twins) if len(audience.members) > 1 else (each[0], None)
    speaks = np.logical_or.reduce([scores != 0 for scores in each])
    standing = Standing(order, recommendable, catalog.twins)
    return Ranking(members, notes, candidates, order, speaks, least, ranker.reaches_cold_items, standing, catalog)


def _combine(
    each: Sequence[FloatArray], recommendable: BoolArray, twins: Twins
) -> tuple[FloatArray | DoubleArray, IntArray | None]:
    """The scores of several members together, and the least of what each has."""
    group = least_misery([Standing(scores, recommendable, twins).n_lower_of_all() for scores in each])
    return group.scores, group.least


def _by_popularity(catalog: Catalog, notes: list[str], allowed: IntArray | None, seen: IntArray | None) -> Ranking:
    popularity, recommendable = catalog.popularity, catalog.recommendable(seen)
    standing = Standing(popularity, recommendable, catalog.twins)
    candidates, speaks = _among(recommendable, allowed), np.ones(catalog.n_items, dtype=bool)
    return Ranking((), notes, candidates, popularity, speaks, None, False, standing, catalog)


def _among(recommendable: BoolArray, allowed: IntArray | None) -> IntArray:
    return np.flatnonzero(recommendable) if allowed is None else allowed[recommendable[allowed]]
