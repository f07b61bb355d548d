"""The MCP Inspector's command line asks for everything that the server has, on every transport.

Its answers are those that our own client gets; what they should be is tested elsewhere.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest

from mcp_server.protocol.client import http_session
from mcp_server.settings import Settings
from tests.clients.calls import CALLS, FILLED_IN, address
from tests.clients.npm import program, run_node
from tests.names import FILTER
from tests.running_servers import HttpServer

T = TypeVar("T")

Wire = dict[str, Any]

AT_ONCE = 4
"""Upper bound on Inspectors at once: each is a process, and over stdio has a server of its own."""

CONNECT_MS = 60_000
"""Time for a server to start while many other processes do."""


@dataclass(frozen=True)
class Inspector:
    """The Inspector connected to a server.

    Args:
        target: Its first arguments: the server's address or command.
        asks_all: Whether it asks for each thing of a kind. Each request starts an Inspector, and over stdio a server,
            so a few stand for all, which one transport shows to be answered.
    """

    target: tuple[str, ...]
    home: Path
    asks_all: bool

    def chosen(self, things: Sequence[T]) -> list[T]:
        """A list that the Inspector asks for."""
        return list(things) if self.asks_all else [things[0], things[-1]]

    def ask(self, method: str, *options: str) -> Wire:
        """The result of a request."""
        answered = self._run(method, *options)
        assert answered.returncode == 0, answered.stderr
        result: Wire = json.loads(answered.stdout)["result"]
        return result

    def refusal(self, method: str, *options: str) -> str:
        """The error message of a failed request."""
        answered = self._run(method, *options)
        assert answered.returncode != 0
        text: str = json.loads(answered.stderr)["error"]["message"]
        return text

    def _run(self, method: str, *options: str) -> Any:
        asked = ("--method", method, "--format", "json", "--quiet", "--connect-timeout", CONNECT_MS, *options)
        return run_node(program("mcp-inspector"), "--cli", *self.target, *asked, home=self.home)


@pytest.fixture(scope="module", params=["stdio", "sse", "streamable HTTP"])
def inspector(request: pytest.FixtureRequest, server: HttpServer, films_settings: Settings, home: Path) -> Inspector:
    targets = {
        "stdio": (sys.executable, "-m", "mcp_server", "serve", "--state", str(films_settings.state_folder)),
        "sse": (f"{server.base}/sse",),
        "streamable HTTP": (f"{server.base}/mcp", "--protocol-era", "auto"),  # the newest that both know
    }
    return Inspector(targets[request.param], home, asks_all=request.param == "streamable HTTP")


@pytest.fixture(scope="module")
def at_once() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield pool


@pytest.fixture(scope="module")
def tools(server: HttpServer) -> list[Wire]:
    """The lists that our own client gets."""

    async def ask() -> list[Wire]:
        async with http_session(f"{server.base}/mcp") as session:
            return await session.list_tools()

    return anyio.run(ask)


@pytest.fixture(scope="module")
def answers(server: HttpServer) -> dict[str, Wire]:
    """The results of all tools that our own client gets."""

    async def ask() -> dict[str, Wire]:
        async with http_session(f"{server.base}/mcp") as session:
            return {name: await session.call(name, arguments) for name, arguments in CALLS.items()}

    return anyio.run(ask)


def contents(server: HttpServer, addresses: list[str]) -> list[list[Wire]]:
    """The contents that our own client reads."""

    async def read() -> list[list[Wire]]:
        async with http_session(f"{server.base}/mcp") as session:
            return [(await session.read(each))["contents"] for each in addresses]

    return anyio.run(read)


def test_every_tool_is_listed_and_called(
    inspector: Inspector, at_once: ThreadPoolExecutor, tools: list[Wire], answers: dict[str, Wire]
) -> None:
    def call(name: str, arguments: Wire) -> Wire:
        return inspector.ask("tools/call", "--tool-name", name, "--tool-args-json", json.dumps(arguments))

    called = {name: at_once.submit(call, name, CALLS[name]) for name in inspector.chosen(list(CALLS))}
    assert inspector.ask("tools/list", "--strict")["tools"] == tools  # strict: no schema that a host may refuse
    assert {tool["name"] for tool in tools} == set(CALLS)
    for name, call_ in called.items():
        answered = call_.result()
        assert answered["structuredContent"] == answers[name]["structuredContent"], name
        assert answered["content"] == answers[name]["content"], name
        assert not answered.get("isError", False), name


def test_arguments_typed_by_hand_are_understood(inspector: Inspector, answers: dict[str, Wire]) -> None:
    typed = ["actors=Tom Cruize", 'imdb_rating={"gt": 6}', "match=all"]
    answered = inspector.ask("tools/call", "--tool-name", FILTER, "--tool-arg", *typed)
    assert answered["structuredContent"] == answers[FILTER]["structuredContent"]


def test_every_prompt_is_listed_and_written_out(inspector: Inspector, at_once: ThreadPoolExecutor) -> None:
    prompts = inspector.chosen(inspector.ask("prompts/list")["prompts"])

    def write(prompt: Wire) -> tuple[dict[str, str], Wire]:
        names = {argument["name"]: argument.get("required", False) for argument in prompt.get("arguments", [])}
        given = {name: FILLED_IN[name] for name, required in names.items() if required or name in FILLED_IN}
        pairs = [f"{name}={value}" for name, value in given.items()]
        filled_in = ("--prompt-args", *pairs) if pairs else ()
        return given, inspector.ask("prompts/get", "--prompt-name", prompt["name"], *filled_in)

    for prompt, (given, written) in zip(prompts, at_once.map(write, prompts), strict=True):
        (message,) = written["messages"]
        assert (message["role"], message["content"]["type"]) == ("user", "text")
        assert written["description"] == prompt["description"]
        for value in given.values():
            assert value in message["content"]["text"], prompt["name"]


def test_every_resource_is_listed_and_read(
    inspector: Inspector, at_once: ThreadPoolExecutor, server: HttpServer, answers: dict[str, Wire]
) -> None:
    handle = answers[FILTER]["structuredContent"]["item_set"]
    listed = [resource["uri"] for resource in inspector.ask("resources/list")["resources"]]
    templates = [each["uriTemplate"] for each in inspector.ask("resources/templates/list")["resourceTemplates"]]
    assert "itemset://{handle}" in templates
    addresses = inspector.chosen([*listed, *(address(template, handle) for template in templates)])
    read = at_once.map(lambda uri: inspector.ask("resources/read", "--uri", uri), addresses)
    for uri, found, expected in zip(addresses, read, contents(server, addresses), strict=True):
        assert found["contents"] == expected, uri
        assert found["contents"][0]["uri"] == uri


def test_what_is_not_there_is_said(inspector: Inspector) -> None:
    assert "set_nothing" in inspector.refusal("resources/read", "--uri", "itemset://set_nothing")
    assert "there is no prompt 'nothing'" in inspector.refusal("prompts/get", "--prompt-name", "nothing")
