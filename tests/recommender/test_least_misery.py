"""The order of items for several users, against sorting by the worst and then by the mean."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.recommender.least_misery import least_misery


@given(st.integers(1, 12).flatmap(lambda n: st.lists(st.lists(st.integers(0, 5), min_size=n, max_size=n), min_size=1)))
def test_items_are_in_the_order_of_the_least_and_then_of_the_mean(n_lower: list[list[int]]) -> None:
    group = least_misery([np.array(each) for each in n_lower])
    columns = list(zip(*n_lower, strict=True))
    assert group.least.tolist() == [min(column) for column in columns]
    for one, column in enumerate(columns):
        for other, another in enumerate(columns):
            first = (min(column), sum(column)) > (min(another), sum(another))
            assert (group.scores[one] > group.scores[other]) == first


def test_what_one_of_them_would_like_least_comes_last_however_much_others_like_it() -> None:
    group = least_misery([np.array([9, 3, 3]), np.array([0, 3, 4])])
    assert np.argsort(-group.scores).tolist() == [2, 1, 0]


def test_the_mean_decides_between_equals_in_large_catalogues_too() -> None:
    n_items = 1_000_000
    n_lower = [np.array([n_items - 1, n_items - 1, n_items]) for _ in range(20)]
    n_lower[0][0] += 1
    assert np.argsort(-least_misery(n_lower).scores).tolist() == [2, 0, 1]
