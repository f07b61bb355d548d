"""Texts of tools and instructions for a shop, which has no ratings and no texts to search."""

import asyncio
import json
import re
from typing import Any

import pytest

from mcp_server.protocol.client import stdio_session
from mcp_server.settings import Settings
from tests.names import FILTER, FIND_USERS, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, STATISTICS, USER

ALL_BUT_SEARCH = [RECOMMEND, FILTER, LIKE, POPULAR, USER, ITEM, HISTORY, FIND_USERS, STATISTICS]

Tools = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def greeting_and_tools(shop_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Tools]:
    """The instructions and the tools by name, as a client over stdio gets them."""
    command = ["serve", "--dataset", shop_settings.dataset, "--state", str(shop_settings.state_folder)]

    async def ask() -> tuple[str, Tools]:
        with (tmp_path_factory.mktemp("server") / "log").open("w") as log:
            async with stdio_session(command, errlog=log) as session:
                tools = await session.list_tools()
                return session.greeting["instructions"], {tool["name"]: tool for tool in tools}

    return asyncio.run(ask())


def test_a_dataset_without_texts_has_no_search(greeting_and_tools: tuple[str, Tools]) -> None:
    _, tools = greeting_and_tools
    assert sorted(tools) == sorted(ALL_BUT_SEARCH)


def test_no_text_speaks_of_a_tool_that_is_not_there(greeting_and_tools: tuple[str, Tools]) -> None:
    instructions, tools = greeting_and_tools
    assert set(re.findall(r"\w+_tool\b", instructions)) <= set(tools)
    for tool in tools.values():
        assert set(re.findall(r"\w+_tool\b", json.dumps(tool))) <= set(tools), tool["name"]


def test_descriptions_use_the_shops_nouns(greeting_and_tools: tuple[str, Tools]) -> None:
    instructions, tools = greeting_and_tools
    foreign = re.compile(r"\b(films?|movies?|viewers?|imdb\w*|ratings?)\b|\{\w+\}", re.IGNORECASE)
    for text in (instructions, *(tool["description"] for tool in tools.values())):
        assert re.search(r"\b(customer|product)s?\b", text)
        assert not foreign.search(text)


def test_descriptions_give_no_examples_from_films(greeting_and_tools: tuple[str, Tools]) -> None:
    instructions, tools = greeting_and_tools
    for text in (instructions, *(tool["description"] for tool in tools.values())):
        assert not re.findall(r"\b(genres?|plots?|storylines?|comed\w+|watch\w*)\b", text, re.IGNORECASE)


def test_arguments_are_the_fields_that_can_be_filtered(greeting_and_tools: tuple[str, Tools]) -> None:
    properties = greeting_and_tools[1][FILTER]["inputSchema"]["properties"]
    assert list(properties) == ["name", "department", "materials", "price", "exclude", "order_by", "match", "detail"]
    for name in ("Garden", "Kitchen", "Toys"):
        assert name in properties["department"]["description"]
    assert "euros" in properties["price"]["description"]
    assert "3.2 to 45" in properties["price"]["description"]


def test_ids_are_strings_and_groups_the_shops_own(greeting_and_tools: tuple[str, Tools]) -> None:
    tools = greeting_and_tools[1]
    recommend, popular = (tools[name]["inputSchema"]["properties"] for name in (RECOMMEND, POPULAR))
    assert recommend["user"]["type"] == "string"
    assert recommend["items"]["items"]["type"] == "string"
    assert popular["user_group"]["items"]["enum"] == ["gold", "silver"]
    assert tools[USER]["inputSchema"]["properties"]["get"]["items"]["enum"] == ["city", "tier"]
    assert tools[ITEM]["inputSchema"]["properties"]["get"]["items"]["enum"] == [
        "name",
        "department",
        "materials",
        "price",
        "stock",
        "n_purchases",
    ]
