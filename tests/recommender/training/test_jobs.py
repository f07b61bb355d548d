"""The interactions that are trained on, and what is said where training cannot work."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_server.dataset.records import Interactions
from mcp_server.dataset.spec import Feedback
from mcp_server.recommender.training.jobs import EvaluateJob, TooLittleError, TrainJob, leave_out_complete, run_job
from mcp_server.recommender.training.trainable import trainable

PAIRS = st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)))


def _interactions(pairs: set[tuple[int, int]], **changes: Any) -> Interactions:
    rows = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    known: dict[str, Any] = {"value": None, "n_events": None, "timestamp": None, "liked": np.ones(len(rows), bool)}
    return Interactions(rows[:, 0], rows[:, 1], **{**known, **changes})


@settings(deadline=None)
@given(PAIRS)
def test_users_who_have_everything_are_left_out_until_none_is_left(pairs: set[tuple[int, int]]) -> None:
    expected = set(pairs)
    while True:
        items = {item for _, item in expected}
        complete = {user for user, _ in expected if {item for other, item in expected if other == user} == items}
        if not complete:
            break
        expected = {(user, item) for user, item in expected if user not in complete}
    both = _interactions(pairs)
    rows = leave_out_complete(both.user, both.item)
    assert set(zip(both.user[rows].tolist(), both.item[rows].tolist(), strict=True)) == expected


@pytest.mark.parametrize(
    ("feedback", "kept"), [("ratings", [0, 1, 2]), ("likes", [0, 1, 2]), ("counts", [2]), ("events", [2])]
)
def test_refunds_and_zero_counts_are_not_trained_on_and_low_ratings_are(feedback: Feedback, kept: list[int]) -> None:
    values = np.array([-5.0, 0.0, 1.0])
    times = np.array([7, 8, 9], dtype=np.int64)
    found = trainable(_interactions({(0, 0), (1, 1), (2, 2)}, value=values, n_events=times, timestamp=times), feedback)
    assert found.user.tolist() == found.item.tolist() == kept
    assert found.value is not None and found.n_events is not None and found.timestamp is not None
    assert found.value.tolist() == values[kept].tolist()
    assert found.n_events.tolist() == found.timestamp.tolist() == times[kept].tolist()
    assert len(found.liked) == len(kept)


def _job(tmp_path: Path, model: str = "EASE", **options: Any) -> TrainJob:
    (tmp_path / "artifact").mkdir()
    return TrainJob(
        model=model,
        n_users=9,
        n_items=9,
        dataset="any",
        fingerprint="any",
        output=str(tmp_path / "artifact"),
        **options,
    )


@pytest.mark.parametrize("pairs", [set(), {(0, 0)}, {(0, 0), (0, 1)}, {(0, 0), (1, 0)}])
def test_too_little_to_learn_from_is_said_before_anything_is_started(
    tmp_path: Path, pairs: set[tuple[int, int]]
) -> None:
    with pytest.raises(TooLittleError, match="at least two users and two items"):
        run_job(_job(tmp_path), _interactions(pairs), tmp_path, lambda *event: None)
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


def test_models_are_not_compared_by_rankings_longer_than_the_catalogue(tmp_path: Path) -> None:
    pairs = {(user, user + step) for user in range(8) for step in range(2)}
    with pytest.raises(TooLittleError, match="rankings of 10 items, and only 9 items"):
        run_job(EvaluateJob(model="EASE", n_users=8, n_items=9), _interactions(pairs), tmp_path, lambda *event: None)
