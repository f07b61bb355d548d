"""What was written into a host's file starts the server, as a host would start it."""

import json
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from mcp_server.settings import Settings
from tests.hosts.commands import Desk

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a home folder is given by HOME")

FILES = {
    "claude-desktop": (".config/Claude/claude_desktop_config.json", "mcpServers"),
    "vscode": (".config/Code/User/mcp.json", "servers"),
    "codex": (".codex/config.toml", "mcp_servers"),
}


@pytest.mark.parametrize("host", FILES)
async def test_the_entry_starts_the_server_with_the_state(host: str, films_settings: Settings, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    ended = desk.run("install", host, "--state", films_settings.state, "--no-prepare", RECSYS_LOG_LEVEL="ERROR")
    assert ended.code == 0, ended.err
    file, key = FILES[host]
    text = desk.files()[file].decode("utf-8")
    entry: dict[str, Any] = (tomllib.loads(text) if host == "codex" else json.loads(text))[key]["recsys"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    server = StdioServerParameters(
        command=entry["command"],
        args=entry["args"],
        env={"HOME": str(desk.home), "PATH": os.defpath, **entry["env"]},  # hosts pass on little else
        cwd=elsewhere,
    )
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        names = [tool.name for tool in (await session.list_tools()).tools]
        answer = await session.call_tool("get_user_metadata_tool", {"user": 4, "get": ["age"]})
    assert "get_top_k_recommendations_tool" in names
    assert json.loads(answer.model_dump(mode="json")["content"][0]["text"])["fields"] == {"age": 24}  # of u.user
