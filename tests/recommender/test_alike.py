"""Items that are liked together, by the models' own weights."""

import numpy as np

from mcp_server.recommender.item_item import ItemItemModel
from mcp_server.recommender.popularity_model import PopularityModel
from mcp_server.recommender.ranker import Ranker
from mcp_server.recommender.score_table import ScoreTable

NONE = np.zeros(3, dtype=np.float32)


def test_an_item_item_model_tells_by_the_row_of_the_item() -> None:
    weights = np.array([[0, 2, 1], [3, 0, 0], [0, 0, 0]], dtype=np.float32)
    ranker = Ranker(ItemItemModel(weights, NONE))
    found = ranker.alike(0)
    assert found is not None
    assert found.tolist() == [0, 2, 1]
    assert ranker.alike(2) is None  # nothing is liked with it


def test_popularity_and_tables_of_users_cannot_tell() -> None:
    assert Ranker(PopularityModel(np.array([3, 2, 1], dtype=np.float32))).alike(0) is None
    assert Ranker(ScoreTable(np.ones((2, 3), dtype=np.float32), "MultiVAE")).alike(0) is None
