"""A server that is asked to stop, over every transport: running calls finish, and open streams end properly.

A call that takes long is one that waits for the first preparation of its dataset, which trains a model.
"""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from mcp_server.protocol.client import http_session
from mcp_server.settings import Settings
from tests.conftest import SHOP
from tests.names import HISTORY, RECOMMEND
from tests.running_servers import GREETING, PATIENCE_SECONDS, HttpServer, http_server, initialize, own_environment, post

SIGNALS = [signal.SIGTERM, signal.SIGINT]


@pytest.fixture(scope="module")
def state(shop_settings: Settings) -> Path:
    return shop_settings.state_folder


@contextlib.contextmanager
def preparing_server(folder: Path, **variables: str) -> Iterator[HttpServer]:
    """A server with nothing prepared, whose first call waits."""
    with http_server(folder / "state", RECSYS_DATASET=str(SHOP), **variables) as server:
        yield server


def running(server: HttpServer) -> float:
    with server.client() as client:
        lines = client.get("metrics").text.splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("recsys_calls_running ")))


def wait_for_calls(server: HttpServer, number: int) -> None:
    """Wait until the given number of calls run."""
    until = time.monotonic() + PATIENCE_SECONDS
    while running(server) != number:
        assert time.monotonic() < until
        time.sleep(0.02)


