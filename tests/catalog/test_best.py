"""Bounds of the best values, against sorting them."""

import numpy as np
import pytest

from mcp_server.catalog.best import BLOCK, bound_of_best


@pytest.mark.parametrize("n", [1, 7, 40 * BLOCK, 200 * BLOCK + 5])
@pytest.mark.parametrize("n_different", [1, 2, 50, 10**9])
@pytest.mark.parametrize("k", [1, 5, 100])
def test_the_best_reach_it_and_few_others_do(n: int, n_different: int, k: int) -> None:
    chance = np.random.default_rng(n + n_different + k)
    values = (chance.integers(0, n_different, n) * (chance.random(n) < 0.1)).astype(np.float32)
    k = min(k, n)
    bound = bound_of_best(values, k)
    assert (np.sort(values)[::-1][:k] >= bound).all()
    if np.count_nonzero(values > 0) > 3 * k and n_different > n:
        assert np.count_nonzero(values >= bound) <= 3 * k


def test_the_best_may_all_be_in_one_block_or_in_the_rest() -> None:
    for first in (0, 300 * BLOCK):
        values = np.zeros(300 * BLOCK + 50)
        values[first : first + 50] = np.arange(1, 51)
        assert set(values[values >= bound_of_best(values, 20)]) >= set(range(31, 51))
