"""A model behind another catalogue's positions, against arrays that are rearranged by hand."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mcp_server.catalog.liked_history import LikedHistory
from mcp_server.catalog.twins import Twins
from mcp_server.errors import InvalidInputError
from mcp_server.recommender.aligned import AlignedModel
from mcp_server.recommender.factors import FactorModel
from mcp_server.recommender.item_item import ItemItemModel
from mcp_server.recommender.model import Recommender
from mcp_server.recommender.ranker import Ranker
from mcp_server.recommender.score_table import ScoreTable

OWN_ITEMS = np.array([2, -1, 0, 1, -1])
"""The catalogue's items 2, 3 and 0 are the model's items 0, 1 and 2; two more are new, and the model's 3 is gone."""
KNOWN, NEW = [0, 2, 3], [1, 4]

OWN_USERS = np.array([-1, 1, 0])

RANDOM = np.random.default_rng(11)


def _numbers(*shape: int) -> npt.NDArray[Any]:
    return RANDOM.normal(size=shape).astype(np.float32)


WEIGHTS, OFFSET = _numbers(4, 4), _numbers(4)
USERS, ITEMS = _numbers(2, 3), _numbers(4, 3)


def test_known_items_score_as_the_rearranged_matrix_says() -> None:
    weights = np.zeros((5, 5), dtype=np.float32)
    offset = np.zeros(5, dtype=np.float32)
    for row in KNOWN:
        offset[row] = OFFSET[OWN_ITEMS[row]]
        for column in KNOWN:
            weights[row, column] = WEIGHTS[OWN_ITEMS[row], OWN_ITEMS[column]]
    by_hand, aligned = ItemItemModel(weights, offset), AlignedModel(ItemItemModel(WEIGHTS, OFFSET), OWN_ITEMS, None)
    for history in (np.array([3, 1, 0]), np.array([2]), np.array([4, 2])):
        np.testing.assert_allclose(aligned.score(7, history)[KNOWN], by_hand.score(7, history)[KNOWN], rtol=1e-5)
        for item in KNOWN:
            shares = aligned.contributions(history, item)
            assert shares is not None
            np.testing.assert_allclose(shares, by_hand.contributions(history, item))


@pytest.mark.parametrize(
    "model", [ItemItemModel(WEIGHTS, OFFSET), FactorModel(USERS, ITEMS), ScoreTable(_numbers(2, 4), "Any")]
)
def test_new_items_score_less_than_all_others_and_are_no_reason(model: Recommender) -> None:
    aligned, history = AlignedModel(model, OWN_ITEMS, OWN_USERS), np.array([1, 3])
    scores = aligned.score(1, history)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert max(scores[NEW]) < min(scores[KNOWN])
    for item in range(5):
        shares = aligned.contributions(history, item)
        assert shares is None or (shares[0] == 0 and (item not in NEW or shares[1] == 0))


def test_weights_of_a_history_stay_with_its_items() -> None:
    model, history, weights = ItemItemModel(WEIGHTS, OFFSET), np.array([0, 1, 3]), np.array([0.5, 9, 2], np.float32)
    aligned = AlignedModel(model, OWN_ITEMS, OWN_USERS)
    known = OWN_ITEMS[history] >= 0
    own = model.score(None, OWN_ITEMS[history][known], weights[known])
    np.testing.assert_allclose(aligned.score(None, history, weights)[KNOWN], own[OWN_ITEMS[KNOWN]], rtol=1e-5)
    for item in KNOWN:
        shares = aligned.contributions(history, int(item), weights)
        plain = aligned.contributions(history, int(item))
        np.testing.assert_allclose(shares, np.where(known, weights, 0) * plain, rtol=1e-5)


def test_users_are_served_by_their_own_vectors_and_new_ones_by_their_history() -> None:
    model = FactorModel(USERS, ITEMS)
    aligned, history = AlignedModel(model, OWN_ITEMS, OWN_USERS), np.array([0, 4, 3])
    np.testing.assert_allclose(aligned.score(1, history)[KNOWN], (ITEMS @ USERS[1])[OWN_ITEMS[KNOWN]], rtol=1e-5)
    np.testing.assert_allclose(aligned.score(2, history)[KNOWN], (ITEMS @ USERS[0])[OWN_ITEMS[KNOWN]], rtol=1e-5)
    folded_in = model.score(None, np.array([2, 1]))
    np.testing.assert_allclose(aligned.score(0, history)[KNOWN], folded_in[OWN_ITEMS[KNOWN]], rtol=1e-5)


def test_a_table_of_scores_refuses_a_new_user_and_says_what_serves_them() -> None:
    aligned = AlignedModel(ScoreTable(_numbers(2, 4), "Pop"), OWN_ITEMS, OWN_USERS)
    with pytest.raises(InvalidInputError, match=r"Pop.*new users.*EASE"):
        aligned.score(0, np.array([2]))


def test_of_a_history_of_new_items_alone_nothing_is_known() -> None:
    aligned = AlignedModel(ItemItemModel(WEIGHTS, np.zeros(4, np.float32)), OWN_ITEMS, None)
    ranker, nothing, twins = Ranker(aligned), np.array([], dtype=np.int64), Twins(np.arange(5))
    assert not ranker.top(None, LikedHistory(np.array(NEW)), 3, allowed=None, excluded=nothing, twins=twins).tells_apart
    assert ranker.top(None, LikedHistory(np.array([1, 0])), 3, allowed=None, excluded=nothing, twins=twins).tells_apart


def test_a_user_without_a_vector_is_served_by_the_history() -> None:
    model = FactorModel(np.zeros((1, 3), np.float32), ITEMS)
    history = np.array([0, 2])
    np.testing.assert_array_equal(model.score(0, history), model.score(None, history))
