"""The likeness of items beside another model, against the products written out."""

import numpy as np
import pytest
import scipy.sparse

from mcp_server.recommender.content import ItemContent, WithContent
from mcp_server.recommender.popularity_model import PopularityModel
from mcp_server.recommender.score_table import ScoreTable
from mcp_server.types import FloatArray

N_ITEMS = 9


@pytest.fixture(params=[0, 4])
def parts(request: pytest.FixtureRequest) -> tuple[FloatArray, FloatArray]:
    """Names, of which some items have none, and vectors of some dimension."""
    chance = np.random.default_rng(5)
    names = (chance.random((N_ITEMS, 6)) * (chance.random((N_ITEMS, 6)) > 0.5)).astype(np.float32)
    names[[0, 4, N_ITEMS - 1]] = 0
    return names, chance.normal(size=(N_ITEMS, request.param)).astype(np.float32)


def test_likeness_is_added_by_each_items_weight(parts: tuple[FloatArray, FloatArray]) -> None:
    names, vectors = parts
    rows = scipy.sparse.csr_matrix(names)
    content = ItemContent(rows.indptr.astype(np.int64), rows.indices, rows.data, vectors)
    weights = np.array([0, 1, 2, 0, 3, 1, 0, 0.5, 1], dtype=np.float32)
    popular = np.arange(N_ITEMS, dtype=np.float32)
    model = WithContent(PopularityModel(popular.copy()), content, weights)
    history, counted = np.array([1, 4, 7]), np.array([1.0, 2.0, 0.5], dtype=np.float32)
    products = names @ names.T + vectors @ vectors.T
    for given in (None, counted):
        shares = (np.ones(3) if given is None else given) / (3 if given is None else counted.sum())
        expected = popular + weights * (shares @ products[history])
        for _ in range(2):  # and what the other model keeps is left alone
            np.testing.assert_allclose(model.score(None, history, given), expected, rtol=1e-5)


def test_a_history_of_nothing_is_like_nothing(parts: tuple[FloatArray, FloatArray]) -> None:
    rows = scipy.sparse.csr_matrix(parts[0])
    content = ItemContent(rows.indptr.astype(np.int64), rows.indices, rows.data, parts[1])
    model = WithContent(PopularityModel(np.ones(N_ITEMS, dtype=np.float32)), content, np.ones(N_ITEMS, np.float32))
    np.testing.assert_array_equal(model.score(None, np.array([], dtype=np.int64)), np.ones(N_ITEMS))


def test_a_model_that_cannot_tell_still_cannot(parts: tuple[FloatArray, FloatArray]) -> None:
    rows = scipy.sparse.csr_matrix(parts[0])
    content = ItemContent(rows.indptr.astype(np.int64), rows.indices, rows.data, parts[1])
    table = ScoreTable(np.zeros((2, N_ITEMS), dtype=np.float32), "MultiVAE")
    assert WithContent(table, content, np.ones(N_ITEMS, np.float32)).contributions(np.array([1]), 2) is None
