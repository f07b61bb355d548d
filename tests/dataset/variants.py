"""Datasets that have more or less: MovieLens without some of what its specification declares."""

from collections.abc import Callable
from itertools import chain, combinations
from typing import Any

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.spec import DatasetSpec, find_spec_file, load_spec

Declared = dict[str, Any]


def _without_filters(spec: Declared) -> None:
    for field in spec["items"]["fields"]:
        field["filter"] = False


def _without_search(spec: Declared) -> None:
    spec["search"] = None


def _without_user_fields(spec: Declared) -> None:
    spec["users"]["fields"] = spec["users"]["groups"] = []


def _without_groups(spec: Declared) -> None:
    spec["users"]["groups"] = []


def _without_ratings(spec: Declared) -> None:
    for name in ("rating", "rating_range", "like_threshold"):
        spec["interactions"][name] = None


REMOVALS: dict[str, Callable[[Declared], None]] = {
    "filters": _without_filters,
    "search": _without_search,
    "user fields": _without_user_fields,
    "groups": _without_groups,
    "ratings": _without_ratings,
}

EVERY_SET = [*chain.from_iterable(combinations(REMOVALS, n) for n in range(len(REMOVALS) + 1))]
"""All sets of what can be taken away."""


def films_without(*removed: str) -> DatasetFacts:
    """MovieLens, not prepared, without some of what it declares."""
    spec = load_spec(find_spec_file("ml-100k")).model_dump()
    for name in removed:
        REMOVALS[name](spec)
    return DatasetFacts(DatasetSpec.model_validate(spec), None)
