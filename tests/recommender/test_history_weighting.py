"""How much each item of a history counts."""

import numpy as np
import pytest

from mcp_server.catalog.liked_history import LikedHistory
from mcp_server.recommender.history_weighting import ALL_ALIKE, HistoryWeighting

ITEMS = np.array([4, 0, 2])
RATED = LikedHistory(ITEMS, np.array([5.0, 4.0, 1.0]))
DATED = LikedHistory(ITEMS, newest_first=True)


def test_by_default_all_count_alike() -> None:
    assert ALL_ALIKE.weights(RATED) is None
    assert ALL_ALIKE.weights(DATED) is None


def test_ratings_count_by_their_distance_from_the_middle_and_never_against_others() -> None:
    weights = HistoryWeighting(per_rating=0.5, middle=4).weights(RATED)
    assert weights is not None
    assert weights.tolist() == [1.5, 1, 0]


def test_what_is_older_counts_less() -> None:
    weights = HistoryWeighting(recency=0.5).weights(DATED)
    assert weights == pytest.approx([1, 2**-0.5, 3**-0.5])


def test_what_a_history_does_not_have_changes_nothing() -> None:
    both = HistoryWeighting(per_rating=0.5, middle=4, recency=1)
    assert both.weights(LikedHistory(ITEMS)) is None
    assert both.weights(RATED) == pytest.approx([1.5, 1, 0])