def wait_for_stopping(client: httpx.Client) -> httpx.Response:
    """Wait until the server says that it is stopping; its answer about readiness."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (ready := client.get("ready")).json() != {"ready": False, "checks": {"server": "stopping"}}:
        assert time.monotonic() < until
        time.sleep(0.01)
    return ready


def wait_for_refusal(server: HttpServer) -> None:
    """Wait until no new connection is accepted."""
    until = time.monotonic() + PATIENCE_SECONDS
    with contextlib.suppress(httpx.ConnectError):
        while time.monotonic() < until:
            with server.client() as new:
                new.get("health")
        pytest.fail("new connections are still taken")


@contextlib.contextmanager
def running_call(server: HttpServer) -> Iterator["tuple[str, Future[httpx.Response]]"]:
    """A session with a running call."""
    arguments = {"name": RECOMMEND, "arguments": {"user": "anna"}}
    with server.client() as client, ThreadPoolExecutor() as threads:
        name = initialize(client).headers["mcp-session-id"]
        call = threads.submit(post, client, "mcp", 2, "tools/call", arguments, mcp_session_id=name)
        wait_for_calls(server, 1)
        yield name, call


def is_whole(answer: dict[str, Any]) -> bool:
    """Whether a call was done, as far as preparation allowed."""
    text: str = answer["content"][0]["text"]
    return "is being prepared" in text if answer["isError"] else len(answer["structuredContent"]["items"]) == 5


# With nothing to finish


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(("transport", "option"), [("http", None), ("sse", None), ("streamable-http", "--stateless")])
def test_an_idle_server_ends_well(state: Path, transport: str, option: str | None, number: int) -> None:
    with http_server(state, *([option] if option else []), transport=transport) as server:
        assert server.end(number) == 0
        assert [line for line in server.log if "Traceback" in line or "ERROR" in line] == []
        with pytest.raises(httpx.ConnectError), server.client() as client:
            client.get("health")


@pytest.mark.parametrize("number", SIGNALS)
def test_open_streams_end_properly_and_are_not_waited_for(state: Path, number: int) -> None:
    """The calls wait for a day, which is more than any test has."""
    with http_server(state, RECSYS_SHUTDOWN_TIMEOUT="86400") as server, server.client() as client:
        name = initialize(client).headers["mcp-session-id"]
        headers = {"Accept": "text/event-stream", "Mcp-Session-Id": name}
        with client.stream("GET", "mcp", headers=headers) as one, client.stream("GET", "sse") as other:
            assert one.status_code == other.status_code == 200
            events = other.iter_raw()
            assert b"endpoint" in next(events)
            assert server.end(number) == 0
            assert b"".join(one.iter_raw()) == b""  # raises where the last chunk is missing
            assert b"".join(events) == b""
        assert [line for line in server.log if "Traceback" in line or "ERROR" in line] == []


async def test_clients_with_open_sessions_do_not_keep_it(state: Path) -> None:
    with http_server(state, RECSYS_SHUTDOWN_TIMEOUT="86400") as server:
        async with contextlib.AsyncExitStack() as stack:
            sessions = [
                await stack.enter_async_context(http_session(f"{server.base}/{endpoint}"))
                for endpoint in ("mcp", "mcp", "sse", "sse")
            ]
            for session in sessions:
                assert not (await session.call(HISTORY, {"user": "anna"}))["isError"]
            assert await asyncio.to_thread(server.end) == 0


# While a call runs


@pytest.mark.parametrize("endpoint", ["mcp", "sse"])
async def test_a_running_call_is_finished(tmp_path: Path, endpoint: str) -> None:
    with preparing_server(tmp_path) as server:
        async with http_session(f"{server.base}/{endpoint}") as session:
            await session.list_tools()  # else the client asks for them afterwards, to check the result
            call = asyncio.create_task(session.call(RECOMMEND, {"user": "anna"}))
            await asyncio.to_thread(wait_for_calls, server, 1)
            server.process.send_signal(signal.SIGTERM)
            assert is_whole(await call)
            assert await asyncio.to_thread(server.wait) == 0
        (line,) = (line for line in server.log if "mcp_server.access" in line)
        assert "outcome=ok" in line or "outcome=unavailable" in line


def test_while_stopping_it_is_alive_not_ready_and_takes_no_calls(tmp_path: Path) -> None:
    """Readiness is asked over connections that were open before, because no new ones are accepted."""
    with (
        preparing_server(tmp_path) as server,
        running_call(server) as (name, call),
        server.client() as client,
    ):
        assert client.get("health").status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert wait_for_stopping(client).status_code == 503
        assert client.get("health").status_code == 200
        late = {"name": HISTORY, "arguments": {"user": "ben"}}
        assert "the server is stopping" in post(client, "mcp", 3, "tools/call", late, mcp_session_id=name).text
        wait_for_refusal(server)
        data = next(line for line in call.result().text.splitlines() if line.startswith("data: "))
        assert is_whole(json.loads(data.removeprefix("data: "))["result"])
        assert server.wait() == 0


def test_a_call_that_does_not_end_in_time_is_given_up(tmp_path: Path) -> None:
    with (
        preparing_server(tmp_path, RECSYS_SHUTDOWN_TIMEOUT="0.1") as server,
        running_call(server) as (_, call),
    ):
        server.process.send_signal(signal.SIGTERM)
        assert "result" not in call.result().text  # a whole answer of HTTP, without an answer of the call
        assert server.wait() == 0
    (line,) = (line for line in server.log if "mcp_server.access" in line)
    assert "outcome=cancelled" in line
    assert left_behind(tmp_path) == []


def test_a_call_over_sse_that_does_not_end_in_time_is_given_up(tmp_path: Path) -> None:
    with (
        preparing_server(tmp_path, RECSYS_SHUTDOWN_TIMEOUT="0.1") as server,
        server.client() as client,
        client.stream("GET", "sse") as stream,
    ):
        events = (line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: "))
        path = next(events)
        post(client, path, 1, "initialize", GREETING)
        next(events)
        client.post(path, json={"jsonrpc": "2.0", "method": "notifications/initialized"})
        post(client, path, 2, "tools/call", {"name": RECOMMEND, "arguments": {"user": "anna"}})
        wait_for_calls(server, 1)
        server.process.send_signal(signal.SIGTERM)
        assert [event for event in events if "result" in event] == []
        assert server.wait() == 0
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_ends_it_at_once(tmp_path: Path, number: int) -> None:
    with (
        preparing_server(tmp_path, RECSYS_SHUTDOWN_TIMEOUT="86400") as server,
        running_call(server) as (_, call),
        server.client() as client,
    ):
        client.get("health")
        server.process.send_signal(number)
        wait_for_stopping(client)
        server.process.send_signal(number)
        assert server.wait() == -number
        assert isinstance(call.exception(), httpx.HTTPError)


def left_behind(folder: Path) -> list[list[str]]:
    """Command lines of the programs that name a folder, once they have had time to end."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if any(str(folder) in word for word in process.cmdline()):
                    found.append(process.cmdline())
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.05)


# Over stdio


class StdioServer:
    """A server over stdin and stdout, spoken to line by line."""

    def __init__(self, options: list[object], log: Path, variables: dict[str, str]) -> None:
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mcp_server", "serve", *map(str, options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                encoding="utf-8",
                env=own_environment(variables),
            )
        self._patience = threading.Timer(PATIENCE_SECONDS, self.process.kill)
        self._patience.start()

    def send(self, *messages: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in messages))
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        message: dict[str, Any] = json.loads(self.process.stdout.readline())
        return message

    def rest(self) -> list[dict[str, Any]]:
        assert self.process.stdout is not None
        return [json.loads(line) for line in self.process.stdout]

    def close(self) -> None:
        self._patience.cancel()
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()


