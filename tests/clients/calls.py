"""Requests for third-party clients: arguments for every tool and every prompt, and values for every address."""

from typing import Any

from tests.names import FILTER, FIND_USERS, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, STATISTICS, USER

CALLS: dict[str, dict[str, Any]] = {
    RECOMMEND: {"user": 98, "k": 3, "reasons": True},
    FILTER: {"actors": ["Tom Cruize"], "imdb_rating": {"gt": 6}, "match": "all"},
    SEARCH: {"query": 'the main character is kidnapped, "or so it\'s said"', "k": 4},
    LIKE: {"items": [9, 50]},
    POPULAR: {"k": 3, "user_group": ["teenager", "female"]},
    USER: {"user": 198, "get": ["age_category", "occupation"]},
    ITEM: {"items": [9, 267], "get": ["title", "duration", "genres"]},
    HISTORY: {"user": 90, "k": 3},
    FIND_USERS: {"items": [943, 9], "k": 3},
    STATISTICS: {"group_by": ["genres", "gender"], "user_group": ["teenager"], "since": "1998-01", "k": 3},
}

FILLED_IN = {
    "user": "98",
    "users": "12, 85",
    "k": "7",
    "item": "Toy Story",
    "items": "9, 50",
    "genre": "Comedy",
    "genres": "Comedy, Romance",
    "actors": "Tom Hanks",
    "conditions": "longer than two hours",
    "mood": "a little sad",
    "storyline": 'a boy whose "friend" is a robot',
    "user_group": "teenager",
    "month": "December",
    "field": "duration",
}
"""Arguments of prompts by name. Optional ones that are missing here are left open."""


def address(template: str, handle: str) -> str:
    """An address that fits a resource template."""
    return template.format(id=9, handle=handle)
