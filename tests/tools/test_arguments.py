"""Arguments as models send them: what can be meant in one way only is read so and told, anything else is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.names import FILTER, ITEM, POPULAR, RECOMMEND, USER

CASES = [
    json.loads(line) for line in Path(__file__).with_suffix("").with_name("arguments.jsonl").read_text().splitlines()
]


def without_message(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "message"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: json.dumps(case["arguments"]))
async def test_arguments_are_read_as_they_are_meant_or_refused(films: Service, case: dict[str, Any]) -> None:
    if "refuse" in case:
        with pytest.raises(InvalidInputError) as refused:
            await films.call(case["tool"], case["arguments"])
        assert all(word in str(refused.value) for word in case["refuse"])
        assert "bounds" not in str(refused.value).lower()
        assert "extra inputs" not in str(refused.value).lower()
        return
    result = await films.call(case["tool"], case["arguments"])
    meant = await films.call(case["tool"], case["same_as"])
    assert without_message(result) == without_message(meant)
    assert result["message"] != meant["message"]


async def told(films: Service, tool: str, arguments: dict[str, Any]) -> str:
    return str((await films.call(tool, arguments))["message"])


@pytest.mark.parametrize(
    ("tool", "arguments", "text"),
    [
        (RECOMMEND, {"user_id": 8, "top_k": 3}, "Read 'user_id' as user; 'top_k' as k."),
        (RECOMMEND, {"userId": 8, "numResults": 3}, "Read 'userId' as user; 'numResults' as k."),
        (RECOMMEND, {"viewer": "viewer 8"}, "Read 'viewer' as user; user 'viewer 8' as 8."),
        (RECOMMEND, {"user": 8, "film_ids": [1]}, "Read 'film_ids' as items."),
        (RECOMMEND, {"name": RECOMMEND, "parameters": {"user": 8}}, "Read 'parameters' as the arguments themselves."),
        (RECOMMEND, {"input": '{"user": 8}', "k": 2}, "Read 'input' as the arguments themselves."),
        (FILTER, {"imdb_rating": 7}, 'Read imdb_rating 7 as exactly 7 (for 7 or more: {"gte": 7}).'),
        (FILTER, {"imdb_rating": "7"}, "as exactly 7"),
        (FILTER, {"year": "before 1950"}, "Read 'year' as release_year; release_year 'before 1950' as < 1950."),
        (FILTER, {"genres": "Comedy and Drama"}, "Read genres 'Comedy and Drama' as 'Comedy' and 'Drama'."),
        (FILTER, {"exclude_genres": "Horror"}, "Read 'exclude_genres' as exclude genres."),
        (FILTER, {"exclude": {"genre": "Horror"}}, "Read 'genre' as genres."),
        (FILTER, {"genres": ["Comedy"], "exclude": {"genres": []}}, "taken as not given: exclude."),
        (ITEM, {"items": [1], "get": "all"}, "Read get 'all' as title, genres"),
        (ITEM, {"items": [1], "get": "votes"}, "Read get 'votes' as imdb_votes."),
        (POPULAR, {"gender": "women"}, "Read 'gender' as user_group; user_group {'gender': 'women'} as female."),
        (POPULAR, {"user_group": "male viewers"}, "Read user_group 'male viewers' as male."),
        (RECOMMEND, {"users": "12 and 85"}, "Read users '12 and 85' as 12, 85."),
        (FILTER, {"imdb_votes": "< 19,000"}, "Read imdb_votes '< 19,000' as < 19000."),
        (FILTER, {"genres": "Comedy, Drama", "match": "or"}, "Read match 'or' as any;"),
        (FILTER, {"name": "Toy Story"}, "Read 'name' as title."),
        ("find_users_tool", {"user": 9}, "Read 'user' as similar_to."),
    ],
)
async def test_a_reading_that_is_not_literal_is_told(
    films: Service, tool: str, arguments: dict[str, Any], text: str
) -> None:
    assert text in await told(films, tool, arguments)


async def test_a_literal_call_is_told_nothing(films: Service) -> None:
    for tool, arguments in [
        (RECOMMEND, {"user": 8, "k": "3", "detail": "FULL"}),
        (FILTER, {"genres": "Comedy", "release_year": 1995, "imdb_rating": {"gt": "7"}}),
        (POPULAR, {"user_group": "Young Adult"}),
        (USER, {"user": 8, "get": "Age Category"}),
    ]:
        assert "Read" not in await told(films, tool, arguments)


@pytest.mark.parametrize(
    ("tool", "arguments", "texts"),
    [
        (RECOMMEND, {"user": 8, "user_id": 9}, ["user is given twice"]),
        (RECOMMEND, {"user": 5000, "items": [9999]}, ["viewer 5000 is not in", "film 9999 is not in"]),
        (RECOMMEND, {"user": "Anna", "k": "many", "colour": "red"}, ["user: ", "k: ", "no argument 'colour'"]),
        (RECOMMEND, {"user": 8, "user_group": "women"}, ["_tool takes user_group"]),
        (RECOMMEND, {"user": 8, "query": "war"}, ["call vector_store_search_tool with query first", "item_set"]),
        (RECOMMEND, {"user": 8, "exclude": {"genres": ["Horror"]}}, ["call item_filter_tool with exclude first"]),
        (FILTER, {"imdb_rating": {"ne": 7}}, ['pass exclude={"imdb_rating": 7}']),
        (FILTER, {"genres": "no Horror", "mood": 3}, ['pass exclude={"genres": ["Horror"]}', "no argument 'mood'"]),
        (FILTER, {"exclude": {"genres": "not Horror"}}, ["give it without the negation"]),
        (USER, {"user": 8}, ["get: is required. There are: age, age_category, gender, occupation"]),
        (RECOMMEND, {"liked_items": "set_abcdef"}, ["is a handle of a set, and IDs are expected"]),
        ("vector_store_search_tool", {"query": "war", "user": 8}, ["no argument 'user'"]),
        (FILTER, {"exclude": ["Horror"]}, ["exclude: give fields and values"]),
        (FILTER, {"exclude": {"colour": "red"}}, ["exclude: there is no field 'colour'"]),
        (POPULAR, {"user_group": "not women"}, ["a group cannot be left out"]),
        (POPULAR, {"user_group": "wizards", "k": 0}, ["there is no group 'wizards'", "k: at least 1"]),
        (ITEM, {"items": ["Toy Story"], "get": ["colour"]}, ["finds the ID of a title", "no field 'colour'"]),
    ],
)
async def test_all_problems_of_a_call_come_in_one_error(
    films: Service, tool: str, arguments: dict[str, Any], texts: list[str]
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await films.call(tool, arguments)
    for text in texts:
        assert text in str(refused.value)


async def test_a_title_that_begins_like_a_negation_is_a_title(films: Service) -> None:
    found = await films.call(FILTER, {"title": "No Escape"})
    assert [item["title"] for item in found["items"]] == ["No Escape"]


async def members(films: Service, handle: str) -> set[int]:
    listed = await films.call(ITEM, {"item_set": handle, "get": ["title"], "limit": 100})
    found = {item["item_id"] for item in listed["items"]}
    for offset in range(100, listed["total"], 100):
        page = await films.call(ITEM, {"item_set": handle, "get": ["title"], "limit": 100, "offset": offset})
        found |= {item["item_id"] for item in page["items"]}
    return found


async def test_what_meets_any_excluded_condition_is_left_out(films: Service, movies: dict[int, dict[str, Any]]) -> None:
    asked = {"genres": "Comedy", "exclude": {"genres": ["Romance", "Drama"], "release_year": {"lt": 1990}}}
    expected = {
        item
        for item, movie in movies.items()
        if "Comedy" in movie["genres"]
        and not {"Romance", "Drama"} & set(movie["genres"])
        and not (movie["year"] is not None and movie["year"] < 1990)
    }
    result = await films.call(FILTER, asked)
    assert 0 < len(expected) == result["count"]
    assert await members(films, result["item_set"]) == expected


async def test_excluded_conditions_alone_leave_all_others(films: Service, movies: dict[int, dict[str, Any]]) -> None:
    result = await films.call(FILTER, {"exclude": {"genres": "Drama"}})
    assert result["count"] == sum("Drama" not in movie["genres"] for movie in movies.values())


async def test_several_sets_are_their_intersection(films: Service) -> None:
    comedies = await films.call(FILTER, {"genres": "Comedy"})
    old = await films.call(FILTER, {"release_year": {"lt": 1960}})
    both = await films.call(FILTER, {"genres": "Comedy", "release_year": {"lt": 1960}})
    handles = [comedies["item_set"], old["item_set"]]
    for given in (handles, ",".join(handles), json.dumps(handles), [{"item_set": handle} for handle in handles]):
        listed = await films.call(ITEM, {"item_set": given, "get": "title", "limit": 100})
        assert {item["item_id"] for item in listed["items"]} == await members(films, both["item_set"])
    moved = await films.call(ITEM, {"items": handles, "get": "title", "limit": 100})
    assert moved["total"] == both["count"]


async def test_excluded_items_are_not_recommended(films: Service) -> None:
    best = [item["item_id"] for item in (await films.call(RECOMMEND, {"user": 8, "k": 6}))["items"]]
    others = await films.call(RECOMMEND, {"user": 8, "k": 4, "exclude_items": best[:2]})
    assert [item["item_id"] for item in others["items"]] == best[2:]
    within = await films.call(RECOMMEND, {"user": 8, "k": 4, "items": best, "exclude_items": best[:2]})
    assert [item["item_id"] for item in within["items"]] == best[2:]
    drama = (await films.call(FILTER, {"genres": "Drama"}))["item_set"]
    no_drama = await films.call(RECOMMEND, {"user": 8, "k": 20, "exclude_items": drama})
    assert not {item["item_id"] for item in no_drama["items"]} & await members(films, drama)


async def test_a_person_is_not_asked_for_a_user_who_is_named_in_another_way(films: Service) -> None:
    tool = films.tools[RECOMMEND]
    assert tool.needs_user({"k": 3})
    assert tool.needs_user({"user": ""})
    assert not tool.needs_user({"user_id": 8})
    assert not tool.needs_user({"arguments": {"viewer": "viewer 8"}})
    assert films.tools["get_interacted_items_tool"].needs_user({"k": 3})
    assert not films.tools["get_statistics_tool"].needs_user({"group_by": "genres"})


async def test_problems_and_readings_without_end_are_told_in_part(films: Service) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await films.call(RECOMMEND, {"user": 8, **{f"argument_{number}": 1 for number in range(10_000)}})
    assert "and 9995 more" in str(refused.value)
    assert len(str(refused.value)) < 10_000


async def test_digits_without_end_are_no_id(films: Service) -> None:
    for given in ("9" * 5_000, f"user {'9' * 5_000}", [{"item_id": "9" * 5_000}]):
        with pytest.raises(InvalidInputError, match=r"is no|is not"):
            await films.call(RECOMMEND, {"user": 8, "items": given})
