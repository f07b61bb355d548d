"""Lists are compact unless more is asked for; in full, each item has the fields of the dataset's summary besides."""

from typing import Any

import pytest

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from mcp_server.tools import build_tools
from tests.conftest import Rating
from tests.names import FILTER, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, USER

LISTS: list[tuple[str, dict[str, Any]]] = [
    (RECOMMEND, {"user": 9, "k": 7, "reasons": True}),
    (RECOMMEND, {"liked_items": [50, 267], "exclude_seen": False}),
    (FILTER, {"actors": ["Tom Cruise"]}),
    (SEARCH, {"query": "a heist"}),
    (SEARCH, {"similar_to": 9, "k": 3}),
    (POPULAR, {"user_group": ["teenager"]}),
    (HISTORY, {"user": 130, "offset": 5}),
]


@pytest.mark.parametrize(("tool", "arguments"), LISTS)
async def test_full_adds_the_summary_of_each_film_and_changes_nothing_else(
    films: Service, movies: dict[int, dict[str, Any]], tool: str, arguments: dict[str, Any]
) -> None:
    compact = await films.call(tool, arguments)
    assert compact == await films.call(tool, {**arguments, "detail": "compact"})
    full = await films.call(tool, {**arguments, "detail": "full"})
    assert full["items"]
    for item in full["items"]:
        movie = movies[item["item_id"]]
        assert item.pop("details") == {
            "release_year": movie["year"],
            "genres": movie["genres"],
            "imdb_rating": movie["imdb_rating"],
        }
        assert ("score" in item) == (tool == RECOMMEND)
        item.pop("score", None)
        assert ("evidence" in item) == (tool == SEARCH)
        item.pop("evidence", None)
    assert full == compact


async def test_what_is_not_known_of_a_film_is_null_or_empty_in_its_summary(
    films: Service, ratings: list[Rating]
) -> None:
    unnamed = 267
    user = next(line.user for line in ratings if line.item == unnamed)
    newer = [line for line in ratings if line.user == user and line.timestamp > _time(ratings, user, unnamed)]
    full = await films.call(HISTORY, {"user": user, "offset": max(len(newer) - 50, 0), "k": 100, "detail": "full"})
    (found,) = (item["details"] for item in full["items"] if item["item_id"] == unnamed)
    assert found == {"release_year": None, "genres": [], "imdb_rating": None}


def _time(ratings: list[Rating], user: int, item: int) -> int:
    return next(line.timestamp for line in ratings if (line.user, line.item) == (user, item))


async def test_a_summary_that_no_dataset_names_is_a_kind_and_numbers(shop: Service) -> None:
    found = await shop.call(FILTER, {"department": ["kitchen"], "detail": "full"})
    expected = await shop.call(
        ITEM, {"items": [item["item_id"] for item in found["items"]], "get": ["department", "price"]}
    )
    assert [item["details"] for item in found["items"]] == [
        {"department": item["department"], "price": item["price"]} for item in expected["items"]
    ]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [(LIKE, {"items": [1]}), (USER, {"user": 1, "get": "age"}), (ITEM, {"items": 1, "get": "title"})],
)
async def test_tools_without_a_list_to_describe_have_no_detail(
    films: Service, tool: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInputError, match="no argument 'detail'"):
        await films.call(tool, {**arguments, "detail": "full"})


def test_a_dataset_without_a_summary_has_no_detail() -> None:
    fields = [{"name": "title", "kind": "text", "filter": True}]
    source = {"file": "books.jsonl", "format": "jsonl"}
    spec = DatasetSpec.model_validate(
        {
            "name": "books",
            "title": "Books",
            "items": {"id": "isbn", "id_type": "string", "title": "title", "sources": [source], "fields": fields},
            "users": {"id": "reader", "id_type": "integer"},
            "interactions": {"sources": [source], "user": "reader", "item": "isbn"},
        }
    )
    tools = build_tools(DatasetFacts(spec, None))
    assert "item_filter_tool" in tools
    for tool in tools.values():
        assert "detail" not in tool.input_schema["properties"]
