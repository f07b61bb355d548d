"""The server as a process: its stdout, its start with nothing prepared, several at once, damaged state."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.protocol.client import Session, stdio_session
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from tests.conftest import SHOP

ROOT = Path(__file__).resolve().parents[2]

RECOMMEND = "get_top_k_recommendations_tool"
SEARCH = "vector_store_search_tool"
FILTER = "item_filter_tool"
FIND_USERS, STATISTICS = "find_users_tool", "get_statistics_tool"

CALLS: list[tuple[str, dict[str, Any]]] = [
    (RECOMMEND, {"user": "anna", "reasons": True}),
    (FILTER, {"materials": "wooden", "price": {"lt": 30}}),
    (SEARCH, {"query": "something to play with"}),
    ("get_like_percentage_tool", {"items": ["TOY-01", "KIT-01"]}),
    ("get_popular_items_tool", {"user_group": ["gold"]}),
    ("get_user_metadata_tool", {"user": "chloé", "get": ["city", "tier"]}),
    ("get_item_metadata_tool", {"items": ["KIT-04"], "get": ["materials", "price"]}),
    ("get_interacted_items_tool", {"user": "ben"}),
    (FIND_USERS, {"items": ["KIT-04"]}),
    (STATISTICS, {"group_by": "department"}),
]


class RawServer:
    """A server, spoken to line by line; keeps all that it writes to stdout.

    Args:
        module: And its arguments, as after ``python -m``.
    """

    def __init__(self, module: list[str], log: Path, cwd: Path | None = None) -> None:
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                cwd=cwd,
                text=True,
                encoding="utf-8",
            )
        self.lines: list[str] = []
        self._n_requests = 0
        self._patience = threading.Timer(120, self.process.kill)  # rather than wait for ever
        self._patience.start()

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The answer's result."""
        self._n_requests += 1
        self._send({"id": self._n_requests, "method": method, "params": params})
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            answer = json.loads(line)
            if answer.get("id") == self._n_requests:
                result: dict[str, Any] = answer["result"]
                return result
        raise AssertionError(f"the server ended before it answered {method}")

    def initialize(self) -> dict[str, Any]:
        client = {"name": "test", "version": "1"}
        greeting = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
        result = self.request("initialize", greeting)
        self._send({"method": "notifications/initialized"})
        return result

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return self.request("tools/call", {"name": tool, "arguments": arguments})

    def finish(self) -> int:
        """Close the server's stdin, read what it still writes, and wait for its end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        if not self.process.stdout.closed:
            self.lines += self.process.stdout.readlines()
        code = self.process.wait()
        self._patience.cancel()
        self.process.stdout.close()
        return code


@contextlib.contextmanager
def raw_server(module: list[str], log: Path, cwd: Path | None = None) -> Iterator[RawServer]:
    server = RawServer(module, log, cwd)
    try:
        yield server
    finally:
        server.process.kill()
        server.finish()


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """The corner shop with searchable names."""
    shutil.copytree(SHOP, tmp_path / "dataset")
    with (tmp_path / "dataset" / "dataset.yaml").open("a", encoding="utf-8") as stream:
        stream.write("search: {texts: [name]}\n")
    return tmp_path / "dataset"


@pytest.fixture
def state(dataset: Path, tmp_path: Path) -> StateFolder:
    """The searchable shop, prepared."""
    settings = Settings(dataset=str(dataset), state=tmp_path / "state")
    prepare_with_progress(settings, Console(stderr=True))
    return StateFolder(settings.state_folder)


def serve(dataset: Path, folder: Path) -> list[str]:
    return ["serve", "--dataset", str(dataset), "--state", str(folder)]


@contextlib.asynccontextmanager
async def session(dataset: Path, state: StateFolder) -> AsyncIterator[Session]:
    async with stdio_session(serve(dataset, state.folder)) as opened:
        yield opened


async def content(session: Session, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    result = await session.call(tool, arguments)
    assert not result.get("isError"), result
    structured: dict[str, Any] = result["structuredContent"]
    return structured


async def refusal(session: Session, tool: str, arguments: dict[str, Any]) -> str:
    result = await session.call(tool, arguments)
    assert result["isError"]
    assert "structuredContent" not in result
    (block,) = result["content"]
    text: str = block["text"]
    assert "Traceback" not in text
    return text


def test_stdout_carries_only_the_protocol(dataset: Path, state: StateFolder, tmp_path: Path) -> None:
    with raw_server(["mcp_server", *serve(dataset, state.folder)], tmp_path / "log") as server:
        greeting = server.initialize()
        assert greeting["serverInfo"]["name"] == "recsys-mcp"
        assert greeting["protocolVersion"] == "2025-06-18"
        tools = server.request("tools/list", {})["tools"]
        assert {tool["name"] for tool in tools} == {name for name, _ in CALLS}
        for name, arguments in CALLS:
            assert not server.call(name, arguments)["isError"]
        assert server.call(RECOMMEND, {"user": "nobody"})["isError"]
        assert server.finish() == 0
    messages = [json.loads(line) for line in server.lines]
    assert len(messages) == 2 + len(CALLS) + 1
    assert {message["jsonrpc"] for message in messages} == {"2.0"}


def test_with_nothing_prepared_it_lists_its_tools_and_prepares(dataset: Path, tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    with raw_server(["mcp_server", *serve(dataset, state.folder)], tmp_path / "log") as server:
        assert "corner" in server.initialize()["instructions"].lower()
        tools = server.request("tools/list", {})["tools"]
        assert state.published() is None  # the tools were listed without waiting
        assert {tool["name"] for tool in tools} == {name for name, _ in CALLS}
        until = time.monotonic() + 120
        while (result := server.call(RECOMMEND, {"user": "anna"}))["isError"]:
            assert "being prepared" in result["content"][0]["text"]
            assert time.monotonic() < until
        assert len(result["structuredContent"]["items"]) == 5
        for name, arguments in CALLS:
            assert not server.call(name, arguments)["isError"]
        assert state.published() is not None
        assert server.finish() == 0
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in server.lines)


def test_a_preparation_that_fails_is_told_to_who_asks(dataset: Path, tmp_path: Path) -> None:
    with (dataset / "purchases.csv").open("a", encoding="utf-8") as stream:
        stream.write("anna,KIT-04,surplus\n")
    with raw_server(["mcp_server", *serve(dataset, tmp_path / "state")], tmp_path / "log") as server:
        server.initialize()
        for _ in range(2):
            result = server.call(RECOMMEND, {"user": "anna"})
            assert result["isError"]
            assert "purchases.csv, line 25: 3 columns instead of 2" in result["content"][0]["text"]
        assert server.request("tools/list", {})["tools"]
        assert server.finish() == 0


def test_a_client_that_leaves_during_the_preparation_ends_the_server(dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with raw_server(["mcp_server", *serve(dataset, folder)], tmp_path / "log") as server:
        server.initialize()
        while not list(folder.glob("*lock")):  # until the preparation has begun
            assert server.process.poll() is None
            time.sleep(0.02)
        assert server.finish() == 0
    until = time.monotonic() + 60
    while left := processes_in(tmp_path):
        assert time.monotonic() < until, left
        time.sleep(0.1)


def processes_in(folder: Path) -> list[list[str]]:
    """Command lines of the programs that work in a folder or name it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = process.cmdline()
            named = any(str(folder) in word for word in command)
            if process.pid != os.getpid() and (named or Path(process.cwd()).is_relative_to(folder)):
                found.append(command)
    return found


