"""Plans as weak models write them, their faults, and references to the results of other calls."""

import json
from typing import Any

import pytest
from langchain_core.messages import ToolCall

from agent_client.planner.plan import faults_of, filled, read_plan

SCHEMA = {
    "type": "object",
    "properties": {"user": {"type": "integer"}, "k": {"type": "integer"}},
    "required": ["user"],
}
SCHEMAS = {"find": SCHEMA}
FIND = {"name": "find", "arguments": {"user": 4}}


def calls(*written: Any) -> list[ToolCall]:
    found = read_plan(json.dumps({"tool_calls": written}), SCHEMAS)
    assert found is not None
    return found[0]


# Reading


@pytest.mark.parametrize(
    "written",
    [
        '{"tool_calls": [%s]}',
        '```json\n{"tool_calls": [%s], "answer": ""}\n```',
        'Here is [the] plan:\n\n{"tool_calls": [%s]}\n\nIt finds {everything}.',
        "[%s]",
        "%s",
    ],
    ids=["plain", "fenced", "prose", "list", "call"],
)
@pytest.mark.parametrize(
    "call", [FIND, {"tool": "find", "args": {"user": 4}}, {"name": "find", "parameters": {"user": 4, "k": None}}]
)
def test_a_plan_is_read_whatever_is_around_it(written: str, call: dict[str, Any]) -> None:
    found = read_plan(written % json.dumps(call), SCHEMAS)
    assert found == ([ToolCall(type="tool_call", id="1", name="find", args={"user": 4})], "")


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ('{"tool_calls": [], "answer": "Which viewer?"}', "Which viewer?"),
        ('Well: {"answer": "Which\nviewer?"}', "Which\nviewer?"),
        ('{"tool_calls": []}', ""),
    ],
)
def test_an_answer_may_take_the_place_of_calls(written: str, answer: str) -> None:
    assert read_plan(written, SCHEMAS) == ([], answer)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "I cannot do that.",
        '{"tool_calls": [{"name": ',
        '{"tool_calls": [{"user": 4}]}',
        '{"user": 4}',
        "[1] and [2]",
    ],
)
def test_a_text_without_a_plan_is_none(written: str) -> None:
    assert read_plan(written, SCHEMAS) is None


# Faults


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ({"user": "four"}, "user: 'four' is not of type 'integer'"),
        ({}, "'user' is a required property"),
        ({"user": 4, "number": 3}, "'number' was unexpected"),
        ({"user": "$9.user"}, "there is no call 9"),
        ({"user": "$find.user"}, "'$find.user' is not of type 'integer'"),
    ],
)
def test_a_call_that_cannot_be_made_is_told(call: Any, fault: str) -> None:
    (told,) = faults_of(calls(FIND, {"name": "find", "arguments": call}), SCHEMAS)
    assert told.startswith("- Call 2, find: ")
    assert fault in told


def test_an_unknown_tool_is_told_with_those_that_there_are() -> None:
    (told,) = faults_of(calls({"name": "search", "arguments": {}}), SCHEMAS)
    assert told == "- Call 1, search: there is no such tool; there are find"


@pytest.mark.parametrize("user", [4, "$1.user", "$1.users[0].id", "${1.users[*].id}"])
def test_a_reference_may_stand_for_any_value(user: Any) -> None:
    assert faults_of(calls(FIND, {"name": "find", "arguments": {"user": user}}), SCHEMAS) == []


# References


RESULTS = {"1": {"set": "s1", "items": [{"id": 3}, {"id": 5}], "n": 2}, "2": {"set": "s2"}}


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("$1.set", "s1"),
        ("$1.n", 2),
        ("$1.items[1].id", 5),
        ("$1.items[*].id", [3, 5]),
        ("$1.items.id", [3, 5]),
        ("${1.items[*].id}", [3, 5]),
        (["$1.items[*].id", 9], [3, 5, 9]),
        ({"x": ["$1.items[0]"]}, {"x": [{"id": 3}]}),
        ("$1.set,$2.set", "s1,s2"),
        ("for $5 or $5.50", "for $5 or $5.50"),
    ],
)
def test_references_are_replaced(reference: Any, value: Any) -> None:
    assert filled(reference, RESULTS) == value


@pytest.mark.parametrize("reference", ["$1.sets", "$1.items[2].id", "$1.items[*].name", "$1.set.x", "$2.set[0]"])
def test_a_reference_to_nothing_says_what_there_is(reference: str) -> None:
    with pytest.raises(LookupError, match=r"is not in that result: \{.*set"):
        filled({"x": [reference]}, RESULTS)
