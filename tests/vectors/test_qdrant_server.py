"""What a Qdrant server's failures tell, and who gets in: over real sockets, with servers that are none."""

import asyncio
import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from mcp_server.errors import BackendError
from mcp_server.vectors import qdrant_server
from mcp_server.vectors.qdrant_collections import QdrantCollections
from mcp_server.vectors.qdrant_server import QdrantServer
from mcp_server.vectors.qdrant_server_store import QdrantServerStore
from mcp_server.vectors.store import Point
from tests.vectors.points import POINTS, QUERIES
from tests.vectors.qdrant_over_http import POLL_SECONDS, QdrantOverHttp
from tests.vectors.servers import NAME, check_points, open_store, write_points

KEY, PASSWORD = "a-very-secret-key", "hush-hush"


async def _refusals(server: QdrantServer) -> list[str]:
    """What each way of asking says, where nothing can be asked of a server."""
    said = []
    collections, store = QdrantCollections(server, "recsys"), QdrantServerStore(server, "recsys-x")
    for act in (
        collections.version,
        lambda: collections.exists(NAME),
        lambda: check_points(collections),
        lambda: write_points(collections),
        lambda: collections.publish(NAME),
        lambda: collections.discard(NAME),
        lambda: collections.keep_only([]),
    ):
        with pytest.raises(BackendError) as refused:
            await asyncio.to_thread(act)
        said.append(str(refused.value))
    for ask in (lambda: store.search(QUERIES[0], 5, [1], [2]), lambda: store.stored(1), store.count):
        with pytest.raises(BackendError) as refused:
            await ask()
        said.append(str(refused.value))
    collections.close()
    await store.close()
    return said


