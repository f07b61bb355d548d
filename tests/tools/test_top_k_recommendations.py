"""Recommendations on MovieLens, against scores summed by hand from the trained artifact."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import load_file

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from tests.conftest import Rating
from tests.names import FILTER, RECOMMEND

UNNAMED = 267
"""The film of MovieLens without a title."""

Movies = dict[int, dict[str, Any]]
Histories = Mapping[int, list[int]]
Likes = Mapping[int, Mapping[int, float]]
Arrays = dict[str, npt.NDArray[np.float32]]


@pytest.fixture(scope="module")
def arrays(films_settings: Settings) -> Arrays:
    """The trained weights, rows and columns in the order of the IDs 1 to 1682."""
    state = StateFolder(films_settings.state_folder)
    found: Arrays = load_file(state.part(state.manifest().model) / "artifact.safetensors")
    return found


@pytest.fixture(scope="module")
def histories(ratings: list[Rating]) -> Histories:
    """The films that each user rated."""
    found: dict[int, list[int]] = {}
    for line in ratings:
        found.setdefault(line.user, []).append(line.item)
    return found


@pytest.fixture(scope="module")
def likes(films_settings: Settings, ratings: list[Rating]) -> Likes:
    """The films that each user likes, newest first, and how much each counts by its rating and its age."""
    state = StateFolder(films_settings.state_folder)
    counting = json.loads((state.part(state.manifest().model) / "artifact.json").read_text("utf-8"))["history"]
    found: dict[int, dict[int, float]] = {}
    in_order = sorted(enumerate(ratings), key=lambda line: (line[1].timestamp, line[0]), reverse=True)
    for _, line in in_order:
        if line.rating >= 4:
            of_user = found.setdefault(line.user, {})
            of_rating = 1 + counting["per_rating"] * (line.rating - counting["middle"])
            of_user[line.item] = of_rating * (1 + len(of_user)) ** -counting["recency"]
    return found


@pytest.fixture(scope="module")
def twins(movies: Movies) -> dict[int, set[int]]:
    """All IDs of each film: those with the same IMDb ID, or the same title and release date."""
    same: dict[int, set[int]] = {item: {item} for item in movies}
    seen: dict[object, int] = {}
    for item, movie in movies.items():
        keys: list[object] = [movie["imdb_id"]] if movie["imdb_id"] else []
        keys += [(movie["title"], movie["release_date"])] if movie["release_date"] else []
        for key in keys:
            other = seen.setdefault(key, item)
            union = same[item] | same[other]
            for member in union:
                same[member] = union
    return same


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


def check(result: dict[str, Any], scores: Mapping[int, float], expected: list[int], movies: Movies) -> None:
    """The items are the expected ones with their scores, best first."""
    assert listed(result) == expected
    for item in result["items"]:
        assert item["score"] == pytest.approx(scores[item["item_id"]], abs=1e-4)
        assert item["title"] == movies[item["item_id"]]["title"]


@pytest.mark.parametrize("user", [1, 4, 13, 98, 405, 655, 943])
async def test_recommendations_are_the_best_sums_of_the_rows_of_liked_films(
    films: Service,
    movies: Movies,
    arrays: Arrays,
    histories: Histories,
    likes: Likes,
    twins: dict[int, set[int]],
    user: int,
) -> None:
    scores = sum_rows(arrays, likes[user])
    expected = best(scores, movies, with_twins(histories[user], twins), twins, 50)
    check(await films.call(RECOMMEND, {"user": user, "k": 50}), scores, expected, movies)


@pytest.mark.parametrize("user", [4, 405])
async def test_seen_items_take_part_when_they_are_not_excluded(
    films: Service,
    movies: Movies,
    arrays: Arrays,
    histories: Histories,
    likes: Likes,
    twins: dict[int, set[int]],
    user: int,
) -> None:
    scores = sum_rows(arrays, likes[user])
    expected = best(scores, movies, set(), twins, 50)
    assert set(expected) & set(histories[user])
    result = await films.call(RECOMMEND, {"user": user, "k": 50, "exclude_seen": False})
    check(result, scores, expected, movies)


async def test_seen_items_are_left_out(films: Service, histories: Histories, twins: dict[int, set[int]]) -> None:
    for user in range(1, 944, 29):
        result = await films.call(RECOMMEND, {"user": user, "k": 100})
        assert not set(listed(result)) & with_twins(histories[user], twins)


async def test_every_user_gets_five_films_that_have_a_title(films: Service, histories: Histories) -> None:
    for user in histories:
        result = await films.call(RECOMMEND, {"user": user})
        assert len(set(listed(result))) == 5
        assert UNNAMED not in listed(result)


async def test_asking_again_gives_the_same(films: Service) -> None:
    arguments = {"user": 76, "k": 10, "reasons": True}
    assert await films.call(RECOMMEND, arguments) == await films.call(RECOMMEND, arguments)


async def test_the_film_without_a_title_is_never_recommended(films: Service) -> None:
    result = await films.call(RECOMMEND, {"user": 1, "items": [UNNAMED], "exclude_seen": False})
    assert result["items"] == []
    assert "Only 0 of the 5" in result["message"]


# Films listed under two IDs


async def test_a_film_under_two_ids_is_named_once(films: Service, histories: Histories) -> None:
    unseen = next(user for user, items in histories.items() if not {246, 268} & set(items))
    result = await films.call(RECOMMEND, {"user": unseen, "items": [246, 268, 1]})
    assert len({246, 268} & set(listed(result))) == 1


async def test_of_two_ids_the_better_scored_is_named(
    films: Service, arrays: Arrays, histories: Histories, likes: Histories
) -> None:
    for user in [user for user, items in histories.items() if not {246, 268} & set(items)][:20]:
        scores = sum_rows(arrays, likes[user])
        result = await films.call(RECOMMEND, {"user": user, "items": [246, 268]})
        assert listed(result) == [max((246, 268), key=lambda item: scores[item])]


@pytest.mark.parametrize("pair", [(246, 268), (297, 303), (305, 865), (1202, 1504), (878, 1003)])
async def test_a_film_seen_under_its_other_id_is_left_out(
    films: Service, histories: Histories, pair: tuple[int, int]
) -> None:
    half_seen = [user for user, items in histories.items() if len(set(pair) & set(items)) == 1]
    assert half_seen
    for user in half_seen[:10]:
        result = await films.call(RECOMMEND, {"user": user, "items": list(pair)})
        assert result["items"] == []
        assert "2 of them are already known" in result["message"]
        again = await films.call(RECOMMEND, {"user": user, "items": list(pair), "exclude_seen": False})
        assert len(again["items"]) == 1


# Restricted to some items


async def test_items_restrict_the_choice(
    films: Service, movies: Movies, arrays: Arrays, histories: Histories, likes: Likes, twins: dict[int, set[int]]
) -> None:
    some = list(range(1500, 1000, -3))
    scores = sum_rows(arrays, likes[43])
    expected = best(scores, some, with_twins(histories[43], twins), twins, 10)
    check(await films.call(RECOMMEND, {"user": 43, "items": some, "k": 10}), scores, expected, movies)


async def test_an_item_set_restricts_the_choice(
    films: Service, movies: Movies, arrays: Arrays, histories: Histories, likes: Likes, twins: dict[int, set[int]]
) -> None:
    comedies = [item for item, movie in movies.items() if "Comedy" in movie["genres"]]
    found = await films.call(FILTER, {"genres": ["Comedy"]})
    scores = sum_rows(arrays, likes[98])
    expected = best(scores, comedies, with_twins(histories[98], twins), twins, 3)
    result = await films.call(RECOMMEND, {"user": 98, "k": 3, "item_set": found["item_set"]})
    check(result, scores, expected, movies)


async def test_items_and_an_item_set_are_intersected(
    films: Service, movies: Movies, arrays: Arrays, histories: Histories, likes: Likes, twins: dict[int, set[int]]
) -> None:
    first = list(range(1, 300))
    both = [item for item in first if "Comedy" in movies[item]["genres"]]
    found = await films.call(FILTER, {"genres": ["Comedy"]})
    scores = sum_rows(arrays, likes[98])
    expected = best(scores, both, with_twins(histories[98], twins), twins, 100)
    result = await films.call(RECOMMEND, {"user": 98, "k": 100, "items": first, "item_set": found["item_set"]})
    check(result, scores, expected, movies)


async def test_an_empty_intersection_is_told(films: Service) -> None:
    found = await films.call(FILTER, {"genres": ["Western"]})
    result = await films.call(RECOMMEND, {"user": 98, "items": [1], "item_set": found["item_set"]})
    assert result["items"] == []
    assert "Only 0 of the 5 asked for: the choice was among 0 films" in result["message"]


async def test_fewer_than_asked_for_is_told(films: Service, histories: Histories) -> None:
    seen = histories[4][0]
    unseen = [item for item in (1, 2, 3, 4, 5, 6) if item not in histories[4]][:3]
    result = await films.call(RECOMMEND, {"user": 4, "k": 10, "items": [seen, *unseen]})
    assert set(listed(result)) == set(unseen)
    assert "3 films for viewer 4" in result["message"]
    assert "Only 3 of the 10 asked for: the choice was among 4 films; 1 of them is" in result["message"]


async def test_as_many_as_asked_for_need_no_excuse(films: Service) -> None:
    result = await films.call(RECOMMEND, {"user": 4, "k": 3})
    assert "Only" not in result["message"]
    assert len(result["items"]) == 3


# Someone without an ID


async def test_liked_items_stand_in_for_a_history(
    films: Service, movies: Movies, arrays: Arrays, twins: dict[int, set[int]]
) -> None:
    liked = [50, 172, 268]
    scores = sum_rows(arrays, dict.fromkeys(liked, 1.0))
    expected = best(scores, movies, with_twins(liked, twins), twins, 20)
    assert 246 not in expected
    check(await films.call(RECOMMEND, {"liked_items": liked, "k": 20}), scores, expected, movies)


async def test_liked_items_take_part_when_they_are_not_excluded(
    films: Service, movies: Movies, arrays: Arrays, twins: dict[int, set[int]]
) -> None:
    liked = [50, 172, 181]
    scores = sum_rows(arrays, dict.fromkeys(liked, 1.0))
    expected = best(scores, movies, set(), twins, 20)
    assert set(liked) <= set(expected)
    result = await films.call(RECOMMEND, {"liked_items": liked, "k": 20, "exclude_seen": False})
    check(result, scores, expected, movies)


async def test_liking_an_item_twice_is_liking_it(films: Service) -> None:
    assert await films.call(RECOMMEND, {"liked_items": [50, 50, 1]}) == await films.call(
        RECOMMEND, {"liked_items": [50, 1]}
    )


async def test_liked_items_count_alike_in_any_order(films: Service, likes: Likes) -> None:
    liked = list(likes[4])
    one, other = [
        await films.call(RECOMMEND, {"liked_items": items, "k": 10, "exclude_seen": False})
        for items in (liked, liked[::-1])
    ]
    assert listed(one) == listed(other)


# Reasons


@pytest.mark.parametrize("user", [4, 98, 405])
async def test_reasons_are_the_largest_summands_of_the_users_history(
    films: Service, movies: Movies, arrays: Arrays, likes: Likes, user: int
) -> None:
    weights = arrays["weights"]
    result = await films.call(RECOMMEND, {"user": user, "k": 10, "reasons": True})
    for item in result["items"]:
        named = [reason["item_id"] for reason in item["because"]]
        assert set(named) <= set(likes[user])
        share = {seen: counts * float(weights[seen - 1, item["item_id"] - 1]) for seen, counts in likes[user].items()}
        largest = sorted(share.values(), reverse=True)[:3]
        assert [share[seen] for seen in named] == pytest.approx([each for each in largest if each > 0])
        assert [reason["title"] for reason in item["because"]] == [movies[seen]["title"] for seen in named]


async def test_reasons_do_not_change_the_recommendations(films: Service) -> None:
    plain = await films.call(RECOMMEND, {"user": 9, "k": 10})
    explained = await films.call(RECOMMEND, {"user": 9, "k": 10, "reasons": True})
    assert all("because" not in item for item in plain["items"])
    assert [{**item, "because": None} for item in plain["items"]] == [
        {**item, "because": None} for item in explained["items"]
    ]


async def test_reasons_for_someone_without_an_id_are_the_liked_items(films: Service) -> None:
    result = await films.call(RECOMMEND, {"liked_items": [50, 172], "k": 1, "reasons": True})
    assert result["items"][0]["title"] == "Return of the Jedi"
    assert {reason["title"] for reason in result["items"][0]["because"]} == {
        "Star Wars",
        "The Empire Strikes Back",
    }


# Errors


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "for which viewer"),
        ({"liked_items": []}, "for which viewer"),
        ({"user": 1, "liked_items": [1]}, "either user or liked_items"),
        ({"user": 5000}, "viewer 5000 is not in ml-100k: IDs run from 1 to 943"),
        ({"user": 1, "items": [2000]}, "film 2000 is not in ml-100k: IDs run from 1 to 1682"),
        ({"user": 1, "items": []}, "empty list"),
        ({"user": 1, "item_set": "comedies"}, "'comedies' is not an item set"),
        ({"user": 1, "item_set": "set_aaaaaa"}, "item set set_aaaaaa is unknown"),
        ({"liked_items": [1, 1683, 9999]}, "films 1683, 9999 are not in ml-100k"),
        ({"user": 1, "k": 0}, "k: .*greater than or equal to 1"),
        ({"user": 1, "k": 101}, "k: .*less than or equal to 100"),
    ],
)
async def test_bad_requests_say_what_is_wrong(films: Service, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInputError, match=text):
        await films.call(RECOMMEND, arguments)
