"""Histories on MovieLens, against the raw ratings."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.conftest import Rating
from tests.names import HISTORY

Movies = dict[int, dict[str, Any]]


def newest_first(ratings: list[Rating], user: int) -> list[Rating]:
    return sorted((line for line in ratings if line.user == user), key=lambda line: -line.timestamp)


def films_of(movies: Movies, lines: list[Rating]) -> list[Rating]:
    """The lines without those of a film that an earlier line names by its other ID."""
    kept: dict[object, Rating] = {}
    for line in lines:
        movie = movies[line.item]
        same_date = (movie["title"], movie["release_date"]) if movie["release_date"] else line.item
        kept.setdefault(movie["imdb_id"] or same_date, line)
    return list(kept.values())


@pytest.mark.parametrize("user", [1, 4, 13, 90, 181, 405, 943])
async def test_a_history_is_newest_first(films: Service, ratings: list[Rating], movies: Movies, user: int) -> None:
    everything = newest_first(ratings, user)
    once = films_of(movies, everything)
    k = min(len(once), 100)
    result = await films.call(HISTORY, {"user": user, "k": 100})
    by_item = {line.item: line for line in everything}
    assert [by_item[item["item_id"]].timestamp for item in result["items"]] == [line.timestamp for line in once[:k]]
    for item in result["items"]:
        line = by_item[item["item_id"]]
        title = movies[line.item]["title"]
        assert item == {
            "item_id": line.item,
            "title": None if title == "unknown" else title,
            "rating": line.rating,
            "date": datetime.fromtimestamp(line.timestamp, UTC).strftime("%Y-%m-%d"),
        }
    assert result["total"] == len(everything)


async def test_a_film_rated_under_both_its_ids_is_in_a_history_once(films: Service, ratings: list[Rating]) -> None:
    histories: dict[int, set[int]] = {}
    for line in ratings:
        histories.setdefault(line.user, set()).add(line.item)
    both = [user for user, items in histories.items() if {246, 268} <= items and len(items) <= 100]
    assert both
    for user in both:
        result = await films.call(HISTORY, {"user": user, "k": 100})
        named = {item["item_id"] for item in result["items"]}
        assert len(named & {246, 268}) == 1
        assert result["total"] == len(histories[user])


async def test_a_history_has_twenty_items_unless_a_number_is_given(films: Service, ratings: list[Rating]) -> None:
    n_ratings = sum(line.user == 90 for line in ratings)
    result = await films.call(HISTORY, {"user": 90})
    assert len(result["items"]) == 20
    assert result["total"] == n_ratings
    assert f"{n_ratings} ratings" in result["message"]


async def test_a_short_history_is_whole_and_says_how_many(films: Service, ratings: list[Rating]) -> None:
    counts = Counter(line.user for line in ratings)
    user, n_ratings = min(counts.items(), key=lambda pair: (pair[1], pair[0]))
    result = await films.call(HISTORY, {"user": user, "k": 100})
    assert len(result["items"]) == result["total"] == n_ratings


async def test_history_of_an_unknown_user_is_an_error(films: Service) -> None:
    with pytest.raises(InvalidInputError, match="viewer 0 is not in ml-100k: IDs run from 1 to 943"):
        await films.call(HISTORY, {"user": 0})
