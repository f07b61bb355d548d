"""Models compared by paired bootstrap over users."""

import numpy as np
import pytest

from mcp_server.recommender import comparison
from mcp_server.recommender.comparison import Interval, OfUsers, compare

N_USERS = 400


def _values(seed: int, shift: float = 0.0, noise: float = 0.1) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Users differ much from each other, and models little on the same user."""
    of_users = np.random.default_rng(0).random(N_USERS)
    return of_users + shift + noise * np.random.default_rng(seed).normal(size=N_USERS)


def test_an_interval_is_near_that_of_the_normal_distribution() -> None:
    good, bad = _values(1), _values(2, shift=-0.05)
    found = compare({"bad": OfUsers(range(N_USERS), bad), "good": OfUsers(range(N_USERS), good)})
    assert found.best == "good"
    assert list(found.differences) == ["bad"]
    differences = bad - good
    mean, error = differences.mean(), 1.96 * differences.std() / N_USERS**0.5
    assert found.differences["bad"].mean == pytest.approx(mean)
    assert found.differences["bad"].low == pytest.approx(mean - error, abs=error / 5)
    assert found.differences["bad"].high == pytest.approx(mean + error, abs=error / 5)
    assert not found.differences["bad"].has_zero
    error = 1.96 * good.std() / N_USERS**0.5
    assert found.means["good"].mean == pytest.approx(good.mean())
    assert found.means["good"].high - found.means["good"].low == pytest.approx(2 * error, rel=0.2)


def test_a_difference_by_chance_has_zero_in_its_interval() -> None:
    found = compare({name: OfUsers(range(N_USERS), _values(seed)) for seed, name in enumerate(("one", "other"))})
    [difference] = found.differences.values()
    assert difference.mean <= 0 <= difference.high
    assert difference.has_zero


def test_users_are_matched_by_id() -> None:
    values = _values(1)
    order = np.random.default_rng(9).permutation(N_USERS)[:-3]
    ids = [f"user {number}" for number in range(N_USERS)]
    found = compare({"all": OfUsers(ids, values), "some": OfUsers([ids[at] for at in order], values[order])})
    assert found.differences["some"] == Interval(0, 0, 0)
    assert found.means["all"].mean == pytest.approx(values[order].mean())


def test_the_order_and_the_number_of_models_change_no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    models = {name: OfUsers(range(N_USERS), _values(seed, shift=-0.01 * seed)) for seed, name in enumerate("abc")}
    whole = compare(models)
    monkeypatch.setattr(comparison, "DRAWN_AT_ONCE", 7 * N_USERS)  # in batches of 7 resamples
    fewer = compare({name: models[name] for name in "ca"})
    assert fewer.best == whole.best == "a"
    for found in (fewer.means["c"], fewer.differences["c"]):
        of_whole = (whole.means if found is fewer.means["c"] else whole.differences)["c"]
        assert (found.mean, found.low, found.high) == pytest.approx((of_whole.mean, of_whole.low, of_whole.high))


def test_models_without_a_user_in_common_are_refused() -> None:
    with pytest.raises(ValueError, match="no user in common"):
        compare({"one": OfUsers([1], np.ones(1)), "other": OfUsers([2], np.ones(1))})
