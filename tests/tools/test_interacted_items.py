"""Histories on MovieLens, against the raw ratings."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.conftest import Rating
from tests.names import HISTORY, ITEM

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


async def test_a_history_of_twins_says_both_numbers_and_names_them(
    films: Service, ratings: list[Rating], movies: Movies
) -> None:
    lines = newest_first(ratings, 655)
    once = films_of(movies, lines)
    result = await films.call(HISTORY, {"user": 655})
    assert f"has {len(lines)} ratings of {len(once)} different films; the first 20 films" in result["message"]
    both = await films.call(HISTORY, {"user": 655, "items": [246]})
    assert (len(both["items"]), both["total"]) == (1, 2)
    assert "Listed once, though in the history under several IDs: Chasing Amy." in both["message"]


def by_day(line: Rating) -> str:
    return datetime.fromtimestamp(line.timestamp, UTC).strftime("%Y-%m-%d")


@pytest.mark.parametrize(
    ("asked", "meets", "said"),
    [
        ({"rating": 1}, lambda line: line.rating == 1, "rating = 1"),
        ({"rating": {"gte": 3, "lt": 5}}, lambda line: 3 <= line.rating < 5, "rating >= 3 and < 5"),
        ({"liked": True}, lambda line: line.rating >= 4, "(liked, where liking is a rating of 4 or more)"),
        ({"liked": False}, lambda line: line.rating < 4, "(not liked, where"),
        ({"since": "1998-03"}, lambda line: by_day(line) >= "1998-03-01", "(since 1998-03)"),
        ({"until": "1998-02-14"}, lambda line: by_day(line) <= "1998-02-14", "until the end of 1998-02-14"),
        (
            {"rating": {"gt": 3}, "since": "1998-03", "until": "1998-03", "items": list(range(100, 500))},
            lambda line: line.rating > 3 and by_day(line)[:7] == "1998-03" and 100 <= line.item < 500,
            "(rating > 3, among 400 films given, in 1998-03)",
        ),
        ({"since": "2005"}, lambda line: False, "under the conditions (since 2005): none. The ratings are from"),
    ],
)
async def test_conditions_choose_from_a_history(
    films: Service,
    ratings: list[Rating],
    movies: Movies,
    asked: dict[str, Any],
    meets: Callable[[Rating], bool],
    said: str,
) -> None:
    everything = newest_first(ratings, 655)
    matching = [line for line in everything if meets(line)]
    once = films_of(movies, matching)
    result = await films.call(HISTORY, {"user": 655, "k": 100, **asked})
    assert [item["date"] for item in result["items"]] == [by_day(line) for line in once[:100]]
    assert {item["rating"] for item in result["items"]} <= {line.rating for line in matching}
    assert (result["total"], result["remaining"]) == (len(matching), max(len(once) - 100, 0))
    assert said in result["message"]
    assert f"has {len(everything)} ratings of" in result["message"]
    if once:
        everything_found = await _all_of(films, result["item_set"])
        assert {movies[item]["title"] for item in everything_found} == {movies[line.item]["title"] for line in once}
        assert len(everything_found) == len(once)
    else:
        assert "item_set" not in result


async def _all_of(films: Service, item_set: str) -> list[int]:
    found: list[int] = []
    asked = {"item_set": item_set, "get": "title", "limit": 100}
    while len(page := (await films.call(ITEM, {**asked, "offset": len(found)}))["items"]):
        found += [record["item_id"] for record in page]
    return found


async def test_a_set_of_one_history_finds_what_another_user_had_too(
    films: Service, ratings: list[Rating], movies: Movies
) -> None:
    first = await films.call(HISTORY, {"user": 9, "liked": True})
    result = await films.call(HISTORY, {"user": 655, "item_set": first["item_set"], "k": 100})
    liked = {movies[line.item]["title"] for line in ratings if line.user == 9 and line.rating >= 4}
    had = {movies[line.item]["title"] for line in ratings if line.user == 655}
    assert {item["title"] for item in result["items"]} == liked & had
    assert result["total"] == len(liked & had)


async def test_a_film_is_found_in_a_history_under_its_other_id(films: Service, ratings: list[Rating]) -> None:
    seen = {(line.user, line.item) for line in ratings}
    user = next(user for user in range(1, 944) if (user, 268) in seen and (user, 246) not in seen)
    result = await films.call(HISTORY, {"user": user, "items": 246})
    assert [item["item_id"] for item in result["items"]] == [268]
    assert "268 is given under another ID of the same film." in result["message"]


async def test_what_was_not_had_is_none(films: Service) -> None:
    result = await films.call(HISTORY, {"user": 655, "items": [1682]})
    assert (result["items"], result["total"], result["remaining"]) == ([], 0, 0)
    assert result["message"].endswith("under the conditions (among 1 film given): none.")


async def test_history_of_an_unknown_user_is_an_error(films: Service) -> None:
    with pytest.raises(InvalidInputError, match="viewer 0 is not in ml-100k: IDs run from 1 to 943"):
        await films.call(HISTORY, {"user": 0})
