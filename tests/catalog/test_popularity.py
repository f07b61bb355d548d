"""The most popular of some items, with many ties, against sorting them all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.catalog.popularity import most_popular
from mcp_server.catalog.twins import Twins


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40), st.integers(1, 12))
def test_those_above_the_quantile_come_in_order(items: list[tuple[int, bool]], k: int) -> None:
    amounts = [amount for amount, _ in items]
    candidates = [item for item, (_, is_candidate) in enumerate(items) if is_candidate]
    found = most_popular(np.array(amounts, float), np.array(candidates, int), Twins(np.arange(len(items))), k)
    threshold = np.quantile([amounts[item] for item in candidates], 0.75) if candidates else 0.0
    above = [item for item in candidates if amounts[item] > threshold]
    chosen = above or [item for item in candidates if amounts[item] > 0]
    assert found.items.tolist() == sorted(chosen, key=lambda item: (-amounts[item], item))[:k]
    assert found.threshold == pytest.approx(threshold)
    assert found.above_threshold == bool(above)


def test_of_twins_the_more_popular_is_named_and_another_item_takes_the_place() -> None:
    popularity, twins = np.array([3.0, 9.0, 5.0, 4.0]), Twins(np.array([0, 1, 1, 3]))
    assert most_popular(popularity, np.array([0, 1, 2, 3]), twins, 2).items.tolist() == [1]
    assert most_popular(np.array([3.0, 3.0, 3.0, 3.0]), np.array([0, 1, 2, 3]), twins, 3).items.tolist() == [0, 1, 3]
