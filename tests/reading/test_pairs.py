"""Pairs of user and item: what counts of several interactions."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.dataset.records import NO_TIME
from mcp_server.dataset.spec import InteractionSpec
from mcp_server.reading.pairs import combine

SOURCES = [{"file": "inter.csv"}]

EVENTS = InteractionSpec.model_validate(
    {"sources": SOURCES, "user": "u", "item": "i", "rating": "e", "feedback": "events", "weights": {"buy": 1}}
)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(-5, 5), st.sampled_from([NO_TIME, 0, 7, 9])),
        max_size=15,
    )
)
def test_weights_are_added_up_and_the_latest_time_is_kept(rows: list[tuple[int, int, int, int]]) -> None:
    expected: dict[tuple[int, int], list[Any]] = {}
    for user, item, weight, time in rows:
        total, n, latest = expected.pop((user, item), (0, 0, NO_TIME))
        expected[user, item] = [total + weight, n + (weight > 0), max(latest, time)]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    found, n_repeated = combine(columns[0], columns[1], columns[2].astype(float), columns[3], EVENTS)
    assert found.value is not None
    assert found.n_events is not None
    assert found.timestamp is not None
    pairs = list(zip(found.user.tolist(), found.item.tolist(), strict=True))
    values = zip(found.value.tolist(), found.n_events.tolist(), found.timestamp.tolist(), strict=True)
    assert pairs == list(expected)
    assert [list(value) for value in values] == list(expected.values())
    assert n_repeated == len(rows) - len(expected)
    assert found.liked.tolist() == [total > 0 for total, _, _ in expected.values()]
