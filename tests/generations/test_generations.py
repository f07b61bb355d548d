"""Clients and servers of both lines of the Python SDK, each with each, on every transport.

The client is of the line that runs the tests. RECSYS_TEST_OTHER_PYTHON names the Python of an environment that has the
other line; its servers are asked by the same client. `run.py test` runs these tests in both environments.
"""

import asyncio
import contextlib
import importlib
import importlib.metadata
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mcp
import pytest
from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client

from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from tests.clients.calls import CALLS, FILLED_IN, address
from tests.names import FILTER, HISTORY, RECOMMEND
from tests.running_servers import http_server, own_environment

Wire = dict[str, Any]

sdk: Any = mcp
sse: Any = importlib.import_module("mcp.client.sse")
streamable_http: Any = importlib.import_module("mcp.client.streamable_http")
# Untyped, because only one line of the SDK is installed where types are checked.

OTHER_PYTHON = os.environ.get("RECSYS_TEST_OTHER_PYTHON")

NEWEST = {"1": "2025-11-25", "2": "2026-07-28"}
"""Revision of the protocol that each line knows."""

GREETINGS = ["initialize", "discover"] if hasattr(sdk, "Client") else ["initialize"]
"""First request of a client: initialize, as up to the revision 2025-11-25, or discover."""

TRANSPORTS = ["stdio", "sse", "http", "http without sessions"]


@dataclass
class Host:
    """The person in front of the client, who answers questions and sees progress."""

    questions: list[str] = field(default_factory=list)
    progress: list[str | None] = field(default_factory=list)

    async def answer(self, _: Any, params: Any) -> types.ElicitResult:
        self.questions.append(params.message)
        return types.ElicitResult(action="accept", content={"user": 98})

    async def see(self, done: float, total: float | None, message: str | None) -> None:
        self.progress.append(message)


@dataclass(frozen=True)
class Servers:
    """Servers of one line.

    Args:
        line: "1" or "2".
        http: URL of the server that keeps sessions; without: of the one that does not.
    """

    python: str
    line: str
    state: Path
    http: str
    without_sessions: str

    def transport(self, name: str) -> AbstractAsyncContextManager[Any]:
        """A connection to one of them: opened with the streams to read and write."""
        serve = ["-m", "mcp_server", "serve", "--state", str(self.state)]
        connect: dict[str, Callable[[], Any]] = {
            "stdio": lambda: stdio_client(
                StdioServerParameters(command=self.python, args=serve, env=own_environment({}))
            ),
            "sse": lambda: sse.sse_client(f"{self.http}/sse"),
            "http": lambda: streamable_http.streamable_http_client(f"{self.http}/mcp"),
            "http without sessions": lambda: streamable_http.streamable_http_client(f"{self.without_sessions}/mcp"),
        }
        connection: AbstractAsyncContextManager[Any] = connect[name]()
        return connection


def line_of(python: str) -> str:
    asked = [python, "-c", "import importlib.metadata; print(importlib.metadata.version('mcp'))"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.partition(".")[0]


@pytest.fixture(scope="module", params=["of the same line", "of the other line"])
def servers(request: pytest.FixtureRequest, films_settings: Settings) -> Iterator[Servers]:
    python = sys.executable
    if request.param == "of the other line":
        if OTHER_PYTHON is None:
            pytest.skip("RECSYS_TEST_OTHER_PYTHON names no Python with the other line of the SDK")
        python = OTHER_PYTHON
    state = films_settings.state_folder
    with contextlib.ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "executable", python)  # by which tests start servers
            http = stack.enter_context(http_server(state)).base
            without_sessions = stack.enter_context(http_server(state, "--stateless")).base
        yield Servers(python, line_of(python), state, http, without_sessions)


@contextlib.asynccontextmanager
async def connected(greeting: str, transport: AbstractAsyncContextManager[Any], host: Host) -> AsyncIterator[Any]:
    """A client that has begun, and the revision of the protocol that it talks."""
    if greeting == "discover":
        async with sdk.Client(transport, elicitation_callback=host.answer) as client:
            yield client, client.protocol_version
        return
    async with (
        transport as (read, write, *_),
        ClientSession(read, write, elicitation_callback=host.answer) as session,
    ):
        yield session, wire(await session.initialize())["protocolVersion"]


def wire(message: Any) -> Wire:
    content: Wire = message.model_dump(mode="json", by_alias=True, exclude_none=True)
    return content


def test_the_other_environment_has_the_other_line() -> None:
    if OTHER_PYTHON is None:
        pytest.skip("RECSYS_TEST_OTHER_PYTHON names no Python with the other line of the SDK")
    assert {line_of(OTHER_PYTHON), importlib.metadata.version("mcp").partition(".")[0]} == {"1", "2"}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("greeting", GREETINGS)
async def test_each_client_gets_everything_from_each_server(
    servers: Servers, films_settings: Settings, greeting: str, transport: str
) -> None:
    service = Service(films_settings, prepare_if_needed=False)  # what it answers, without a protocol
    expected = {name: await service.call(name, arguments) for name, arguments in CALLS.items()}
    recommended = await service.call(RECOMMEND, {"user": 98, "k": 3})
    await service.close()
    host = Host()
    async with connected(greeting, servers.transport(transport), host) as (client, revision):
        assert revision == (NEWEST[servers.line] if greeting == "discover" else "2025-11-25")
        first = wire(await client.call_tool(HISTORY, CALLS[HISTORY], progress_callback=host.see))
        assert first["structuredContent"] == expected[HISTORY]
        assert "opening ml-100k" in host.progress or transport != "stdio"  # other servers were there before

        assert {tool["name"] for tool in wire(await client.list_tools())["tools"]} == set(CALLS)
        results = await asyncio.gather(*(client.call_tool(name, arguments) for name, arguments in CALLS.items()))
        for (name, result), answer in zip(expected.items(), map(wire, results), strict=True):
            assert answer.get("structuredContent") == result, (name, answer)

        for prompt in wire(await client.list_prompts())["prompts"]:
            names = {argument["name"]: argument["required"] for argument in prompt.get("arguments", [])}
            given = {name: FILLED_IN[name] for name, required in names.items() if required or name in FILLED_IN}
            (message,) = wire(await client.get_prompt(prompt["name"], given))["messages"]
            assert all(value in message["content"]["text"] for value in given.values()), prompt["name"]

        uris = [resource["uri"] for resource in wire(await client.list_resources())["resources"]]
        templates = wire(await client.list_resource_templates())["resourceTemplates"]
        handle = expected[FILTER]["item_set"]
        for uri in [*uris, *(address(template["uriTemplate"], handle) for template in templates)]:
            (content,) = wire(await client.read_resource(uri))["contents"]
            assert content["uri"] == uri
            assert content["text"]
        with pytest.raises(Exception, match="set_nothing"):
            await client.read_resource("itemset://set_nothing")

        users = types.ResourceTemplateReference(type="ref/resource", uri="user://{id}")
        found = wire(await client.complete(users, {"name": "id", "value": "94"}))["completion"]
        assert found["values"] == ["94", "940", "941", "942", "943"]

        refused = wire(await client.call_tool(RECOMMEND, {"user": 5000}))
        assert refused["isError"]
        assert "viewer 5000 is not in ml-100k" in refused["content"][0]["text"]

        asked = wire(await client.call_tool(RECOMMEND, {"k": 3}))
        if transport == "http without sessions" and revision <= "2025-11-25":  # a server has nobody to ask there
            assert "for which viewer?" in asked["content"][0]["text"]
            assert host.questions == []
        else:
            assert asked["structuredContent"] == recommended
            assert host.questions == ["For which viewer?"]
