"""The official TypeScript SDK's client, of both its lines, asks for everything that the server has.

It also checks each answer against the schema that the tool has promised. What the answers should be is what our own
client gets, or what the data say.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_server.protocol.client import http_session
from mcp_server.settings import Settings
from tests.clients.calls import CALLS, FILLED_IN, address
from tests.clients.npm import FOLDER, run_node
from tests.names import FILTER, HISTORY, RECOMMEND, SEARCH
from tests.running_servers import HttpServer

Wire = dict[str, Any]

TEMPLATES = ["item://{id}", "user://{id}", "itemset://{handle}"]

WITHOUT_USER = {"k": 3}

ASKS: dict[str, Any] = {
    "first": {"name": HISTORY, "arguments": {"user": 90, "k": 3}},
    "withoutUser": {"name": RECOMMEND, "arguments": WITHOUT_USER},
    "wrong": {"name": RECOMMEND, "arguments": {"user": 5000}},
    "slow": {"name": SEARCH, "arguments": {"query": "a story of much and nothing " * 300}},
    "completions": [
        {
            "ref": {"type": "ref/prompt", "name": "recommend_by_attributes"},
            "argument": {"name": "genres", "value": "c"},
        },
        {"ref": {"type": "ref/resource", "uri": "user://{id}"}, "argument": {"name": "id", "value": "94"}},
    ],
}

CLIENTS = {"line 1": (1, "legacy"), "line 2": (2, "legacy"), "line 2, newest protocol": (2, "auto")}
"""Line of the SDK, and the first request of its client."""


async def ours(server: HttpServer, addresses: list[str]) -> tuple[dict[str, Wire], Wire, dict[str, list[Wire]]]:
    """The answers that our own client gets: to the calls, to the call without a user (for 98), and at the addresses."""
    async with http_session(f"{server.base}/mcp") as session:
        results = {name: await session.call(name, arguments) for name, arguments in CALLS.items()}
        recommended = await session.call(RECOMMEND, {"user": 98, **WITHOUT_USER})
        return results, recommended, {uri: (await session.read(uri))["contents"] for uri in addresses}


@pytest.mark.parametrize("transport", ["stdio", "sse", "http"])
@pytest.mark.parametrize("client", CLIENTS)
async def test_everything_is_there_for_typescript(
    server: HttpServer, films_settings: Settings, home: Path, client: str, transport: str
) -> None:
    targets: dict[str, Any] = {
        "stdio": [sys.executable, "-m", "mcp_server", "serve", "--state", str(films_settings.state_folder)],
        "sse": f"{server.base}/sse",
        "http": f"{server.base}/mcp",
    }
    line, era = CLIENTS[client]
    async with http_session(f"{server.base}/mcp") as session:
        found = await session.call(FILTER, CALLS[FILTER])
        tools = await session.list_tools()
    addresses = [address(template, found["structuredContent"]["item_set"]) for template in TEMPLATES]
    plan = {"line": line, "era": era, transport: targets[transport], "calls": CALLS, "asks": ASKS}
    plan |= {"filledIn": FILLED_IN, "addresses": addresses}
    ran = run_node(FOLDER / "typescript_client.cjs", json.dumps(plan), home=home)
    assert ran.returncode == 0, ran.stderr
    got: Wire = json.loads(ran.stdout)
    results, recommended, contents = await ours(server, list(got["read"]))

    assert got["server"]["name"] == "recsys-mcp"
    assert {"tools", "resources", "prompts", "completions"} <= set(got["capabilities"])
    assert "1 to 943" in got["instructions"]
    assert {tool["name"]: tool["inputSchema"] for tool in got["tools"]} == {
        tool["name"]: tool["inputSchema"] for tool in tools
    }
    for name, expected in results.items():
        assert got["results"][name]["structuredContent"] == expected["structuredContent"], name
        assert got["results"][name]["content"] == expected["content"], name
    assert got["first"] == got["afterwards"]
    assert len(got["first"]["structuredContent"]["items"]) == 3
    if transport == "stdio":  # where the first call finds the server just started
        assert got["progress"][0]["message"] == "opening ml-100k"

    assert "assistant" in got["written"]
    for name, prompt in got["written"].items():
        (message,) = prompt["messages"]
        for value in prompt["given"].values():
            assert value in message["content"]["text"], name
    assert {template["uriTemplate"] for template in got["resourceTemplates"]} == set(TEMPLATES)
    assert set(got["read"]) == {*addresses, *(resource["uri"] for resource in got["resources"])}
    assert got["read"] == contents
    assert set(got["completed"][0]["values"]) == {"Comedy", "Crime", "Children's"}
    assert got["completed"][1]["values"] == ["94", "940", "941", "942", "943"]

    assert got["asked"]["structuredContent"] == recommended["structuredContent"]
    assert got["questions"] == ["For which viewer?"]
    assert got["refused"]["isError"]
    assert "viewer 5000 is not in ml-100k: IDs run from 1 to 943" in got["refused"]["content"][0]["text"]
    assert "set_nothing" in got["absent"]
    assert "patience is lost" in got["givenUp"]
