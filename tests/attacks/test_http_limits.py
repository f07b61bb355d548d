"""Attacks by clients that have not been authenticated yet: long and slow requests, silent connections, many
requests in one go, answers that nobody reads.
"""

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from mcp_server.http import bounded_http
from mcp_server.http.bounded_http import MOST_HEAD_BYTES, MOST_PIPELINED, BoundedHttp
from mcp_server.http.connections import Connections
from mcp_server.http.refusals import Refusals
from mcp_server.protocol.client import http_session
from mcp_server.settings import Settings
from tests.attacks.raw_http import Answer, ask, connect, rest
from tests.names import HISTORY
from tests.running_servers import GREETING, HttpServer, http_server, initialize, post

resource = pytest.importorskip("resource", reason="there is no limit of open files")

MOST_CONNECTIONS = 40

HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def state(films_settings: Settings) -> Path:
    return films_settings.state_folder


@pytest.fixture(scope="module")
def server(state: Path) -> Iterator[HttpServer]:
    with http_server(state, RECSYS_MAX_CONNECTIONS=str(MOST_CONNECTIONS)) as server:
        with server.client() as client:  # memory is compared with what it takes to answer
            name = initialize(client).headers["mcp-session-id"]
            asked = {"name": HISTORY, "arguments": {"user": 90}}
            assert post(client, "mcp", 2, "tools/call", asked, mcp_session_id=name).status_code == 200
        yield server
        assert server.end() == 0
        assert not any("Traceback" in line or " ERROR " in line for line in server.log)


def send_until_refused(connection: socket.socket, chunk: bytes, most: int = 2**27) -> int:
    """Number of bytes sent before the server refused more."""
    sent = 0
    with contextlib.suppress(OSError):
        while sent < most:
            connection.sendall(chunk)
            sent += len(chunk)
    return sent


# On a running server


@pytest.mark.parametrize(
    ("begins", "goes_on", "status"),
    [
        (b"GET /", b"a" * 65536, 414),
        (HEAD + b"X: ", b"a" * 65536, 431),
        (HEAD, b"a" * 65536, 431),
        (HEAD, b"X: y\r\n" * 10000, 431),
        (b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"a" * 65536, None),
        (b"", b"\r\n" * 32768, 431),
        (b"", b"a" * 65536, 400),
        (b"", b"\0" * 65536, 400),
    ],
)
def test_an_endless_head_is_refused_at_once(
    server: HttpServer, begins: bytes, goes_on: bytes, status: int | None
) -> None:
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    with connect(server) as connection:
        connection.sendall(begins)
        sent = send_until_refused(connection, goes_on)
    assert sent < 2**26
    assert process.memory_info().rss - before < 2**25
    with connect(server) as connection:  # and is told so, where it listens
        connection.sendall(begins + goes_on * 2)
        answer = rest(connection)
    if status is None:
        assert answer.raw == b""
    else:
        assert answer.status == status
        assert answer.headers["connection"] == "close"
        assert answer.json["error_description"]


