"""The reach that random items have, against counting all choices of items."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.catalog.reach import expected_share

N_ITEMS = 7


@given(st.lists(st.integers(0, N_ITEMS), min_size=1, max_size=6), st.integers(0, N_ITEMS))
def test_chance_is_the_mean_over_all_choices(n_likes: list[int], n: int) -> None:
    choices = list(combinations(range(N_ITEMS), n))
    reached = [sum(any(item < liked for item in chosen) for chosen in choices) / len(choices) for liked in n_likes]
    assert expected_share(np.array(n_likes), n, N_ITEMS) == pytest.approx(sum(reached) / len(reached), abs=1e-12)


def test_chance_is_exact_where_it_is_small() -> None:
    assert expected_share(np.array([1, 0]), 1, 1_000_000) == pytest.approx(0.5e-6, rel=1e-2)


def test_nobody_is_reached_where_there_is_nobody() -> None:
    assert expected_share(np.array([], dtype=np.int64), 3, 10) == 0
