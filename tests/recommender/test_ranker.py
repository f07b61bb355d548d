"""Rankings against plain sorting."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_server.catalog.liked_history import LikedHistory
from mcp_server.catalog.twins import Twins
from mcp_server.recommender.history_weighting import HistoryWeighting
from mcp_server.recommender.item_item import ItemItemModel, LowRankItemItemModel
from mcp_server.recommender.ranker import Ranked, Ranker, rank
from mcp_server.recommender.score_table import ScoreTable

NONE = np.array([], dtype=np.int64)

SCORE = st.sampled_from([-1.5, 0.0, 0.5, 2.0]) | st.floats(-100, 100, width=32)


@dataclass
class Case:
    """Something to rank."""

    scores: list[float]
    k: int
    allowed: list[int] | None
    excluded: list[int]
    groups: list[int]
    """Items of one group are the same."""


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    n_items = draw(st.integers(1, 30))
    items = st.integers(0, n_items - 1)
    return Case(
        scores=draw(st.lists(SCORE, min_size=n_items, max_size=n_items)),
        k=draw(st.integers(1, n_items + 5)),
        allowed=draw(st.none() | st.lists(items, unique=True)),
        excluded=draw(st.lists(items, max_size=n_items)),
        groups=draw(st.lists(st.integers(0, n_items), min_size=n_items, max_size=n_items)),
    )


def _sorted(case: Case) -> list[int]:
    """All candidates, best first; of equal scores the lower position first."""
    candidates = range(len(case.scores)) if case.allowed is None else case.allowed
    left = [item for item in candidates if item not in case.excluded]
    return sorted(left, key=lambda item: (-case.scores[item], item))


def _array(items: list[int] | None) -> npt.NDArray[np.int64] | None:
    return None if items is None else np.array(items, dtype=np.int64)


@settings(deadline=None)
@given(_cases())
def test_a_ranking_is_what_sorting_gives(case: Case) -> None:
    scores = np.array(case.scores, dtype=np.float32)
    ranked = rank(scores, _array(case.allowed), np.array(case.excluded, dtype=np.int64), case.k)
    assert ranked.tolist() == _sorted(case)[: case.k]


def _top(case: Case) -> Ranked:
    ranker = Ranker(ScoreTable(np.array([case.scores], dtype=np.float32), "any"))
    canonical = [case.groups.index(group) for group in case.groups]
    return ranker.top(
        0,
        LikedHistory(NONE),
        case.k,
        allowed=_array(case.allowed),
        excluded=np.array(case.excluded, dtype=np.int64),
        twins=Twins(np.array(canonical, dtype=np.int64)),
    )


@settings(deadline=None)
@given(_cases())
def test_items_that_are_the_same_are_named_once_at_their_best_place(case: Case) -> None:
    expected: dict[int, int] = {}
    for item in _sorted(case):
        expected.setdefault(case.groups[item], item)
    top = _top(case)
    assert top.items == list(expected.values())[: case.k]
    assert top.scores == [np.float32(case.scores[item]) for item in top.items]


def test_of_equal_scores_the_lower_position_comes_first_even_at_the_edge() -> None:
    scores = np.array([1, 3, 1, 1, 2], dtype=np.float32)
    assert rank(scores, None, NONE, 3).tolist() == [1, 4, 0]
    assert rank(scores, np.array([3, 2, 4]), NONE, 2).tolist() == [4, 2]


@pytest.mark.parametrize("k", [1, 7, 40])
@pytest.mark.parametrize("n_scored", [0, 3, 900])
def test_the_best_of_many_items_of_which_most_score_alike_are_those_of_sorting(k: int, n_scored: int) -> None:
    chance = np.random.default_rng(k)
    scores = np.zeros(200_000, dtype=np.float32)
    places = chance.choice(len(scores), n_scored, replace=False)
    scores[places] = chance.normal(size=n_scored).round(1)  # with ties, and some below 0
    excluded = chance.choice(len(scores), 5_000, replace=False)
    left = set(excluded.tolist())
    expected = [item for item in np.argsort(-scores, kind="stable").tolist() if item not in left][:k]
    assert rank(scores, None, excluded, k).tolist() == expected


def test_excluded_items_never_appear_even_if_that_leaves_none() -> None:
    scores = np.array([3, 2, 1], dtype=np.float32)
    assert rank(scores, None, np.array([0, 0, 2]), 3).tolist() == [1]
    assert rank(scores, np.array([0, 2]), np.array([2, 0]), 3).tolist() == []


def test_nothing_allowed_gives_nothing() -> None:
    assert rank(np.array([3, 2, 1], dtype=np.float32), NONE, NONE, 5).tolist() == []


def test_more_than_there_are_gives_all() -> None:
    assert rank(np.array([1, 3, 2], dtype=np.float32), None, NONE, 100).tolist() == [1, 2, 0]


def test_twins_do_not_use_up_places() -> None:
    case = Case([9, 8, 7, 6, 5], 3, None, [], groups=[0, 0, 0, 3, 4])
    assert _top(case).items == [0, 3, 4]


def test_a_twin_takes_the_place_of_an_item_that_is_not_allowed() -> None:
    case = Case([9, 1, 5], 2, [1, 2], [], groups=[0, 0, 2])
    assert _top(case).items == [2, 1]


def test_reasons_are_the_largest_contributions_that_speak_for_an_item() -> None:
    weights = np.zeros((5, 5), dtype=np.float32)
    weights[:, 4] = [0.5, -1, 2, 0, 1]
    ranker = Ranker(ItemItemModel(weights, np.zeros(5, dtype=np.float32)))
    history = LikedHistory(np.array([3, 0, 1, 2]))
    assert ranker.reasons(history, 4, most=3) == [2, 0]
    assert ranker.reasons(history, 4, most=1) == [2]
    assert ranker.reasons(LikedHistory(np.array([1])), 4, most=3) == []


def test_what_weighs_nothing_is_no_reason() -> None:
    weights = np.zeros((3, 3), dtype=np.float32)
    weights[:, 2] = 1
    ranker = Ranker(ItemItemModel(weights, np.zeros(3, np.float32)), HistoryWeighting(per_rating=1, middle=4))
    history = LikedHistory(np.array([0, 1]), np.array([3.0, 4.5]))
    assert ranker.scores(None, history).tolist() == [0, 0, 1.5]
    assert ranker.reasons(history, 2, most=3) == [1]


def test_a_model_that_cannot_tell_gives_no_reasons() -> None:
    assert (
        Ranker(ScoreTable(np.zeros((1, 2), dtype=np.float32), "any")).reasons(LikedHistory(np.array([0])), 1, 3) is None
    )


@pytest.mark.parametrize("n_items", [7, 20_003])
def test_what_speaks_for_an_item_is_what_each_would_add_alone(n_items: int) -> None:
    random = np.random.default_rng(n_items)
    vectors = random.normal(size=(n_items, 3)).astype(np.float32)
    factors = random.random(n_items).astype(np.float32)
    found = Ranker(LowRankItemItemModel(vectors, factors)).speaking_for(5, n_items)
    expected = vectors.astype(np.float64) @ vectors[5] * factors[5]
    expected[5] = 0
    assert found is not None
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_table_of_scores_cannot_tell_what_speaks_for_an_item() -> None:
    assert Ranker(ScoreTable(np.zeros((2, 3), dtype=np.float32), "table")).speaking_for(0, 3) is None
