"""A plan of tool calls: its schema, its reading, its faults, and the references by which a call takes values from the
results of others, such as "$1.items[*].item_id" from the first.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from langchain_core.messages import ToolCall
from langchain_core.messages.tool import tool_call
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from agent_client.models.written import taken_apart

REFERENCE = re.compile(r"\$\{?(\d+)((?:\.[A-Za-z_]\w*|\[(?:\d+|\*)\])+)\}?")

Schemas = Mapping[str, Mapping[str, Any]]
"""The schema of each tool's arguments, by the tool's name."""


def schemas_of(tools: Iterable[BaseTool]) -> Schemas:
    return {tool.name: convert_to_openai_tool(tool)["function"]["parameters"] for tool in tools}


def schema_of_plans(schemas: Schemas, most_calls: int) -> dict[str, Any]:
    """The schema of all plans with these tools, for endpoints that hold a model to one."""
    reference, calls = {"type": "string", "pattern": r"^\$[0-9]{1,2}\.[a-z][A-Za-z0-9_.*\[\]]*$"}, []
    for name, schema in schemas.items():
        arguments = {key: {"anyOf": [known, reference]} for key, known in schema.get("properties", {}).items()}
        closed = {**_closed(arguments), "required": schema.get("required", [])}
        calls.append(_closed({"name": {"enum": [name]}, "arguments": closed}))
    some = {"type": "array", "items": {"anyOf": calls}, "maxItems": most_calls}
    return {"title": "plan", **_closed({"tool_calls": some, "answer": {"type": "string"}}), "required": ["tool_calls"]}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def read_plan(text: str, schemas: Schemas) -> tuple[list[ToolCall], str] | None:
    """The calls in a text, numbered from 1, or the answer in place of them; None if it is no plan."""
    calls: list[ToolCall] = []
    for name, arguments in taken_apart(text, schemas).calls:
        given = {key: value for key, value in arguments.items() if value is not None}
        calls.append(tool_call(id=str(len(calls) + 1), name=name, args=given))
    if calls:
        return calls, ""
    try:
        plan = json.JSONDecoder(strict=False).raw_decode(text, text.index("{"))[0]
    except ValueError:
        return None
    if plan.get("tool_calls") or not plan.keys() & {"tool_calls", "answer"}:
        return None
    return [], str(plan.get("answer") or "")


def faults_of(calls: Sequence[ToolCall], schemas: Schemas) -> list[str]:
    """The faults that keep calls from being made, a line each."""
    ids, found = [call["id"] for call in calls], []
    for call in calls:
        unknown = [f"there is no call {id}" for id in references(call) if id not in ids]
        found += [fault_of(call, fault) for fault in (*argument_faults(call, schemas), *unknown)]
    return found


def fault_of(call: ToolCall, fault: object) -> str:
    return f"- Call {call['id']}, {call['name']}: {fault}"


def argument_faults(call: ToolCall, schemas: Schemas) -> list[str]:
    """The faults of a call by itself; a reference may stand for any value."""
    if call["name"] not in schemas:
        return [f"there is no such tool; there are {', '.join(schemas)}"]
    schema = schemas[call["name"]]
    closed = {"additionalProperties": False, **schema} if schema.get("properties") else schema
    return [
        ": ".join([*map(str, error.absolute_path), error.message[:200]])
        for error in validator_for(closed, Draft202012Validator)(closed).iter_errors(call["args"])
        if not (isinstance(error.instance, str) and REFERENCE.search(error.instance))
    ]


def references(call: ToolCall) -> Iterator[str]:
    """Numbers of the calls whose results a call uses."""
    return (found[1] for found in REFERENCE.finditer(json.dumps(call["args"])))


def filled(value: Any, results: Mapping[str, Any]) -> Any:
    """The value with its references replaced.

    Raises:
        LookupError: A reference leads nowhere.
    """
    if isinstance(value, dict):
        return {key: filled(part, results) for key, part in value.items()}
    if isinstance(value, list):  # a reference in a list may bring a whole list
        brought = [(filled(part, results), isinstance(part, str)) for part in value]
        return [one for got, spread in brought for one in (got if spread and isinstance(got, list) else [got])]
    if not isinstance(value, str):
        return value
    if whole := REFERENCE.fullmatch(value):
        return _taken(whole, results)
    return REFERENCE.sub(lambda reference: str(_taken(reference, results)), value)


def _taken(reference: re.Match[str], results: Mapping[str, Any]) -> Any:
    try:
        return _at(results[reference[1]], re.findall(r"\w+|\*", reference[2]))
    except (LookupError, TypeError):
        told = json.dumps(results[reference[1]])[:300]
        raise LookupError(f"{reference[0]} is not in that result: {told}") from None


def _at(value: Any, path: list[str]) -> Any:
    if not path:
        return value
    step, *rest = path
    if isinstance(value, list) and not step.isdigit():  # of each in the list, whether or not the model has written [*]
        return [_at(part, rest if step == "*" else path) for part in value]
    return _at(value[int(step) if isinstance(value, list) else step], rest)
