"""Scores and contributions of the models, against the formulas written out."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_server.errors import InvalidInputError
from mcp_server.recommender.factors import RIDGE, FactorModel
from mcp_server.recommender.item_item import ItemItemModel, SparseItemItemModel
from mcp_server.recommender.score_table import ScoreTable

Floats = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int64]


def _sparse(weights: Floats, offset: Floats) -> SparseItemItemModel:
    """Compressed rows, made by a loop."""
    indptr, indices, values = [0], [], []
    for row in weights:
        for column, value in enumerate(row):
            if value != 0:
                indices.append(column)
                values.append(value)
        indptr.append(len(indices))
    return SparseItemItemModel(
        np.array(indptr, np.int64), np.array(indices, np.int32), np.array(values, np.float32), offset
    )


@st.composite
def _item_item(draw: st.DrawFn) -> tuple[Floats, Floats, Positions, int]:
    """Weights of which many are zero, an offset, a history, an item."""
    n_items = draw(st.integers(1, 8))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    weights = random.normal(size=(n_items, n_items)) * (random.random((n_items, n_items)) < 0.5)
    offset = random.normal(size=n_items) if draw(st.booleans()) else np.zeros(n_items)
    history = draw(st.lists(st.integers(0, n_items - 1), unique=True))
    item = draw(st.integers(0, n_items - 1))
    return weights.astype(np.float32), offset.astype(np.float32), np.array(history, np.int64), item


@settings(deadline=None)
@given(_item_item())
def test_item_item_scores_are_the_history_row_times_the_weights(
    drawn: tuple[Floats, Floats, Positions, int],
) -> None:
    weights, offset, history, _ = drawn
    counting = np.linspace(0, 2, len(history), dtype=np.float32)
    for given_weights in (None, counting):
        row = np.zeros(len(weights))
        row[history] = 1 if given_weights is None else given_weights
        expected = row @ weights.astype(np.float64) + offset
        for model in (ItemItemModel(weights, offset), _sparse(weights, offset)):
            scores = model.score(None, history, given_weights)
            assert scores.dtype == np.float32
            np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


@settings(deadline=None)
@given(_item_item())
def test_item_item_contributions_and_the_offset_are_the_whole_score(
    drawn: tuple[Floats, Floats, Positions, int],
) -> None:
    weights, offset, history, item = drawn
    for model in (ItemItemModel(weights, offset), _sparse(weights, offset)):
        shares = model.contributions(history, item)
        assert shares is not None
        np.testing.assert_array_equal(shares, [weights[other, item] for other in history])
        counting = np.linspace(0, 2, len(history), dtype=np.float32)
        weighted = model.contributions(history, item, counting)
        np.testing.assert_allclose(weighted, counting * shares, rtol=1e-6)
        score = model.score(None, history)[item]
        np.testing.assert_allclose(shares.sum(dtype=np.float64) + offset[item], score, rtol=1e-4, atol=1e-5)


def test_item_item_scores_do_not_depend_on_who_asks_nor_change_the_model() -> None:
    weights, offset = np.eye(3, dtype=np.float32), np.array([1, 2, 3], dtype=np.float32)
    for model in (ItemItemModel(weights, offset), _sparse(weights, offset)):
        first = model.score(5, np.array([1])).tolist()
        assert first == model.score(None, np.array([1])).tolist() == [1, 3, 3]
        assert model.score(None, np.array([], dtype=np.int64)).tolist() == [1, 2, 3]


USERS = np.array([[1, 0], [0.5, -2]], dtype=np.float32)
ITEMS = np.array([[1, 2], [3, 4], [-1, 0.5]], dtype=np.float32)


def test_a_factor_models_score_is_the_product_of_the_two_vectors() -> None:
    model = FactorModel(USERS, ITEMS)
    nothing = np.array([], dtype=np.int64)
    assert model.score(0, nothing).tolist() == [1, 3, -1]
    assert model.score(1, nothing).tolist() == [-3.5, -6.5, -1.5]
    assert model.score(1, nothing).dtype == np.float32


def test_a_known_users_factor_scores_do_not_depend_on_the_history() -> None:
    model = FactorModel(USERS, ITEMS)
    assert model.score(0, np.array([0, 2])).tolist() == model.score(0, np.array([1])).tolist()


@st.composite
def _factors(draw: st.DrawFn) -> tuple[Floats, Positions]:
    n_items, n_factors = draw(st.integers(1, 9)), draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    scale = draw(st.sampled_from([0.01, 1.0, 30.0]))
    items = (scale * random.normal(size=(n_items, n_factors))).astype(np.float32)
    return items, np.array(draw(st.lists(st.integers(0, n_items - 1), unique=True)), np.int64)


def _model(items: Floats) -> FactorModel:
    return FactorModel(np.zeros((0, items.shape[1]), np.float32), items)


@settings(deadline=None)
@given(_factors())
def test_folding_in_solves_the_ridge_regression(drawn: tuple[Floats, Positions]) -> None:
    items, history = drawn
    exact = items.astype(np.float64)
    penalty = RIDGE * np.mean(np.sum(exact**2, axis=1))
    # Least squares with a row for each factor besides, which holds the penalty's root and aims at zero.
    augmented = np.vstack([exact[history], np.sqrt(penalty) * np.eye(items.shape[1])])
    targets = np.concatenate([np.ones(len(history)), np.zeros(items.shape[1])])
    vector, *_ = np.linalg.lstsq(augmented, targets, rcond=None)
    np.testing.assert_allclose(_model(items).score(None, history), exact @ vector, rtol=2e-3, atol=2e-3)


@settings(deadline=None)
@given(_factors())
def test_contributions_to_a_factor_score_add_up_to_the_folded_in_score(drawn: tuple[Floats, Positions]) -> None:
    items, history = drawn
    model = _model(items)
    scores = model.score(None, history)
    for item in range(len(items)):
        shares = model.contributions(history, item)
        assert shares is not None
        assert shares.shape == (len(history),)
        np.testing.assert_allclose(shares.sum(), scores[item], rtol=2e-3, atol=2e-3)


def test_vectors_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        FactorModel(USERS, np.zeros((3, 5), dtype=np.float32))


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_a_score_table_gives_the_row_of_the_user(kind: Any) -> None:
    model = ScoreTable(np.array([[1, 2, 3], [6, 5, 4]], dtype=kind), "MultiVAE")
    scores = model.score(1, np.array([0]))
    assert scores.tolist() == [6, 5, 4]
    assert scores.dtype == np.float32
    assert model.contributions(np.array([0]), 1) is None


def test_a_score_table_refuses_someone_without_an_id() -> None:
    model = ScoreTable(np.zeros((1, 2), dtype=np.float32), "MultiVAE")
    with pytest.raises(InvalidInputError, match=r"MultiVAE.*EASE"):
        model.score(None, np.array([0]))
