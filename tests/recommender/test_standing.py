"""Ranks and percentiles against comparisons one by one."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_server.catalog.twins import Twins
from mcp_server.recommender.standing import Standing, percentile

SCORE = st.sampled_from([-1.5, 0.0, 0.5, 2.0]) | st.floats(-100, 100, width=32)


@dataclass
class Case:
    """Items with scores."""

    scores: list[float]
    recommendable: list[bool]
    groups: list[int]
    """Items of one group are the same."""

    @property
    def items(self) -> list[int]:
        return [item for item, is_there in enumerate(self.recommendable) if is_there]

    def others(self, item: int) -> list[float]:
        """The best score of each group but the item's own."""
        best: dict[int, float] = {}
        for other in self.items:
            if self.groups[other] != self.groups[item]:
                best[self.groups[other]] = max(best.get(self.groups[other], -np.inf), self.scores[other])
        return list(best.values())

    @property
    def standing(self) -> Standing:
        canonical = np.array([self.groups.index(group) for group in self.groups], dtype=np.int64)
        scores = np.array(self.scores, dtype=np.float32)
        return Standing(scores, np.array(self.recommendable), Twins(canonical))


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    n_items = draw(st.integers(1, 20))

    def each(value: st.SearchStrategy[float]) -> st.SearchStrategy[list[float]]:
        return st.lists(value, min_size=n_items, max_size=n_items)

    groups = st.lists(st.integers(0, n_items), min_size=n_items, max_size=n_items)
    return Case(draw(each(SCORE)), list(map(bool, draw(each(st.integers(0, 1))))), draw(groups))


@settings(deadline=None)
@given(_cases())
def test_each_item_is_compared_with_the_best_of_all_that_are_not_the_same(case: Case) -> None:
    standing, items = case.standing, np.array(case.items, dtype=np.int64)
    ranks, n_lower, of_all = standing.ranks(items), standing.n_lower(items), standing.n_lower_of_all()
    for place, item in enumerate(case.items):
        others = case.others(item)
        assert standing.n_others == len(others)
        assert ranks[place] == 1 + sum(score > case.scores[item] for score in others)
        assert n_lower[place] == of_all[item] == sum(score < case.scores[item] for score in others)
    assert set(of_all[~np.array(case.recommendable)].tolist()) <= {-1}


@settings(deadline=None)
@given(_cases(), st.data())
def test_what_a_few_items_are_told_does_not_depend_on_which_are_asked_for(case: Case, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(case.items), unique=True)) if case.items else []
    standing, every = case.standing, np.array(case.items, dtype=np.int64)
    of_all = dict(zip(case.items, standing.ranks(every), strict=True))
    assert standing.ranks(np.array(chosen, dtype=np.int64)) == [of_all[item] for item in chosen]


def test_the_best_of_all_has_100_and_nothing_else_has() -> None:
    assert percentile(999_999, 999_999) == 100
    assert percentile(999_998, 999_999) == 99.9
    assert percentile(1, 2) == 50
    assert percentile(0, 3) == 0


def test_what_has_no_others_has_100() -> None:
    assert percentile(0, 0) == 100
