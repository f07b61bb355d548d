"""The most popular of some items, with many ties, against sorting them all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.catalog.popularity import most_popular
from mcp_server.catalog.twins import Twins


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40))
def test_the_used_ones_come_in_order_and_those_above_the_quantile_first(items: list[tuple[int, bool]]) -> None:
    amounts = [amount for amount, _ in items]
    candidates = [item for item, (_, is_candidate) in enumerate(items) if is_candidate]
    found = most_popular(np.array(amounts, float), np.array(candidates, int), Twins(np.arange(len(items))))
    threshold = np.quantile([amounts[item] for item in candidates], 0.75) if candidates else 0.0
    used = [item for item in candidates if amounts[item] > 0]
    assert found.items.tolist() == sorted(used, key=lambda item: (-amounts[item], item))
    assert found.threshold == pytest.approx(threshold)
    assert found.n_above == sum(amounts[item] > threshold for item in used)


def test_of_twins_the_more_popular_is_named() -> None:
    popularity, twins = np.array([3.0, 9.0, 5.0, 4.0]), Twins(np.array([0, 1, 1, 3]))
    found = most_popular(popularity, np.array([0, 1, 2, 3]), twins)
    assert (found.items.tolist(), found.n_above) == ([1, 3, 0], 1)
    equal = most_popular(np.array([3.0, 3.0, 3.0, 3.0]), np.array([0, 1, 2, 3]), twins)
    assert (equal.items.tolist(), equal.n_above) == ([0, 1, 3], 0)
