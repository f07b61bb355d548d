"""Feedback: columns that do not look like ratings are refused until it is declared what they are."""

from pathlib import Path
from typing import Any

import pytest

from tests.reading.shelf import interactions_of, refusal, triples


def rated(folder: Path, values: list[Any], column: str = "r", **declared: Any) -> list[float | None]:
    rows = "".join(f"u{number},{'abcd'[number % 4]},{value}\n" for number, value in enumerate(values))
    options = {"rating": column, "like_threshold": 4, **declared}
    dataset = interactions_of(folder, f"user,item,{column}\n{rows}", **options)
    return [value for _, _, value, _ in triples(dataset)]


@pytest.mark.parametrize("values", [[1, 5, 3], [0.5, 5], [1, 10], [-9.5, 9.5, 99], [0, 1], list(range(1, 101))])
def test_ratings_are_ratings(tmp_path: Path, values: list[float]) -> None:
    assert rated(tmp_path, values) == values


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ([n * n for n in range(1, 40)], "r"),
        ([1, 2, 101], "r"),
        ([3, 7], "plays"),
        ([3, 7], "listen_count"),
        ([3, 7], "playCount"),
        ([1.5, 2], "watch time minutes"),
    ],
)
def test_what_looks_like_counts_is_refused_until_it_is_declared(
    tmp_path: Path, values: list[float], column: str
) -> None:
    said = refusal(rated, tmp_path, values, column)
    assert f"the column '{column}' looks like counts (from {min(values):g} to {max(values):g}" in said
    assert "declare feedback: counts, or feedback: ratings" in said
    assert rated(tmp_path, values, column, feedback="ratings") == values
    assert rated(tmp_path, values, column, feedback="counts") == values


def test_zeros_among_ratings_are_asked_about(tmp_path: Path) -> None:
    said = refusal(rated, tmp_path, [0, 7, 0])
    assert "2 of 3 values of the column 'r' are 0 (from 0 to 7, with a median of 0)" in said
    assert "rating_range: [0, 7]" in said
    assert 'where: "r > 0"' in said
    assert rated(tmp_path, [0, 7, 0], rating_range=(0, 7)) == [0, 7, 0]


def test_ratings_that_are_all_the_same_are_refused(tmp_path: Path) -> None:
    assert "all values of the column 'r' are 1" in refusal(rated, tmp_path, [1] * 30)
    assert rated(tmp_path, [1] * 30, feedback="ratings") == [1] * 30


def test_names_are_refused_with_the_weights_to_declare(tmp_path: Path) -> None:
    said = refusal(rated, tmp_path, ["view", "buy", "view"], "event")
    assert "the column 'event' holds names ('view', 'buy'), not ratings" in said
    assert said.endswith("declare feedback: events with a weight for each, such as weights: {view: 1, buy: 1}")
    weights = {"view": 1, "buy": 5}
    found = rated(tmp_path, ["view", "buy"], "event", feedback="events", weights=weights)
    assert found == [1.0, 5.0]
