"""Recommendations that differ from one another, against maximal marginal relevance one by one."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from mcp_server.state.folder_parts import FolderParts
from mcp_server.tools import build_tools
from tests.names import RECOMMEND
from tests.tools.films_by_hand import Arrays, Histories, Likes, Movies, best, listed, sum_rows, with_twins
from tests.tools.small_catalogues import LIKES, Catalogue, Pair
from tests.tools.small_catalogues import listed as letters

CATEGORIES = ("genres", "actors", "directors", "producers", "writers", "countries")


def by_names(movies: Movies, pool: list[int]) -> list[list[float]]:
    """Cosines of films by the names that they share, each name with the square of its weight."""
    names = {
        item: {(field, name) for field in CATEGORIES for name in movie[field]} | {movie["content_rating"]} - {None}
        for item, movie in movies.items()
    }
    n_with: dict[Any, int] = {}
    for each in names.values():
        for name in each:
            n_with[name] = n_with.get(name, 0) + 1
    square = {name: math.log(len(movies) / number) for name, number in n_with.items()}

    def cosine(one: int, other: int) -> float:
        lengths = [math.sqrt(sum(square[name] for name in names[item])) for item in (one, other)]
        return sum(square[name] for name in names[one] & names[other]) / (math.prod(lengths) or 1)

    return [[cosine(one, other) for other in pool] for one in pool]


async def by_texts(settings: Settings, pool: list[int]) -> list[list[float]]:
    state = StateFolder(settings.state_folder)
    store = await FolderParts(state).vectors(state.manifest())
    stored = [await store.stored(item - 1) for item in pool]
    await store.close()
    vectors = [np.zeros(1) if each is None else np.array(each.text) for each in stored]

    def cosine(one: Any, other: Any) -> float:
        return max(float(one @ other), 0) if one.shape == other.shape else 0.0

    return [[cosine(one, other) for other in vectors] for one in vectors]


def one_by_one(relevance: list[float], similarity: list[list[float]], k: int, diversity: float) -> set[int]:
    """Places of what maximal marginal relevance chooses."""
    places = range(len(relevance))
    greatest = max(similarity[i][j] for i in places for j in places if i != j)
    span = max(relevance) - min(relevance)
    chosen: list[int] = []
    for _ in range(k):

        def margin(place: int) -> float:
            nearest = max((similarity[place][other] / greatest for other in chosen), default=0)
            return (1 - diversity) * (relevance[place] - min(relevance)) / span - diversity * nearest

        chosen.append(max((place for place in places if place not in chosen), key=margin))
    return set(chosen)


@pytest.mark.parametrize(("user", "k", "diversity"), [(98, 5, 0.3), (98, 10, 0.7), (4, 25, 0.5), (405, 5, 1)])
async def test_films_are_chosen_for_their_scores_and_for_being_unlike_in_names_and_texts(
    films: Service,
    films_settings: Settings,
    movies: Movies,
    arrays: Arrays,
    histories: Histories,
    likes: Likes,
    twins: dict[int, set[int]],
    user: int,
    k: int,
    diversity: float,
) -> None:
    scores = sum_rows(arrays, likes[user])
    pool = best(scores, movies, with_twins(histories[user], twins), twins, max(5 * k, 100))
    names, texts = by_names(movies, pool), await by_texts(films_settings, pool)
    similarity = [
        [(one + other) / 2 for one, other in zip(*rows, strict=True)] for rows in zip(names, texts, strict=True)
    ]
    chosen = one_by_one([scores[item] for item in pool], similarity, k, diversity)
    expected = [pool[place] for place in sorted(chosen)]
    result = await films.call(RECOMMEND, {"user": user, "k": k, "diversity": diversity})
    assert listed(result) == expected
    assert [item["rank"] for item in result["items"]] == [pool.index(item) + 1 for item in expected]
    n_others = len(set(expected) - set(pool[:k]))
    said = f"put {n_others} of these in the place of films that rank higher." if n_others else "changed nothing."
    assert result["message"].startswith(f"{k} films for viewer {user}, best first. Diversity {diversity:g} {said}")


@pytest.mark.parametrize(
    "arguments", [{"user": 9, "reasons": True, "k": 20}, {"users": [9, 13]}, {"liked_items": [50]}]
)
async def test_without_diversity_nothing_changes(films: Service, arguments: dict[str, Any]) -> None:
    plain = await films.call(RECOMMEND, arguments)
    assert await films.call(RECOMMEND, {**arguments, "diversity": 0}) == plain
    assert "iversity" not in plain["message"]


@pytest.mark.parametrize("whom", [{"user": 405}, {"users": [405, 13]}])
async def test_diversity_keeps_to_what_can_be_recommended_and_to_what_is_given(
    films: Service, histories: Histories, twins: dict[int, set[int]], whom: dict[str, Any]
) -> None:
    given = list(range(1, 400))
    result = await films.call(RECOMMEND, {**whom, "items": given, "k": 30, "diversity": 0.8})
    assert len(result["items"]) == 30
    assert set(listed(result)) <= set(given) - with_twins(histories[405], twins)
    assert len({min(twins[item]) for item in listed(result)}) == 30
    ranks = [item["rank"] for item in result["items"]]
    assert ranks == sorted(ranks)


SHOP = Catalogue(
    "abcdu",
    [*(Pair(user, item) for user in "12" for item in "abc"), Pair("1", "d"), Pair("ann", "u"), Pair("new", "d")],
    LIKES,
    weights={"ua": 4, "ub": 3.9, "uc": 3, "ud": 1},
    kinds={"a": "x", "b": "x", "c": "y", "d": "z"},
)
"""Who likes u is suited by a best, and by b, which is like it, a little less."""


async def test_what_is_alike_gives_way_to_what_is_not(tmp_path: Path) -> None:
    plain = await SHOP.answer(tmp_path, RECOMMEND, user="ann", k=2)
    assert letters(plain) == "ab"
    diverse = await SHOP.answer(tmp_path, RECOMMEND, user="ann", k=2, diversity=0.5)
    assert letters(diverse) == "ac"
    assert [item["rank"] for item in diverse["items"]] == [1, 3]
    assert "Diversity 0.5 put 1 of these in the place of products that rank higher. " in diverse["message"]
    all_of_them = await SHOP.answer(tmp_path, RECOMMEND, user="ann", diversity=1)
    assert letters(all_of_them) == "abcd"
    assert "Diversity 1 changed nothing." in all_of_them["message"]


async def test_what_is_not_available_is_not_chosen_for_being_different(tmp_path: Path) -> None:
    answer = await replace(SHOP, out_of_stock="c").answer(tmp_path, RECOMMEND, user="ann", k=2, diversity=0.5)
    assert letters(answer) == "ad"


async def test_what_is_popular_stays_so(tmp_path: Path) -> None:
    answer = await SHOP.answer(tmp_path, RECOMMEND, user="new", k=2, diversity=1)
    assert letters(answer) == "ab"
    assert "Diversity changes nothing about them." in answer["message"]


async def test_a_catalogue_by_which_nothing_is_alike_has_no_diversity(tmp_path: Path) -> None:
    plain = replace(SHOP, kinds={})
    assert "diversity" not in build_tools(DatasetFacts(plain.spec, None))[RECOMMEND].input_schema["properties"]
    with pytest.raises(InvalidInputError, match="no argument 'diversity'"):
        await plain.answer(tmp_path, RECOMMEND, user="ann", diversity=0.5)