@contextlib.contextmanager
def _answering(code: int, body: bytes, headers: dict[str, str] | None = None) -> Iterator[tuple[int, list[Any]]]:
    """A web server on a port that answers every request alike, and the requests' headers so far."""
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append((self.path, self.headers))
            self.send_response(code)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[POLL_SECONDS], daemon=True)
    thread.start()
    try:
        yield server.server_port, seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def _greeting(greeting: bytes | None) -> Iterator[int]:
    """Something on a port that is no web server: it says its greeting and hangs up, or never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held = []

        def greet() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    if greeting is None:
                        held.append(connection)
                        continue
                    connection.recv(10)
                    connection.sendall(greeting)
                    connection.close()

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()
    thread.join()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def _assert_all_say(port: int, expected: str, scheme: str = "http", key: str | None = KEY) -> None:
    """Whatever is asked, one line says it, which names the server and holds no secret."""
    for text in await _refusals(QdrantServer(f"{scheme}://someone:{PASSWORD}@127.0.0.1:{port}", key)):
        assert re.search(f"^Qdrant at {scheme}://127.0.0.1:{port} {expected}", text), text
        assert "\n" not in text
        assert KEY not in text
        assert PASSWORD not in text
        assert "someone" not in text
        assert len(text) < 500


async def test_a_server_that_does_not_run_is_told_of() -> None:
    await _assert_all_say(_free_port(), r"cannot be reached just now \(.+\): is it running, .*RECSYS_QDRANT_URL right")


async def test_a_server_that_never_answers_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qdrant_server, "ANSWER_SECONDS", 1)
    with _greeting(None) as port:
        server = QdrantServer(f"http://127.0.0.1:{port}", KEY)
        collections, store = QdrantCollections(server, "recsys"), QdrantServerStore(server, "x")
        for ask in (asyncio.to_thread(collections.exists, NAME), store.count()):
            with pytest.raises(BackendError, match=r"cannot be reached just now \(no answer in 1 seconds\)"):
                await ask
        collections.close()
        await store.close()


QDRANT_SAYS = b'{"status": {"error": "Forbidden: Global manage access is required"}, "time": 0.0}'
HTML = b"<!DOCTYPE html>\n<html><body>Welcome to nginx!</body></html>"


@pytest.mark.parametrize(
    ("code", "body", "expected"),
    [
        (401, b"Invalid API key or JWT", r"refuses the API key \(401 Unauthorized\): check RECSYS_QDRANT_API_KEY$"),
        (403, QDRANT_SAYS, r"refuses the API key \(403 .*Global manage access.*\): check RECSYS_QDRANT_API_KEY$"),
        (404, HTML, r"does not answer as Qdrant does \(404 Not Found\): is RECSYS_QDRANT_URL right\?$"),
        (404, b"", r"does not answer as Qdrant does \(404 Not Found\): is RECSYS_QDRANT_URL right\?$"),
        (405, b'{"detail": "Method Not Allowed"}', r"does not answer as Qdrant does \(405 .*RECSYS_QDRANT_URL right"),
        (301, b"", r"does not answer as Qdrant does \(301 Moved Permanently\): is RECSYS_QDRANT_URL right\?$"),
        (200, HTML, r"does not answer as Qdrant does: is RECSYS_QDRANT_URL right\?$"),
        (200, b"", r"does not answer as Qdrant does: is RECSYS_QDRANT_URL right\?$"),
        (200, b"\xff\xfe\x00", r"does not answer as Qdrant does: is RECSYS_QDRANT_URL right\?$"),
        (200, b"{}", r"does not answer as Qdrant does: is RECSYS_QDRANT_URL right\?$"),
        (200, b"[1, 2]", r"does not answer as Qdrant does: is RECSYS_QDRANT_URL right\?$"),
        (200, b'{"result": {"wrong": 1}}', r"does not answer as Qdrant does: is RECSYS_QDRANT_URL right\?$"),
        (502, HTML, r"cannot be reached just now \(502 Bad Gateway\): is it running"),
        (500, b'{"status": {"error": "disk\\nfull"}}', r"has failed \(500 .*disk full\): try again"),
        (429, b'{"status": {"error": "too many"}}', r"has too much to do just now \(429 .*too many\): try again"),
    ],
)
async def test_an_answer_that_is_of_no_use_is_told_of(code: int, body: bytes, expected: str) -> None:
    with _answering(code, body) as (port, _):
        await _assert_all_say(port, expected)


@pytest.mark.parametrize("mistake", [ValueError("too long"), AssertionError("no vectors"), TypeError("not a list")])
def test_a_mistake_of_this_program_is_no_failure_of_the_server(mistake: Exception) -> None:
    """It passes through as it is, so that it is found."""
    with pytest.raises(type(mistake)) as raised, QdrantServer("http://127.0.0.1").answering("recsys-x"):
        raise mistake
    assert raised.value is mistake


def test_json_that_this_program_cannot_read_is_no_failure_of_the_server() -> None:
    with pytest.raises(json.JSONDecodeError), QdrantServer("http://127.0.0.1").answering():
        json.loads("<html>")


def test_points_that_cannot_be_made_are_no_failure_of_the_server(memory: QdrantOverHttp) -> None:
    """The points are made while the collection is written."""
    collections = QdrantCollections(QdrantServer(memory.url), "recsys")
    with pytest.raises(ValueError, match="of another length"):
        collections.write(NAME, _broken_points(), 3, "a-model", 1)
    assert not collections.exists(NAME)
    collections.close()


def _broken_points() -> Iterator[Point]:
    raise ValueError("vectors of another length")
    yield


async def test_a_server_that_names_the_time_to_wait_is_told_of() -> None:
    with _answering(429, b"{}", {"Retry-After": "7"}) as (port, _):
        await _assert_all_say(port, "has too much to do just now: try again in 7 seconds")


async def test_a_long_answer_is_cut_short() -> None:
    with _answering(500, b'{"status": {"error": "%s"}}' % (b"x" * 10_000)) as (port, _):
        await _assert_all_say(port, r"has failed \(500 .*: x{50}")


async def test_a_server_that_wants_a_key_and_gets_none_is_told_of() -> None:
    with _answering(401, b"Must provide an API key or an Authorization bearer token") as (port, _):
        await _assert_all_say(port, "wants an API key .*: set RECSYS_QDRANT_API_KEY$", key=None)


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.6\r\n", b"", b"\x00\x01\x02\x03" * 100])
async def test_what_is_no_web_server_is_told_of(greeting: bytes) -> None:
    with _greeting(greeting) as port:
        await _assert_all_say(port, "cannot be reached just now .*RECSYS_QDRANT_URL right")


async def test_encryption_where_there_is_none_is_told_of(memory: QdrantOverHttp) -> None:
    await _assert_all_say(memory.port, r"cannot be reached just now \(.*SSL.*RECSYS_QDRANT_URL right", "https")


# Getting in


async def test_the_right_key_gets_in_and_others_do_not() -> None:
    with QdrantOverHttp(api_key=KEY) as memory:
        collections = QdrantCollections(QdrantServer(memory.url, f" {KEY}\n"), "recsys")  # as read from a file
        write_points(collections)
        store = await open_store(collections)
        assert await store.count() == len(POINTS)
        await store.close()
        collections.close()
        for key, expected in (("wrong", "refuses the API key"), (None, "wants an API key"), ("", "wants an API key")):
            other = QdrantCollections(QdrantServer(memory.url, key), "recsys")
            with pytest.raises(BackendError, match=expected):
                other.exists(NAME)
            other.close()


@pytest.mark.parametrize("mistake", [AssertionError("ours"), ValueError("ours")])
def test_mistakes_of_this_program_are_not_taken_for_answers(mistake: Exception) -> None:
    with pytest.raises(type(mistake), match="ours"), QdrantServer("http://127.0.0.1:1").answering():
        raise mistake


def test_a_key_over_an_open_connection_is_no_warning(
    memory: QdrantOverHttp, recwarn: pytest.WarningsRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    collections = QdrantCollections(QdrantServer(memory.url, KEY), "recsys")
    assert not collections.exists(NAME)
    collections.close()
    assert list(recwarn) == []
    assert KEY not in caplog.text


@pytest.mark.parametrize("key", ["schlüssel-geheim", "a\nb-geheim", "\x00-geheim"])
def test_a_key_that_cannot_be_sent_is_told_of_without_showing_it(key: str) -> None:
    with pytest.raises(BackendError, match="RECSYS_QDRANT_API_KEY") as refused:
        QdrantServer("http://localhost:6333", key)
    assert "geheim" not in str(refused.value)


async def test_a_path_and_a_user_of_a_proxy_are_passed_on() -> None:
    with _answering(404, b"") as (port, seen):
        await _refusals(QdrantServer(f"http://someone:{PASSWORD}%21@127.0.0.1:{port}/vectors/qdrant/", KEY))
    assert len(seen) >= 10
    for path, headers in seen:
        assert path.startswith("/vectors/qdrant/")
        assert "//" not in path
        assert headers["api-key"] == KEY
        assert headers["Authorization"] == "Basic c29tZW9uZTpodXNoLWh1c2gh"  # someone:hush-hush!


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://xyz.eu-central-1-0.aws.cloud.qdrant.io", "https://xyz.eu-central-1-0.aws.cloud.qdrant.io:6333"),
        ("https://qdrant.example.com:443", "https://qdrant.example.com:443"),
        ("http://localhost", "http://localhost:6333"),
        (" http://[::1]:6400/ ", "http://[::1]:6400"),
        (f"http://someone:{PASSWORD}@qdrant:6333/path?{KEY}", "http://qdrant:6333"),
    ],
)
async def test_a_server_is_named_and_asked_at_the_port_of_qdrant_unless_another_is_given(url: str, name: str) -> None:
    server = QdrantServer(url)
    assert server.name == f"Qdrant at {name}"
    client, async_client = server.client(), server.async_client()
    for asked in (client.init_options["url"], async_client.init_options["url"]):
        assert asked.removesuffix("/path") == name
    client.close()
    await async_client.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6333",
        "qdrant",
        "ftp://qdrant:6333",
        "http://",
        f"http://:{PASSWORD}@",
        "http://qdrant:port",
        "http://qdrant:99999",
        "http://[::1",
        f"someone:{PASSWORD}@qdrant",
        ":memory:",
    ],
)
def test_nonsense_for_a_url_is_told_of_without_showing_it(url: str) -> None:
    with pytest.raises(BackendError, match=r"RECSYS_QDRANT_URL .*http://HOST:6333") as refused:
        QdrantServer(url)
    assert PASSWORD not in str(refused.value)


def test_a_host_that_cannot_be_one_is_told_of() -> None:
    make: list[Callable[[QdrantServer], object]] = [QdrantServer.client, QdrantServer.async_client]
    for one in make:
        with pytest.raises(BackendError, match="RECSYS_QDRANT_URL"):
            one(QdrantServer("http://a b:6333"))


@pytest.mark.parametrize("word", ["p/geheim", "6333/geheim", "6333?geheim", "6333#geheim", "geheim/1"])
def test_a_password_that_is_not_quoted_is_not_shown(word: str) -> None:
    """With a slash in it, what comes before looks like a host and its port."""
    with pytest.raises(BackendError, match="RECSYS_QDRANT_URL is not the address") as refused:
        QdrantServer(f"http://geheim:{word}@127.0.0.1:6333")
    assert "geheim" not in str(refused.value)
