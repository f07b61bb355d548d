"""Maximal marginal relevance against a slow loop, and similarities against sums by hand."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_server.recommender.diversity import choose_diverse, name_similarity, text_similarity

Pool = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


@st.composite
def _pools(draw: st.DrawFn) -> Pool:
    """Relevance, best first, and similarities, of up to ten candidates."""
    n = draw(st.integers(0, 10))
    relevance = sorted(draw(st.lists(st.integers(-5, 5), min_size=n, max_size=n)), reverse=True)
    similarity = np.array(draw(st.lists(st.integers(0, 4), min_size=n * n, max_size=n * n)), dtype=np.float64)
    square = similarity.reshape(n, n)
    return np.array(relevance, dtype=np.float64), square + square.T


def _one_by_one(pool: Pool, k: int, diversity: float) -> list[int]:
    relevance, similarity = pool
    candidates = list(range(len(relevance)))
    span = max(relevance, default=0) - min(relevance, default=0)
    greatest = max((similarity[i, j] for i in candidates for j in candidates if i != j), default=0) or 1
    chosen: list[int] = []
    while candidates and len(chosen) < k:

        def margin(place: int) -> float:
            scaled = (relevance[place] - min(relevance)) / span if span else 1.0
            nearest = max((similarity[other, place] / greatest for other in chosen), default=0.0)
            return float((1 - diversity) * scaled - diversity * nearest)

        best = max(candidates, key=lambda place: (margin(place), -place))
        candidates.remove(best)
        chosen.append(best)
    return chosen


@settings(deadline=None)
@given(_pools(), st.integers(1, 12), st.sampled_from([0, 0.2, 0.5, 0.9, 1]))
def test_each_choice_has_the_greatest_margin(pool: Pool, k: int, diversity: float) -> None:
    assert choose_diverse(*pool, k, diversity).tolist() == _one_by_one(pool, k, diversity)


@given(_pools(), st.integers(1, 12))
def test_without_diversity_the_order_stays(pool: Pool, k: int) -> None:
    assert choose_diverse(*pool, k, 0).tolist() == list(range(len(pool[0])))[:k]


def test_of_two_that_are_alike_the_second_waits() -> None:
    alike = np.eye(3)
    alike[0, 1] = alike[1, 0] = 1
    assert choose_diverse(np.array([3.0, 2.9, 1.0]), alike, 2, 0.6).tolist() == [0, 2]


def test_items_are_alike_by_the_names_that_they_share_and_rare_names_tell_more() -> None:
    drama, western, lone = (1, 50), (2, 5), (3, 1)
    similarity = name_similarity([[drama, western], [drama], [western, lone], []], 100)
    squares = {name: math.log(100 / n_with) for name, n_with in (drama, western, lone)}
    lengths = [math.sqrt(squares[1] + squares[2]), math.sqrt(squares[1]), math.sqrt(squares[2] + squares[3])]
    assert similarity[0, 1] == pytest.approx(squares[1] / lengths[0] / lengths[1])
    assert similarity[0, 2] == pytest.approx(squares[2] / lengths[0] / lengths[2])
    assert similarity[1, 2] == 0
    assert similarity[3].tolist() == [0, 0, 0, 0]
    assert similarity[0, 2] > similarity[0, 1]


@pytest.mark.parametrize("names", [[], [[], []], [[(7, 2)], [(8, 2)]]])
def test_items_that_share_no_names_are_not_alike(names: Any) -> None:
    assert name_similarity(names, 2).tolist() == np.zeros((len(names), len(names))).tolist()


def test_texts_are_alike_by_the_angle_between_their_vectors() -> None:
    vectors = np.array([[3, 4], [6, 8], [-4, 3], [-3, -4], [0, 0]], dtype=np.float32)
    similarity = text_similarity(vectors)
    assert similarity[0].tolist() == pytest.approx([1, 1, 0, 0, 0], abs=1e-6)
    assert similarity[4].tolist() == [0, 0, 0, 0, 0]
