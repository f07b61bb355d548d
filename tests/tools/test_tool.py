"""Needs of tools: without them neither the tools nor their arguments are there, and no text names them."""

import re
from typing import Any

import pytest

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.tools import build_tools
from tests.dataset.variants import EVERY_SET, films_without
from tests.names import FILTER, FIND_USERS, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, STATISTICS, USER

NEEDED = {FILTER: "filters", SEARCH: "search", USER: "user fields"}


def texts(facts: DatasetFacts) -> dict[str, str]:
    return {name: f"{tool.description} {tool.input_schema}" for name, tool in build_tools(facts).items()}


@pytest.mark.parametrize("removed", EVERY_SET, ids=" ".join)
def test_tools_are_there_with_what_they_need_and_name_only_one_another(removed: tuple[str, ...]) -> None:
    said = texts(films_without(*removed))
    every = {RECOMMEND, FILTER, SEARCH, LIKE, POPULAR, USER, ITEM, HISTORY, FIND_USERS, STATISTICS}
    assert set(said) == {name for name in every if NEEDED.get(name) not in removed}
    for name, text in said.items():
        assert set(re.findall(r"\w+_tool\b", text)) <= set(said) - {name}


@pytest.mark.parametrize("removed", EVERY_SET, ids=" ".join)
def test_of_eight_tools_none_names_the_others(removed: tuple[str, ...]) -> None:
    every = films_without(*removed)
    said = texts(DatasetFacts(every.spec, every.card, "eight"))
    assert set(said) == set(texts(every)) - {FIND_USERS, STATISTICS}
    for name, text in said.items():
        assert set(re.findall(r"\w+_tool\b", text)) <= set(said) - {name}


@pytest.mark.parametrize("removed", ["groups", "user fields"])
def test_nothing_is_said_of_groups_where_there_are_none(removed: str) -> None:
    facts = films_without(removed)
    assert "user_group" in build_tools(films_without())[POPULAR].input_schema["properties"]
    assert "user_group" not in build_tools(facts)[POPULAR].input_schema["properties"]
    assert "in a group" in texts(films_without())[RECOMMEND]
    for name in (RECOMMEND, POPULAR):
        assert "group" not in texts(facts)[name]


def test_matching_any_of_several_names_needs_names() -> None:
    facts = films_without()
    spec: dict[str, Any] = facts.spec.model_dump()
    for field in spec["items"]["fields"]:
        field["filter"] = field["kind"] == "number"
    numbers = DatasetFacts(type(facts.spec).model_validate(spec), None)
    assert "match" in build_tools(facts)[FILTER].input_schema["properties"]
    assert "match" not in build_tools(numbers)[FILTER].input_schema["properties"]