@pytest.mark.parametrize(("n_bytes", "status"), [(MOST_HEAD_BYTES - 200, 200), (MOST_HEAD_BYTES, 431)])
def test_header_fields_have_64_kib(server: HttpServer, n_bytes: int, status: int) -> None:
    for fields in (b"X: " + b"a" * n_bytes + b"\r\n", b"X: a\r\n" * (n_bytes // 6)):
        answer = ask(server, HEAD + b"Connection: close\r\n" + fields + b"\r\n")
        assert answer.status == status


@pytest.mark.parametrize(("n_bytes", "status"), [(MOST_HEAD_BYTES - 20, 200), (MOST_HEAD_BYTES, 414)])
def test_a_target_has_64_kib(server: HttpServer, n_bytes: int, status: int) -> None:
    target = b"/health?" + b"a" * n_bytes
    answer = ask(server, b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.status == status


def test_what_is_refused_is_counted_and_does_not_fill_the_log(server: HttpServer) -> None:
    before = len(server.log)
    for _ in range(200):
        assert ask(server, HEAD + b"X: " + b"a" * MOST_HEAD_BYTES + b"\r\n\r\n").status == 431
    with server.client() as client:
        page = client.get("metrics").text
    found = re.search(r'recsys_refused_total\{reason="head"\} (\S+)', page)
    assert found is not None
    assert float(found[1]) >= 200
    assert len(server.log) - before < 100
    assert any(re.search(r"refused: 127\.0\.0\.1: the \w.+ may have 65,536 bytes", line) for line in server.log)


@contextlib.contextmanager
def silent_sockets(server: HttpServer, number: int) -> Iterator[list[socket.socket]]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number + 200:
        if hard != resource.RLIM_INFINITY and hard < number + 200:
            pytest.skip(f"this process may not open {number} files")
        resource.setrlimit(resource.RLIMIT_NOFILE, (number + 200, hard))
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connect(server)) for _ in range(number)]


async def test_at_400_silent_sockets_a_client_is_served_as_before(server: HttpServer) -> None:
    """The sockets are ten times as many as the server may have connections."""
    with silent_sockets(server, 400) as silent:
        for connection in silent[::2]:
            with contextlib.suppress(OSError):
                connection.sendall(HEAD)  # and no more
        for endpoint in ("mcp", "sse"):
            async with http_session(f"{server.base}/{endpoint}") as session:
                for _ in range(5):
                    assert not (await session.call(HISTORY, {"user": 90}))["isError"]


def test_at_2000_silent_sockets_with_the_settings_as_they_are(state: Path) -> None:
    with http_server(state) as server, silent_sockets(server, 2000), server.client() as client:
        assert initialize(client).status_code == 200
        assert "recsys_connections 1024.0" in client.get("metrics").text


def test_few_files_mean_few_connections_and_no_client_is_reset(state: Path) -> None:
    """Without a free file descriptor a server could only close new connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    command = ["sh", "-c", 'ulimit -n 300; exec "$0" "$@"']
    with limited_files(state, command) as server, silent_sockets(server, 400), server.client() as client:
        name = initialize(client).headers["mcp-session-id"]
        asked = {"name": HISTORY, "arguments": {"user": 90}}
        for _ in range(5):
            assert post(client, "mcp", 2, "tools/call", asked, mcp_session_id=name).status_code == 200
        assert any("no more than 300 files" in line for line in server.log)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] == hard
    assert soft <= hard


@contextlib.contextmanager
def limited_files(state: Path, command: list[str]) -> Iterator[HttpServer]:
    import subprocess

    original = subprocess.Popen

    def popen(words: list[str], **options: Any) -> "subprocess.Popen[str]":
        return original([*command, *words], **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", popen)
        stack = contextlib.ExitStack()
        server = stack.enter_context(http_server(state))
    with stack:
        yield server


def test_calls_in_one_go_of_a_client_that_left_are_dropped(server: HttpServer) -> None:
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    with server.client() as client:
        name = initialize(client).headers["mcp-session-id"]
    body = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": HISTORY, "arguments": {"user": 90}}}
    )
    call = (
        f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: application/json, text/event-stream\r\n"
        f"Mcp-Session-Id: {name}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    for _ in range(20):
        with connect(server) as connection, contextlib.suppress(OSError):
            connection.sendall(call.encode() * 4000)
    with server.client() as client:
        page = client.get("metrics").text
    found = re.search(rf'recsys_calls_total\{{outcome="ok",tool="{HISTORY}"\}} (\S+)', page)
    assert found is not None
    assert float(found[1]) < 20 * (MOST_PIPELINED + 2) + 100
    assert process.memory_info().rss - before < 2**26


def test_messages_of_a_stream_that_has_ended_leave_no_traceback(server: HttpServer) -> None:
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(server.client())
        stream = stack.enter_context(stack.enter_context(server.client()).stream("GET", "sse"))
        events = (line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: "))
        path = next(events)
        assert post(client, path, 0, "initialize", GREETING).status_code == 202
        next(events)
        body = json.dumps(
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": HISTORY, "arguments": {"user": 90}}}
        )
        message = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        senders = [stack.enter_context(connect(server)) for _ in range(MOST_CONNECTIONS // 2)]
        for sender in senders:
            sender.sendall(message * 10)
    with server.client() as client:
        assert initialize(client).status_code == 200


NO_MESSAGES = {
    "nothing": b"",
    "half": b"{",
    "list": b"[]",
    "null": b"null",
    "not UTF-8": b"\xff\xfe",
    "long number": b"1" * 5000,
    "deep lists": b"[" * 60_000,
    "deep objects": b'{"a":' * 60_000,
    "no method": b'{"jsonrpc": "2.0"}',
    "wrong types": b'{"jsonrpc": "2.0", "id": {}, "method": 1}',
    "controls": b'{"jsonrpc": "2.0", "id": 1, "method": ["\\u001b[2J"]}',
}


@pytest.mark.parametrize("body", NO_MESSAGES.values(), ids=NO_MESSAGES.keys())
def test_what_is_no_message_is_refused_without_a_traceback(server: HttpServer, body: bytes) -> None:
    """Tracebacks are looked for when the server of this module has ended."""
    json_type = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    with server.client() as client, server.client() as other, other.stream("GET", "sse") as stream:
        events = (line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: "))
        path = next(events)
        name = {"Mcp-Session-Id": initialize(client).headers["mcp-session-id"]}
        for place, headers in ((path, {}), ("mcp", {}), ("mcp", name), ("mcp", {"MCP-Protocol-Version": "2026-07-28"})):
            refused = client.post(place, content=body, headers={**json_type, **headers})
            assert refused.status_code == 400, place
        assert post(client, path, 1, "initialize", GREETING).status_code == 202  # the session goes on
        assert "recsys-mcp" in next(events)


# On a connection of its own, with times of a test


@contextlib.asynccontextmanager
async def served(
    app: Callable[[Scope, Receive, Send], Any], most: int = 100
) -> AsyncIterator[tuple[int, Connections, list[str]]]:
    """The port, the connections and the reasons of refusals of an application that is served by this protocol."""
    connections, refused = Connections(most), []
    state = ServerState()
    config = uvicorn.Config(app, ws="none", log_config=None, access_log=False, timeout_keep_alive=75)
    config.load()
    protocol = partial(
        BoundedHttp,
        config=config,
        server_state=state,
        app_state={},
        connections=connections,
        refusals=Refusals(refused.append),
    )
    listener = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1], connections, refused  # type: ignore[misc]
        for connection in list(state.connections):
            connection.shutdown()
        async with asyncio.timeout(30):
            while state.connections or state.tasks:  # noqa: ASYNC110 - as uvicorn itself does
                await asyncio.sleep(0.01)
    assert len(connections) == connections.refused == 0


async def plain(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def everything(reader: asyncio.StreamReader) -> Answer:
    async with asyncio.timeout(30):
        return Answer(await reader.read())


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD_SECONDS", "UNREAD_SECONDS", "LINGER_SECONDS"):
        monkeypatch.setattr(bounded_http, name, 0.1)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"", None), (b"G", 408), (HEAD, 408), (HEAD + b"X: y", 408), (HEAD + b"\r\n" + HEAD, 408), (b"\r\n", 408)],
)
async def test_a_head_that_does_not_come_is_not_waited_for(sent: bytes, status: int | None) -> None:
    async with served(plain) as (port, _, refused):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        answer = await everything(reader)
        if status is None:
            assert answer.raw == b""
        else:
            last = Answer(answer.raw[answer.raw.rindex(b"HTTP/1.1") :])
            assert last.status == status
            assert last.json["error"] == "request_timeout"
            assert refused == ["slow"]
        writer.close()


@pytest.mark.usefixtures("soon")
async def test_a_connection_that_has_been_answered_may_rest_longer_than_a_head_may_take() -> None:
    async with served(plain) as (port, _, refused):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(HEAD + b"\r\n")
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.15)  # more than a head may take
        writer.close()
        assert refused == []


@pytest.mark.usefixtures("soon")
async def test_bytes_behind_a_request_do_not_end_its_answer() -> None:
    go_on = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await go_on.wait()
        await plain(scope, receive, send)

    async with served(slow) as (port, _, _refused):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"\r\n\r\n")
        await asyncio.sleep(0.2)
        go_on.set()
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.usefixtures("soon")
async def test_the_rest_of_a_body_that_nobody_waits_for_has_its_time() -> None:
    async with served(plain) as (port, _, _refused):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc")
        answer = await everything(reader)
        assert answer.body == b"ok"
        writer.close()


@pytest.mark.usefixtures("soon")
async def test_an_answer_that_is_not_read_is_given_up() -> None:
    ended = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        sent = 0
        while (await asyncio.wait_for(_disconnected(receive), None)) is False:
            await send({"type": "http.response.body", "body": b"a" * 65536, "more_body": True})
            sent += 65536
            assert sent < 2**27
        ended.set()

    async def _disconnected(receive: Receive) -> bool:
        waiting = asyncio.ensure_future(receive())
        done, _ = await asyncio.wait([waiting], timeout=0)
        if not done:
            waiting.cancel()
            return False
        return bool((await waiting)["type"] == "http.disconnect")

    async with served(endless) as (port, _, refused):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(HEAD + b"\r\n")
        async with asyncio.timeout(30):
            await ended.wait()
        assert refused == ["slow"]
        connection.close()


async def test_beyond_the_cap_one_is_told_to_come_again() -> None:
    begun: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def held(scope: Scope, receive: Receive, send: Send) -> None:
        begun.put_nowait(go_on := asyncio.Event())
        await go_on.wait()
        await plain(scope, receive, send)

    async with served(held, most=3) as (port, connections, refused):
        busy = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for _, writer in busy:
            writer.write(HEAD + b"\r\n")
        answers = [await begun.get() for _ in busy]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"\r\n")  # which is not lost because of what still comes
        answer = await everything(reader)
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["connection"] == "close"
        assert "3 connections are open" in answer.json["error_description"]
        writer.close()
        assert refused == ["connections"]
        for go_on in answers:
            go_on.set()
        for reader, _ in busy:
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)  # one that was answered gives way
        writer.write(HEAD + b"\r\n")
        (await begun.get()).set()
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        assert len(connections) <= 3
        for _, each in [*busy, (reader, writer)]:
            each.close()


@pytest.mark.parametrize("number", [2, MOST_PIPELINED + 1])
async def test_some_requests_in_one_go_are_answered_in_order(number: int) -> None:
    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        body = scope["path"].encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    async with served(echo) as (port, _, refused):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"".join(b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % each for each in range(number)))
        raw = b""
        while raw.count(b"HTTP/1.1 200") < number or not raw.endswith(b"/%d" % (number - 1)):
            raw += await reader.read(65536)
        assert [int(each) for each in re.findall(rb"\r\n\r\n/(\d+)", raw)] == list(range(number))
        assert refused == []
        writer.close()


async def test_more_requests_in_one_go_end_the_connection_after_those_that_wait() -> None:
    n_begun = 0

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal n_begun
        n_begun += 1
        await asyncio.sleep(0)
        await plain(scope, receive, send)

    async with served(counted) as (port, _, refused):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write((HEAD + b"\r\n") * 4000)
        answer = await everything_or_reset(reader)
        assert n_begun == MOST_PIPELINED + 1
        assert answer.raw.count(b"HTTP/1.1 200") <= n_begun
        assert refused == ["pipelined"]
        writer.close()


async def everything_or_reset(reader: asyncio.StreamReader) -> Answer:
    raw = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(30):
            while chunk := await reader.read(65536):
                raw += chunk
    return Answer(raw)


async def test_of_a_client_that_left_nothing_that_waits_is_begun() -> None:
    told, begun = asyncio.Event(), asyncio.Queue[str]()

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        begun.put_nowait(scope["path"])
        await receive()
        while (await receive())["type"] != "http.disconnect":
            pass
        told.set()

    async with served(waits) as (port, _, _refused):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write((HEAD + b"\r\n") * 5)
        await begun.get()
        writer.transport.abort()
        async with asyncio.timeout(30):
            await told.wait()  # the one that runs hears of it, though it is not the last
        assert begun.empty()
