"""Numbers of interactions, mean ratings and shares of likes as fields, against loops over the raw ratings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.conftest import Rating
from tests.names import FILTER, ITEM, POPULAR
from tests.tools.small_catalogues import COUNTS, EVENTS, LIKES, RATINGS, Catalogue, Pair

Movies = dict[int, dict[str, Any]]


def values_of(ratings: list[Rating]) -> dict[int, list[float]]:
    """The ratings of each film."""
    found: dict[int, list[float]] = {}
    for line in ratings:
        found.setdefault(line.item, []).append(line.rating)
    return found


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def like_share(values: list[float]) -> float:
    return 100 * sum(value >= 4 for value in values) / len(values)


async def test_computed_fields_are_read_beside_the_others(films: Service, ratings: list[Rating]) -> None:
    values, items = values_of(ratings), [1, 50, 267, 1682, 900]
    answer = await films.call(ITEM, {"items": items, "get": ["like_share", "title", "n_ratings", "mean_rating"]})
    for record, item in zip(answer["items"], items, strict=True):
        assert record["n_ratings"] == len(values[item])
        assert record["mean_rating"] == round(mean(values[item]), 2)
        assert record["like_share"] == round(like_share(values[item]), 1)
    few = sum(len(values[item]) < 10 for item in items)
    assert f"like_share and mean_rating of {few} of these films are made by fewer than 10 viewers" in answer["message"]


async def test_what_nobody_has_used_has_no_mean(tmp_path: Path) -> None:
    made = Catalogue("ab", [Pair("ann", "a", 5), Pair("bob", "a", 2)], RATINGS)
    answer = await made.answer(tmp_path, ITEM, items=["b", "a"], get=["n_interactions", "mean_rating", "like_share"])
    assert answer["items"] == [
        {"item_id": "b", "title": "B", "n_interactions": 0, "mean_rating": None, "like_share": None},
        {"item_id": "a", "title": "A", "n_interactions": 2, "mean_rating": 3.5, "like_share": 50},
    ]


@pytest.mark.parametrize(
    ("limits", "meets"),
    [
        ({"mean_rating": {"gte": 4}}, lambda values: bool(values) and mean(values) >= 4),
        ({"mean_rating": {"gt": 4}, "n_ratings": {"gte": 50}}, lambda values: len(values) >= 50 and mean(values) > 4),
        ({"like_share": {"lt": 20}, "n_ratings": {"gt": 100}}, lambda v: len(v) > 100 and like_share(v) < 20),
        ({"n_ratings": 1}, lambda values: len(values) == 1),
        ({"n_ratings": {"lt": 1}}, lambda values: not values),
        ({"like_share": {"eq": 50}}, lambda values: bool(values) and 2 * sum(v >= 4 for v in values) == len(values)),
    ],
)  # fmt: skip
async def test_computed_fields_are_filtered_exactly(
    films: Service, ratings: list[Rating], movies: Movies, limits: dict[str, Any], meets: Callable[[list[float]], bool]
) -> None:
    values = values_of(ratings)
    wanted = [item for item in movies if meets(values.get(item, []))]
    answer = await films.call(FILTER, limits)
    assert answer["count"] == len(wanted)
    if wanted:
        everything = await films.call(ITEM, {"item_set": answer["item_set"], "get": ["n_ratings"], "limit": 100})
        assert {record["item_id"] for record in everything["items"]} <= set(wanted)


async def test_the_best_rated_come_first_and_the_set_keeps_the_order(
    films: Service, ratings: list[Rating], movies: Movies
) -> None:
    values = values_of(ratings)
    comedies = [
        item for item, movie in movies.items() if "Comedy" in movie["genres"] and len(values.get(item, [])) >= 30
    ]
    ordered = sorted(comedies, key=lambda item: (-mean(values[item]), -len(values[item]), item))
    answer = await films.call(FILTER, {"genres": "Comedy", "n_ratings": {"gte": 30}, "order_by": "mean_rating"})
    assert answer["count"] == len(comedies)
    first = answer["items"][0]
    assert first["details"] == {
        "mean_rating": round(mean(values[first["item_id"]]), 2),
        "n_ratings": len(values[first["item_id"]]),
    }
    assert "in order: greatest mean_rating first" in answer["message"]
    assert "chance" not in answer["message"]
    listed = await films.call(ITEM, {"item_set": answer["item_set"], "get": ["title"], "limit": 100})
    assert [record["item_id"] for record in listed["items"]] == ordered[:100]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize(("field", "raw"), [("duration", "runtime_minutes"), ("release_date", "release_date")])
async def test_declared_numbers_and_dates_give_an_order(
    films: Service, ratings: list[Rating], movies: Movies, field: str, raw: str, descending: bool
) -> None:
    values = values_of(ratings)
    westerns = [item for item, movie in movies.items() if "Western" in movie["genres"]]
    by_popularity = sorted(westerns, key=lambda item: (-len(values.get(item, [])), item))
    known = [item for item in by_popularity if movies[item][raw] is not None]
    ordered = sorted(known, key=lambda item: movies[item][raw], reverse=descending)
    if descending:  # a reversed sort keeps equal ones in order
        assert ordered == sorted(known, key=lambda item: movies[item][raw], reverse=True)
    asked = {"genres": ["Western"], "order_by": field if descending else f"{field} asc"}
    answer = await films.call(FILTER, asked)
    listed = await films.call(ITEM, {"item_set": answer["item_set"], "get": [field], "limit": 100})
    unknown = [item for item in by_popularity if movies[item][raw] is None]
    assert [record["item_id"] for record in listed["items"]] == [*ordered, *unknown]
    assert [item["details"] for item in answer["items"]] == [
        {field: movies[item["item_id"]][raw]} for item in answer["items"]
    ]


async def test_an_order_alone_is_of_the_whole_catalogue_and_warns_of_few_ratings(films: Service) -> None:
    answer = await films.call(FILTER, {"order_by": "mean_rating"})
    assert answer["count"] == 1682
    assert "mean_rating of 10 of these films is made by fewer than 10 viewers" in answer["message"]
    assert "A limit on n_ratings leaves such out." in answer["message"]


async def test_items_without_a_value_come_last_and_are_counted(tmp_path: Path) -> None:
    made = Catalogue("abcd", [Pair("ann", "b", 2), Pair("bob", "d", 5), Pair("cid", "d", 4)], RATINGS)
    for order, first in (("mean_rating", "db"), ("mean_rating asc", "bd"), ("mean_rating DESC", "db")):
        answer = await made.answer(tmp_path, FILTER, order_by=order)
        assert "".join(item["item_id"] for item in answer["items"]) == f"{first}ac"
        assert "2 products have no mean_rating and come last." in answer["message"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("title", "'title' is no number or date"),
        ("genres", "Give one of imdb_rating, imdb_votes"),
        ("duration upwards", "'duration_upwards' is no number or date"),
        ("asc", "is no order"),
        ("", "give at least one condition"),
    ],
)
async def test_an_order_that_there_is_not_is_an_error(films: Service, asked: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await films.call(FILTER, {"order_by": asked})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("feedback", "numbers", "shares"),
    [
        (COUNTS, {"a": 42, "b": 0, "c": 0}, {"a": 100, "b": 0, "c": None}),
        (EVENTS, {"a": 3, "b": 0, "c": 0}, {"a": 100, "b": 0, "c": None}),
        (LIKES, {"a": 2, "b": 1, "c": 0}, None),
    ],
)
async def test_other_feedback_is_counted_in_its_own_way(
    tmp_path: Path, feedback: dict[str, Any], numbers: dict[str, float], shares: dict[str, float | None] | None
) -> None:
    pairs = [Pair("ann", "a", 40, 2), Pair("bob", "a", 2, 1), Pair("cid", "b", 0, 0)]
    made = Catalogue("abc", pairs, feedback)
    fields = ["n_interactions", *(["like_share"] if shares else [])]
    answer = await made.answer(tmp_path, ITEM, items=["a", "b", "c"], get=fields)
    assert {record["item_id"]: record["n_interactions"] for record in answer["items"]} == numbers
    if shares:
        assert {record["item_id"]: record["like_share"] for record in answer["items"]} == shares
    else:
        with pytest.raises(InvalidInputError, match="there is no field 'like_share'"):
            await made.answer(tmp_path, ITEM, items=["a"], get="like_share")
    popular = await made.answer(tmp_path, POPULAR, items=["a"])
    assert popular["items"][0]["n_interactions"] == numbers["a"]
