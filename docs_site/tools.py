"""The reference of the tools: what a host is told of each, for the bundled films."""

from collections.abc import Iterator
from typing import Any

from docs_site.markdown import code, page, table
from mcp_server.dataset.facts import DatasetFacts
from mcp_server.tools import build_tools
from mcp_server.tools.tool import Tool

INTRODUCTION = """
The tools of the bundled dataset, MovieLens-100k with film metadata, as a host lists them for its language model. Nouns,
the filter's arguments, the fields that can be asked for, and the groups of users come from `dataset.yaml`: another
catalogue has the same tools in its own words, without those that it has no data for. Every tool only reads, and every
result has a `message` for the assistant to pass on.

[Your own tools](../your-own-tools.md) join them.
"""


def tools_page(facts: DatasetFacts) -> str:
    """The page, in Markdown."""
    return page("Tools", INTRODUCTION, *(part for tool in build_tools(facts).values() for part in _tool(tool)))


def _tool(tool: Tool) -> Iterator[str]:
    yield f"## {tool.name}"
    yield f"**{tool.title}.** {tool.description}"
    yield "**Arguments**"
    yield table(("argument", "type", "meaning"), _arguments(tool.input_schema))
    yield "**Result**"
    yield table(("field", "type", "meaning"), _fields(tool.output_schema, ""))


def _arguments(schema: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, value in schema["properties"].items():
        default, remarks = value.get("default"), [value.get("description", "")]
        if name in schema.get("required", []):
            remarks.append("Required.")
        if default is not None:
            remarks.append(f"Default: {code(default)}.")
        yield f"`{name}`", _type(value), " ".join(remarks)


def _fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    """A row for each field of a result, followed by those of the objects in it."""
    for name, value in schema.get("properties", {}).items():
        inner, mark = (value["items"], "[]") if "items" in value else (value, "")
        yield f"`{path}{name}`", _kind(value), value.get("description", "")
        yield from _fields(inner, f"{path}{name}{mark}.")


def _type(schema: dict[str, Any]) -> str:
    """The type of an argument in words, with the names in an object."""
    names = ", ".join(f"`{name}`" for name in schema.get("properties", {}))
    return f"{_kind(schema)} with {names}" if names else _kind(schema)


def _kind(schema: dict[str, Any], many: str = "") -> str:
    """The type in words; ``many`` is the ending of the plural."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(option, many) for option in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    kinds = schema.get("type", "value")
    if kinds == "array":
        return f"list{many} of {_kind(schema['items'], 's')}"
    return " or ".join([f"{kinds}{many}"] if isinstance(kinds, str) else kinds)
