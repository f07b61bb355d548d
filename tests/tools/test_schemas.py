"""The schemas that tools publish: plain, valid, in the words of the dataset, and kept by what tools return."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.spec import DatasetSpec, Nouns, find_spec_file, load_spec
from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from mcp_server.tools import build_tools
from mcp_server.tools.schemas import json_schema
from mcp_server.tools.tool import Tool
from tests.conftest import SHOP

Schema = dict[str, Any]

KEYWORDS = {"type", "properties", "required", "items", "enum", "description", "default"}
"""Keywords that declarations of functions share for models of OpenAI, Anthropic and Google."""

NAMES = {
    "get_top_k_recommendations_tool",
    "item_filter_tool",
    "vector_store_search_tool",
    "get_like_percentage_tool",
    "get_popular_items_tool",
    "get_user_metadata_tool",
    "get_item_metadata_tool",
    "get_interacted_items_tool",
    "find_users_tool",
    "get_statistics_tool",
}


def _nodes(schema: Any, *, named: bool = False) -> Iterator[Schema]:
    """Every schema inside a schema. named: the keys of this one are names of properties."""
    if isinstance(schema, list):
        for part in schema:
            yield from _nodes(part)
    elif isinstance(schema, dict):
        if not named:
            yield schema
        for key, part in schema.items():
            yield from _nodes(part, named=key == "properties" and not named)


def _texts(tool: Tool) -> Iterator[str]:
    """All that a tool says in words."""
    yield from (tool.title, tool.description)
    for node in [*_nodes(tool.input_schema), *_nodes(tool.output_schema)]:
        if "description" in node:
            yield node["description"]


def _unprepared(dataset: str) -> dict[str, Tool]:
    return build_tools(DatasetFacts(load_spec(find_spec_file(dataset)), None))


@pytest.fixture(params=["films", "shop", "films, unprepared", "shop, unprepared"])
def tools(request: pytest.FixtureRequest) -> dict[str, Tool]:
    """The tools of a dataset, before and after it is prepared."""
    dataset = request.param.split(",")[0]
    if "unprepared" in request.param:
        return _unprepared({"films": "ml-100k", "shop": str(SHOP)}[dataset])
    settings = request.getfixturevalue(f"{dataset}_settings")
    return Service(settings, prepare_if_needed=False).tools


def test_schemas_are_valid_and_plain(tools: dict[str, Tool]) -> None:
    for tool in tools.values():
        for schema in (tool.input_schema, tool.output_schema):
            Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
            for node in _nodes(schema):
                assert set(node) <= KEYWORDS, tool.name
                assert "default" not in node or node["default"] is not None
            for node in _nodes(schema):
                for name in node.get("required", []):
                    assert name in node["properties"]


def test_every_argument_has_one_type_and_every_list_says_of_what(tools: dict[str, Tool]) -> None:
    for tool in tools.values():
        for node in _nodes(tool.input_schema):
            assert node["type"] in ("object", "array", "string", "integer", "number", "boolean")
            assert (node["type"] == "array") == ("items" in node)
            assert (node["type"] == "object") == ("properties" in node)


def test_every_argument_and_every_result_is_described(tools: dict[str, Tool]) -> None:
    for tool in tools.values():
        for name, schema in [*tool.input_schema["properties"].items(), *tool.output_schema["properties"].items()]:
            assert (name, bool(schema.get("description"))) == (name, True)
        assert len(tool.description) > 40


def test_descriptions_name_only_tools_that_there_are_and_each_is_named_by_another(tools: dict[str, Tool]) -> None:
    named = {tool.name: set(re.findall(r"\w+_tool\b", " ".join(_texts(tool)))) for tool in tools.values()}
    for name, others in named.items():
        assert others <= set(tools) - {name}
        assert any(name in mentioned for other, mentioned in named.items() if other != name)


def test_detail_names_the_fields_of_the_summary(tools: dict[str, Tool]) -> None:
    films = "genres" in tools["item_filter_tool"].input_schema["properties"]
    fields = "release_year, genres, imdb_rating" if films else "department, price"
    listing = {name for name, tool in tools.items() if "detail" in tool.input_schema["properties"]}
    without = {"get_like_percentage_tool", "get_user_metadata_tool", "get_item_metadata_tool"}
    assert listing == set(tools) - without - {"find_users_tool", "get_statistics_tool"}
    for name in listing:
        described = tools[name].input_schema["properties"]["detail"]
        assert (described["enum"], described["default"]) == (["compact", "full"], "compact")
        assert described["description"] == f"full: also {fields}."


def test_nouns_of_the_dataset_are_filled_in(tools: dict[str, Tool]) -> None:
    for tool in tools.values():
        for text in _texts(tool):
            assert "{" not in text
            assert "}" not in text
            assert "  " not in text
            assert "\n" not in text
    said = " ".join(text for tool in tools.values() for text in _texts(tool)).lower()
    films = "genres" in tools["item_filter_tool"].input_schema["properties"]
    ours, theirs = ("film", "viewer"), ("product", "customer")
    for word in ours if films else theirs:
        assert word in said
    for word in theirs if films else ours:
        assert word not in said


def test_all_ten_tools_are_there_for_films_and_all_but_search_for_the_shop() -> None:
    assert set(_unprepared("ml-100k")) == NAMES
    assert set(_unprepared(str(SHOP))) == NAMES - {"vector_store_search_tool"}


def test_ids_are_of_the_datasets_type() -> None:
    for dataset, kind in (("ml-100k", "integer"), (str(SHOP), "string")):
        tools = _unprepared(dataset)
        arguments = tools["get_top_k_recommendations_tool"].input_schema["properties"]
        assert arguments["user"]["type"] == kind
        assert (arguments["items"]["type"], arguments["items"]["items"]["type"]) == ("array", kind)
        listed = tools["get_popular_items_tool"].output_schema["properties"]["items"]["items"]
        assert listed["properties"]["item_id"]["type"] == kind
        assert listed["properties"]["title"]["type"] == ["string", "null"]


def test_only_what_must_be_given_is_required() -> None:
    required = {name: set(tool.input_schema.get("required", [])) for name, tool in _unprepared("ml-100k").items()}
    assert required == {
        "get_top_k_recommendations_tool": set(),
        "item_filter_tool": set(),
        "vector_store_search_tool": set(),
        "get_like_percentage_tool": set(),
        "get_popular_items_tool": set(),
        "get_user_metadata_tool": {"user", "get"},
        "get_item_metadata_tool": {"get"},
        "get_interacted_items_tool": {"user"},
        "find_users_tool": set(),
        "get_statistics_tool": set(),
    }


def test_every_filterable_field_is_an_argument_of_its_kind() -> None:
    spec = load_spec(find_spec_file("ml-100k"))
    properties = _unprepared("ml-100k")["item_filter_tool"].input_schema["properties"]
    assert set(properties) == {field.name for field in spec.filters} | {"exclude", "match", "detail", "order_by"}
    for field in spec.filters:
        if field.kind == "number":
            assert set(properties[field.name]["properties"]) == {"gt", "gte", "lt", "lte", "eq"}
        else:
            assert (properties[field.name]["type"], properties[field.name]["items"]["type"]) == ("array", "string")
    assert properties["match"]["enum"] == ["all", "any"]


def test_groups_and_fields_that_can_be_named_are_listed(films: Service) -> None:
    popular = films.tools["get_popular_items_tool"].input_schema["properties"]["user_group"]
    assert popular["items"]["enum"] == [
        *("kid", "teenager", "young_adult", "adult", "senior"),
        *("female", "male"),
    ]
    user = films.tools["get_user_metadata_tool"].input_schema["properties"]["get"]
    assert user.get("items", user)["enum"] == ["age", "age_category", "gender", "occupation"]


def test_names_of_fields_may_be_words_of_json_schema_and_labels_may_have_braces() -> None:
    names = ["title", "description", "properties", "items", "default", "required", "enum", "type", "format"]
    fields = [{"name": name, "kind": "text", "filter": True, "label": "As {printed}"} for name in names]
    spec = DatasetSpec.model_validate(
        {
            "name": "books",
            "title": "Books",
            "items": {
                "id": "isbn",
                "id_type": "string",
                "title": "title",
                "sources": [{"file": "books.jsonl", "format": "jsonl"}],
                "fields": fields,
            },
            "users": {"id": "reader", "id_type": "integer"},
            "interactions": {
                "sources": [{"file": "loans.csv", "format": "delimited"}],
                "user": "reader",
                "item": "isbn",
            },
        }
    )
    properties = build_tools(DatasetFacts(spec, None))["item_filter_tool"].input_schema["properties"]
    assert set(properties) == {*names, "exclude", "match", "order_by"}
    for name in names:
        assert properties[name]["type"] == "array"
        assert properties[name]["description"].startswith("As {printed}")


class Part(BaseModel):
    """A part, of which the schema says nothing."""

    size: float | None = Field(description="Size of the {item}; null if not known.")


class Whole(BaseModel):
    """A whole, of which the schema says nothing."""

    first: Part = Field(description="The first {item}\n   of {users}.")
    others: list[Part] | None = Field(None, description="Other {items}.", max_length=3)
    kind: Literal["a", "b"] = "a"
    either: Annotated[int | str, Field(description="{Item} or {interaction}.")]


def test_a_schema_is_simplified_and_filled_in() -> None:
    nouns = Nouns(item="book", items="books", users="readers", interaction="loan")
    part = {
        "type": "object",
        "properties": {"size": {"type": ["number", "null"], "description": "Size of the book; null if not known."}},
        "required": ["size"],
    }
    schema = json_schema(Whole, nouns)
    first = schema["properties"].pop("first")
    others = schema["properties"].pop("others")
    assert first == {**part, "description": "The first book of readers."}
    assert others == {"type": "array", "items": part, "description": "Other books."}
    assert schema == {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
            "either": {"anyOf": [{"type": "integer"}, {"type": "string"}], "description": "Book or loan."},
        },
        "required": ["first", "either"],
    }


FILM_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("get_top_k_recommendations_tool", {"user": 4, "reasons": True}),
    ("get_top_k_recommendations_tool", {"liked_items": [9, 50], "k": 2, "items": None, "exclude_seen": False}),
    ("item_filter_tool", {"actors": ["Tom Cruize"], "imdb_rating": {"gt": 6}}),
    ("item_filter_tool", {"director": ["Xqzwv"], "release_year": {"lt": 1900}}),
    ("vector_store_search_tool", {"query": "the main character is kidnapped", "k": 3}),
    ("vector_store_search_tool", {"similar_to": 9}),
    ("get_like_percentage_tool", {"items": [9]}),
    ("get_popular_items_tool", {"k": 3, "user_group": ["teenager", "female"]}),
    ("get_popular_items_tool", {"items": [267]}),
    ("get_user_metadata_tool", {"user": 198, "get": ["age_category", "occupation"]}),
    ("get_item_metadata_tool", {"items": [9, 267], "get": ["description", "genres", "duration"]}),
    ("get_interacted_items_tool", {"user": 90, "k": 3}),
    ("get_interacted_items_tool", {"user": 405, "k": 100, "offset": 100, "detail": "full"}),
    ("get_top_k_recommendations_tool", {"user": 4, "k": 100, "reasons": True, "detail": "full"}),
    ("item_filter_tool", {"country": ["France"], "detail": "full"}),
    ("vector_store_search_tool", {"query": "a heist", "k": 100, "detail": "full"}),
    ("get_popular_items_tool", {"k": 100, "detail": "full"}),
    ("get_item_metadata_tool", {"items": list(range(1, 101)), "limit": 100, "get": ["description", "storyline"]}),
    ("find_users_tool", {"items": [943, 9], "k": 100, "user_group": ["teenager"]}),
    ("find_users_tool", {"similar_to": 405, "k": 100}),
    ("get_statistics_tool", {"group_by": ["genres", "gender"], "k": 100, "since": "1998"}),
    ("get_statistics_tool", {"group_by": ["director"], "user": 655, "offset": 10, "k": 100}),
]

SHOP_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("get_top_k_recommendations_tool", {"user": "anna", "k": 3, "reasons": True}),
    ("get_top_k_recommendations_tool", {"user": "newcomer"}),
    ("item_filter_tool", {"materials": ["wood"], "price": {"lte": 30}}),
    ("get_like_percentage_tool", {"items": ["KIT-01"]}),
    ("get_popular_items_tool", {"user_group": ["gold"]}),
    ("get_user_metadata_tool", {"user": "eve", "get": ["city", "tier"]}),
    ("get_item_metadata_tool", {"items": ["TOY-03"], "get": ["price", "materials"]}),
    ("get_interacted_items_tool", {"user": "gus"}),
    ("find_users_tool", {"items": ["KIT-01"]}),
    ("get_statistics_tool", {"group_by": ["tier", "department"]}),
]


@pytest.mark.parametrize(
    ("dataset", "name", "arguments"),
    [("films", *call) for call in FILM_CALLS] + [("shop", *call) for call in SHOP_CALLS],
)
async def test_a_result_keeps_the_schema_that_was_promised(
    films: Service, shop: Service, dataset: str, name: str, arguments: dict[str, Any]
) -> None:
    service = {"films": films, "shop": shop}[dataset]
    tool = service.tools[name]
    given = {argument: value for argument, value in arguments.items() if value is not None}
    assert list(Draft202012Validator(tool.input_schema).iter_errors(given)) == []
    result = await service.call(name, arguments)
    assert [error.message for error in Draft202012Validator(tool.output_schema).iter_errors(result)] == []
    assert set(result) <= set(tool.output_schema["properties"])


@pytest.mark.parametrize("dataset", ["films", "shop"])
async def test_an_argument_that_is_not_in_the_schema_is_refused_with_those_that_are(
    films: Service, shop: Service, dataset: str
) -> None:
    service = {"films": films, "shop": shop}[dataset]
    for name, tool in service.tools.items():
        with pytest.raises(InvalidInputError, match="no argument 'colour'") as refused:
            await service.call(name, {"colour": "green"})
        for argument in tool.input_schema["properties"]:
            assert argument in str(refused.value)
