"""The models that `all-fast` stands for."""

import pytest

from mcp_server.recommender.training.costs import Shape, cost_of
from mcp_server.recommender.training.quick_models import CANDIDATES, MOST_SECONDS, choose_quick


@pytest.fixture(autouse=True)
def steps_per_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is as fast whatever else runs on it."""
    monkeypatch.setattr("mcp_server.recommender.training.costs._steps_per_second", lambda: 2e10)


def _shape(n_users: int, n_items: int, n_pairs: int) -> Shape:
    """Users who all have as many interactions, and items without categories and texts."""
    return Shape(n_items, n_users, n_pairs, n_rows=n_users, n_products=n_pairs * n_pairs // n_users)


MOVIELENS = _shape(943, 1_682, 100_000)


@pytest.mark.parametrize(
    "shape", [_shape(30, 12, 180), MOVIELENS, _shape(3_000, 4_000, 200_000), _shape(200_000, 100_000, 10_000_000)]
)
def test_each_candidate_is_either_trained_or_named_with_the_reason_why_not(shape: Shape) -> None:
    choice = choose_quick(shape)
    assert sorted([*choice.models, *choice.left_out]) == sorted(CANDIDATES)
    for model in CANDIDATES:
        cost = cost_of(model, shape)
        assert cost is not None
        assert model in str(choice)
        if model in choice.models:
            assert cost.seconds <= MOST_SECONDS
        else:
            assert cost.seconds > MOST_SECONDS or choice.left_out[model] == "too many items"


def test_small_catalogues_are_trained_on_by_all() -> None:
    assert choose_quick(MOVIELENS).left_out == {}


def test_what_takes_longer_on_larger_catalogues_is_left_out() -> None:
    choice = choose_quick(_shape(30_000, 6_000, 1_000_000))
    assert "Pop" in choice.models
    assert "about" in choice.left_out["EASE"] and "about" in choice.left_out["BPR"]
    start = "all-fast, by estimate at most 60 s each on 30,000 users, 6,000 items, 1,000,000 interactions: "
    assert str(choice).startswith(start)


def test_a_model_that_cannot_be_trained_at_all_is_no_matter_of_time() -> None:
    choice = choose_quick(_shape(1_000_000, 12_001, 2_000_000))
    assert choice.left_out["CEASE"] == "too many items"
