"""Recommendations on MovieLens computed by hand, from the ratings and the arrays of the trained model."""

from collections.abc import Iterable, Mapping
from operator import gt, lt
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

UNNAMED = 267
"""The film of MovieLens without a title."""

Movies = dict[int, dict[str, Any]]
Histories = Mapping[int, list[int]]
Likes = Mapping[int, Mapping[int, float]]
Arrays = dict[str, npt.NDArray[np.float32]]


def sum_rows(arrays: Arrays, history: Mapping[int, float]) -> dict[int, float]:
    """Every film's score: the sum of the history's rows, each as much as it counts."""
    total = arrays["offset"].astype(np.float64)
    for item, counts in history.items():
        total = total + counts * arrays["weights"][item - 1]
    return {position + 1: float(score) for position, score in enumerate(total)}


def best(
    scores: Mapping[int, float],
    allowed: Iterable[int],
    left_out: set[int],
    twins: dict[int, set[int]],
    k: int,
) -> list[int]:
    """The k best-scored films of those allowed, each film once."""
    ranked = sorted(set(allowed) - left_out - {UNNAMED}, key=lambda item: (-scores[item], item))
    chosen: list[int] = []
    for item in ranked:
        if not twins[item] & set(chosen):
            chosen.append(item)
    return chosen[:k]


def with_twins(items: Iterable[int], twins: dict[int, set[int]]) -> set[int]:
    return {twin for item in items for twin in twins[item]}


def listed(result: dict[str, Any]) -> list[int]:
    return [item["item_id"] for item in result["items"]]


def check(
    result: dict[str, Any],
    scores: Mapping[int, float],
    expected: list[int],
    movies: Movies,
    left_out: set[int],
    twins: dict[int, set[int]],
) -> None:
    """The items are the expected ones with their scores, best first, and stand where they do among all films that are
    not left out, each film counted once.
    """
    assert listed(result) == expected
    films = {min(twins[item]): twins[item] for item in movies if item not in left_out | {UNNAMED}}
    for item in result["items"]:
        own = item["item_id"]
        assert item["score"] == pytest.approx(scores[own], abs=1e-4)
        assert item["title"] == movies[own]["title"]
        others = [max(scores[each] for each in same) for same in films.values() if own not in same]
        n_higher, n_lower = (sum(compare(score, scores[own]) for score in others) for compare in (gt, lt))
        assert item["rank"] == n_higher + 1
        assert item["fit"] == 1000 * n_lower // len(others) / 10