def test_serving_loads_nothing_of_training(state: StateFolder, tmp_path: Path) -> None:
    module = ["benchmarks.instrumented_server", str(state.folder)]
    with raw_server(module, tmp_path / "log", cwd=ROOT) as server:
        server.initialize()
        for name, arguments in CALLS:
            assert not server.call(name, arguments)["isError"]
        assert server.call("loaded", {})["structuredContent"]["message"] == "none"


async def test_several_servers_give_the_same_answers(dataset: Path, state: StateFolder) -> None:
    async with contextlib.AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(session(dataset, state)) for _ in range(3)]
        for name, arguments in CALLS:
            first, *others = await asyncio.gather(*(content(one, name, arguments) for one in sessions))
            assert others == [first, first]


async def test_two_tools_can_be_left_out(dataset: Path, state: StateFolder) -> None:
    async with stdio_session(serve(dataset, state.folder)) as opened:
        every = {tool["name"] for tool in await opened.list_tools()}
    variables = {"RECSYS_TOOLS": "eight"}
    async with stdio_session(serve(dataset, state.folder), variables) as opened:
        tools = await opened.list_tools()
        assert {tool["name"] for tool in tools} == every - {FIND_USERS, STATISTICS}
        assert not re.search(f"{FIND_USERS}|{STATISTICS}", json.dumps(tools))
        for name, arguments in CALLS:
            result = await opened.call(name, arguments)
            assert bool(result.get("isError")) == (name in (FIND_USERS, STATISTICS))


async def test_servers_read_each_others_item_sets(dataset: Path, state: StateFolder) -> None:
    async with session(dataset, state) as one, session(dataset, state) as other:
        for there, here, materials in ((one, other, "wood"), (other, one, "plastic")):
            found = await content(there, FILTER, {"materials": materials})
            listed = await content(
                here, "get_item_metadata_tool", {"item_set": found["item_set"], "get": ["materials"]}
            )
            assert listed["total"] == found["count"] > 0
            assert all(materials in item["materials"] for item in listed["items"])
            resource = await here.read(f"itemset://{found['item_set']}")
            whole = json.loads(resource["contents"][0]["text"])
            assert whole["items"] == [item["item_id"] for item in listed["items"]]
            again = await content(here, FILTER, {"materials": materials})
            assert again["item_set"] == found["item_set"]


async def assert_only_these_fail(dataset: Path, state: StateFolder, failing: set[str], said: str) -> None:
    async with session(dataset, state) as opened:
        for name, arguments in [*CALLS, *CALLS]:
            if name in failing:
                assert re.search(said, await refusal(opened, name, arguments))
            else:
                await content(opened, name, arguments)


async def test_without_a_model_only_recommending_and_finding_users_fail(dataset: Path, state: StateFolder) -> None:
    shutil.rmtree(state.part(state.manifest().model))
    await assert_only_these_fail(dataset, state, {RECOMMEND, FIND_USERS}, "no trained model.*recsys-mcp prepare")


async def test_with_corrupt_vectors_only_search_fails(dataset: Path, state: StateFolder) -> None:
    vectors = state.manifest().vectors
    assert vectors is not None
    for path in state.part(vectors).rglob("*"):
        if path.is_file():
            path.write_bytes(b"not a vector store")
    await assert_only_these_fail(dataset, state, {SEARCH}, "vector store.*recsys-mcp prepare")