@contextlib.contextmanager
def stdio_server(options: list[object], tmp_path: Path, **variables: str) -> Iterator[StdioServer]:
    server = StdioServer(options, tmp_path / "log", variables)
    try:
        yield server
    finally:
        server.close()


OPENING = [{"id": 1, "method": "initialize", "params": GREETING}, {"method": "notifications/initialized"}]


def call(number: int, tool: str, **arguments: object) -> dict[str, Any]:
    return {"id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


LIST = {"id": 99, "method": "tools/list", "params": {}}


@pytest.mark.parametrize("number", SIGNALS)
def test_over_stdio_an_idle_server_ends_although_its_client_says_nothing(
    state: Path, tmp_path: Path, number: int
) -> None:
    with stdio_server(["--state", state], tmp_path, RECSYS_SHUTDOWN_TIMEOUT="86400") as server:
        server.send(*OPENING)
        assert server.receive()["id"] == 1
        server.process.send_signal(number)
        assert server.process.wait() == 0
        assert server.rest() == []
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_over_stdio_a_running_call_is_finished(tmp_path: Path) -> None:
    options: list[object] = ["--state", tmp_path / "state", "--dataset", SHOP]
    with stdio_server(options, tmp_path) as server:
        server.send(*OPENING, call(2, RECOMMEND, user="anna"), LIST)
        assert [server.receive()["id"], server.receive()["id"]] == [1, 99]  # and the call has begun
        server.process.send_signal(signal.SIGTERM)
        (answer,) = server.rest()
        assert answer["id"] == 2
        assert is_whole(answer["result"])
        assert server.process.wait() == 0
    assert left_behind(tmp_path) == []


def test_over_stdio_a_call_that_does_not_end_in_time_is_given_up(tmp_path: Path) -> None:
    options: list[object] = ["--state", tmp_path / "state", "--dataset", SHOP]
    with stdio_server(options, tmp_path, RECSYS_SHUTDOWN_TIMEOUT="0.1") as server:
        server.send(*OPENING, call(2, RECOMMEND, user="anna"), LIST)
        assert [server.receive()["id"], server.receive()["id"]] == [1, 99]
        server.process.send_signal(signal.SIGTERM)
        assert all("result" not in answer for answer in server.rest())
        assert server.process.wait() == 0
    assert left_behind(tmp_path) == []
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_over_stdio_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    options: list[object] = ["--state", tmp_path / "state", "--dataset", SHOP]
    with stdio_server(options, tmp_path, RECSYS_SHUTDOWN_TIMEOUT="86400") as server:
        server.send(*OPENING, call(2, RECOMMEND, user="anna"), LIST)
        assert [server.receive()["id"], server.receive()["id"]] == [1, 99]
        server.process.send_signal(signal.SIGTERM)
        server.send(call(3, HISTORY, user="ben"))
        assert "the server is stopping" in server.receive()["result"]["content"][0]["text"]
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait() == -signal.SIGTERM


def test_what_was_asked_before_the_end_of_stdin_is_answered(state: Path, tmp_path: Path) -> None:
    """Input comes from a pipe: printf '...' | recsys-mcp serve."""
    asked = [call(number, HISTORY, user="anna", k=1) for number in range(2, 30)]
    with stdio_server(["--state", state], tmp_path) as server:
        server.send(*OPENING, *asked)
        assert server.process.stdin is not None
        server.process.stdin.close()
        answers = {answer["id"]: answer for answer in server.rest()}
        assert sorted(answers) == list(range(1, 30))
        assert all(not answers[message["id"]]["result"]["isError"] for message in asked)
        assert server.process.wait() == 0


def test_a_client_that_does_not_read_is_given_up(state: Path, tmp_path: Path) -> None:
    """The pipe is full, so the answer that is being written does not get out."""
    asked = [call(number, HISTORY, user="anna", k=5) for number in range(2, 500)]
    with stdio_server(["--state", state], tmp_path, RECSYS_SHUTDOWN_TIMEOUT="0.1") as server:
        server.send(*OPENING, *asked)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait() == 0
