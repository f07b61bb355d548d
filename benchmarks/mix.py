"""A mix of calls as in conversations: tools in a fixed proportion, with random arguments."""

import json
import random
from typing import Any

from benchmarks.common import FOLDER

GENRES = ["Comedy", "Drama", "Action", "Thriller", "Romance", "Crime", "War", "Horror", "Sci-Fi", "Western"]


class Mix:
    """A source of random calls."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        lines = (FOLDER / "plot_descriptions.jsonl").read_text(encoding="utf-8").splitlines()
        self._words = [json.loads(line)["query"].split() for line in lines]
        self._item_set: str | None = None
        kinds = {
            self._recommend: 25,
            self._recommend_in_set: 10,
            self._filter: 15,
            self._search: 10,
            self._item_metadata: 15,
            self._history: 10,
            self._popular: 5,
            self._like: 5,
            self._user_metadata: 5,
        }
        self._kinds, self._weights = list(kinds), list(kinds.values())

    def next(self) -> tuple[str, dict[str, Any]]:
        """The next call: a tool and its arguments."""
        (kind,) = self._rng.choices(self._kinds, self._weights)
        call: tuple[str, dict[str, Any]] = kind()
        return call

    def see(self, result: dict[str, Any]) -> None:
        """Note a result, so that later calls can use its item set."""
        self._item_set = (result.get("structuredContent") or {}).get("item_set", self._item_set)

    def _user(self) -> int:
        return self._rng.randint(1, 943)

    def _items(self, n: int) -> list[int]:
        return self._rng.sample(range(1, 1683), n)

    def _recommend(self) -> tuple[str, dict[str, Any]]:
        return "get_top_k_recommendations_tool", {"user": self._user()}

    def _recommend_in_set(self) -> tuple[str, dict[str, Any]]:
        within = {"item_set": self._item_set} if self._item_set else {"items": self._items(50)}
        return "get_top_k_recommendations_tool", {"user": self._user(), "k": 3, **within}

    def _filter(self) -> tuple[str, dict[str, Any]]:
        year = self._rng.choice([1940, 1960, 1970, 1980, 1985, 1990, 1993, 1995])
        return "item_filter_tool", {"genres": [self._rng.choice(GENRES)], "release_year": {"gt": year}}

    def _search(self) -> tuple[str, dict[str, Any]]:
        words = self._rng.choice(self._words)
        start = self._rng.randrange(max(1, len(words) - 8))
        return "vector_store_search_tool", {"query": " ".join(words[start : start + 8]), "k": 20}

    def _item_metadata(self) -> tuple[str, dict[str, Any]]:
        return "get_item_metadata_tool", {"items": self._items(5), "get": ["genres", "duration", "description"]}

    def _history(self) -> tuple[str, dict[str, Any]]:
        return "get_interacted_items_tool", {"user": self._user(), "k": 10}

    def _popular(self) -> tuple[str, dict[str, Any]]:
        return "get_popular_items_tool", {"k": 5, "user_group": [self._rng.choice(["teenager", "adult", "female"])]}

    def _like(self) -> tuple[str, dict[str, Any]]:
        return "get_like_percentage_tool", {"items": self._items(10)}

    def _user_metadata(self) -> tuple[str, dict[str, Any]]:
        return "get_user_metadata_tool", {"user": self._user(), "get": ["age_category", "occupation"]}
