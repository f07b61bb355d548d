"""A session can be used by its owner alone, and clients that open more sessions than they use keep nobody out."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from mcp_server.settings import Settings
from tests.running_servers import ACCEPT, GREETING, PATIENCE_SECONDS, HttpServer, http_server, initialize, post

ATTACKER, OTHER, THIRD, FOURTH = (f"token-number-{number}-of-these-tests" for number in range(4))
OWNER = THIRD

MOST, MOST_EACH, MOST_STREAMS = 8, 3, 2


@pytest.fixture(scope="module")
def server(films_settings: Settings) -> Iterator[HttpServer]:
    variables = {
        "RECSYS_TOKENS": ",".join((ATTACKER, OTHER, THIRD, FOURTH)),
        "RECSYS_MAX_SESSIONS": str(MOST),
        "RECSYS_MAX_SESSIONS_EACH": str(MOST_EACH),
        "RECSYS_MAX_CONNECTIONS": str(2 * MOST_STREAMS),
    }
    with http_server(films_settings.state_folder, **variables) as server:
        yield server
        assert server.end() == 0
        assert not any("Traceback" in line or " ERROR " in line for line in server.log)


@pytest.fixture
def clients(server: HttpServer) -> Iterator[Callable[[str], httpx.Client]]:
    """A client for each token; all are closed at the end."""
    with contextlib.ExitStack() as stack:
        opened: dict[str, httpx.Client] = {}

        def client(token: str) -> httpx.Client:
            if token not in opened:
                opened[token] = stack.enter_context(server.client(token))
                opened[token].headers["Connection"] = "close"
            return opened[token]

        yield client


@pytest.fixture(autouse=True)
def _nothing_is_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    _opened.clear()
    yield
    if "server" in request.fixturenames:
        server: HttpServer = request.getfixturevalue("server")
        for token, name in _opened:
            with server.client(token) as client:
                client.delete("mcp", headers={"Mcp-Session-Id": name})
        with server.client(ATTACKER) as client:
            wait_for(lambda: number(client, "recsys_sessions") == 0)


_opened: list[tuple[str, str]] = []


def opened(client: httpx.Client) -> str:
    """The ID of a new session."""
    answer = initialize(client)
    assert answer.status_code == 200, answer.text
    name = answer.headers["mcp-session-id"]
    _opened.append((client.headers["Authorization"].removeprefix("Bearer "), name))
    return name


def use(client: httpx.Client, name: str) -> int:
    return post(client, "mcp", 2, "tools/list", {}, mcp_session_id=name).status_code


def number(client: httpx.Client, metric: str) -> float:
    lines = client.get("metrics").text.splitlines()
    return float(next(line.rpartition(" ")[2] for line in lines if line.startswith(f"{metric} ")))


def wait_for(holds: Callable[[], bool]) -> None:
    until = threading.Event()
    for _ in range(PATIENCE_SECONDS * 50):
        if holds():
            return
        until.wait(0.02)
    pytest.fail("it did not become so")


# Whose a session is


def test_a_session_can_be_used_by_its_own_token_alone(
    clients: Callable[[str], httpx.Client],
) -> None:
    owner, other = clients(OWNER), clients(OTHER)
    name = opened(owner)
    assert use(owner, name) == 200
    session = {"Mcp-Session-Id": name}
    for _ in range(2 * MOST_EACH):
        assert use(other, name) == 404
        assert other.get("mcp", headers={**ACCEPT, **session}).status_code == 404
        assert other.delete("mcp", headers=session).status_code == 404
    assert use(owner, name) == 200
    assert number(owner, "recsys_sessions") == 1  # requests of others neither end nor replace it in the count
    with owner.stream("GET", "mcp", headers={**ACCEPT, **session}) as stream:
        assert stream.status_code == 200
    assert owner.delete("mcp", headers=session).status_code == 200
    assert use(owner, name) == 404


def test_a_stream_of_events_takes_messages_of_its_own_token_alone(
    server: HttpServer, clients: Callable[[str], httpx.Client]
) -> None:
    owner, other = clients(OWNER), clients(OTHER)
    with server.client(OWNER) as client, client.stream("GET", "sse") as stream:
        events = (line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: "))
        path = next(events)
        assert post(other, path, 1, "initialize", GREETING).status_code == 404
        assert post(owner, path, 2, "initialize", GREETING).status_code == 202
        greeting = json.loads(next(events))
        assert (greeting["id"], greeting["result"]["serverInfo"]["name"]) == (2, "recsys-mcp")
        assert post(other, path, 3, "tools/list", {}).status_code == 404
        assert post(owner, path, 4, "ping", {}).status_code == 202
        assert json.loads(next(events))["id"] == 4
    wait_for(lambda: post(owner, path, 5, "ping", {}).status_code == 404)  # the stream has ended


# How many sessions there may be


def test_sessions_that_are_never_used_keep_nobody_out(clients: Callable[[str], httpx.Client]) -> None:
    attacker, other = clients(ATTACKER), clients(OTHER)
    kept = opened(other)
    names = [opened(attacker) for _ in range(5 * MOST)]
    assert number(other, "recsys_sessions") == MOST_EACH + 1
    assert use(attacker, names[0]) == 404  # the oldest have given way
    assert use(attacker, names[-1]) == 200
    assert use(other, kept) == 200
    assert other.get("ready").status_code == 200


def test_an_owner_of_many_sessions_in_use_is_refused_and_nobody_else_is(
    clients: Callable[[str], httpx.Client],
) -> None:
    attacker, other = clients(ATTACKER), clients(OTHER)
    names = [opened(attacker) for _ in range(MOST_EACH)]
    assert [use(attacker, name) for name in names] == [200] * MOST_EACH
    refused_before = number(other, 'recsys_refused_total{reason="sessions"}')
    for _ in range(5):
        refused = initialize(attacker)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert f"{MOST_EACH} sessions of yours" in refused.json()["error_description"]
    assert number(other, 'recsys_refused_total{reason="sessions"}') == refused_before + 5
    assert [use(attacker, name) for name in names] == [200] * MOST_EACH
    assert use(other, opened(other)) == 200
    assert attacker.delete("mcp", headers={"Mcp-Session-Id": names[0]}).status_code == 200
    opened(attacker)


def test_readiness_says_when_nobody_can_open_a_session(clients: Callable[[str], httpx.Client]) -> None:
    names: dict[str, list[str]] = {}
    for token, count in ((ATTACKER, 3), (OTHER, 3), (THIRD, 2)):
        names[token] = [opened(clients(token)) for _ in range(count)]
        assert all(use(clients(token), name) == 200 for name in names[token])
    fourth = clients(FOURTH)
    ready = fourth.get("ready")
    assert ready.status_code == 503
    assert ready.json()["checks"]["sessions"] == "unavailable"
    refused = initialize(fourth)
    assert refused.status_code == 503
    assert "retry-after" in refused.headers
    assert clients(ATTACKER).delete("mcp", headers={"Mcp-Session-Id": names[ATTACKER][0]}).status_code == 200
    ready = fourth.get("ready")
    assert ready.status_code == 200
    assert ready.json()["checks"]["sessions"] == "ok"
    opened(fourth)
    wait_for(lambda: fourth.get("ready").status_code == 200)  # it would give way


def test_requests_without_sessions_are_answered_all_the_same(clients: Callable[[str], httpx.Client]) -> None:
    attacker = clients(ATTACKER)
    for name in [opened(attacker) for _ in range(MOST_EACH)]:
        assert use(attacker, name) == 200
    for body in (b"", b"{}", b"[]", b"\xff", b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'):
        answer = attacker.post("mcp", content=body, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status_code < 500
    assert number(attacker, "recsys_sessions") == MOST_EACH


def test_streams_of_events_count(server: HttpServer, clients: Callable[[str], httpx.Client]) -> None:
    attacker, other = clients(ATTACKER), clients(OTHER)
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_STREAMS):
            stream = stack.enter_context(server.client(ATTACKER)).stream("GET", "sse")
            assert stack.enter_context(stream).status_code == 200
        assert number(other, "recsys_sessions") == MOST_STREAMS
        refused = attacker.get("sse")
        assert refused.status_code == 429
        assert f"{MOST_STREAMS} streams of yours" in refused.json()["error_description"]
        with other.stream("GET", "sse") as own:
            assert own.status_code == 200
    wait_for(lambda: number(other, "recsys_sessions") == 0)


def test_a_stream_that_was_never_used_gives_way_and_ends_well(
    server: HttpServer, clients: Callable[[str], httpx.Client]
) -> None:
    attacker = clients(ATTACKER)
    with server.client(ATTACKER) as client, client.stream("GET", "sse") as stream:
        chunks = stream.iter_raw()
        assert b"/messages/" in next(chunks)
        for _ in range(MOST_EACH):
            opened(attacker)
        assert b"".join(chunks) == b""  # raises where the last chunk is missing


def test_a_stream_in_use_stays(server: HttpServer, clients: Callable[[str], httpx.Client]) -> None:
    attacker = clients(ATTACKER)
    with server.client(ATTACKER) as client, client.stream("GET", "sse") as stream:
        events = (line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: "))
        path = next(events)
        assert post(attacker, path, 1, "initialize", GREETING).status_code == 202
        assert "recsys-mcp" in next(events)
        for _ in range(2 * MOST_EACH):
            opened(attacker)
        assert post(attacker, path, 2, "tools/list", {}).status_code == 202
        assert "item_filter_tool" in next(events)


def test_without_tokens_addresses_are_owners(films_settings: Settings) -> None:
    variables = {"RECSYS_MAX_SESSIONS": "4", "RECSYS_MAX_SESSIONS_EACH": "2"}
    options = ["--host", "0.0.0.0", "--allow-anonymous"]
    with http_server(films_settings.state_folder, *options, **variables) as server:
        base = server.base.replace("0.0.0.0", "127.0.0.1")

        def client(address: str) -> httpx.Client:
            transport = httpx.HTTPTransport(local_address=address)
            return httpx.Client(base_url=f"{base}/", transport=transport, timeout=PATIENCE_SECONDS)

        with client("127.0.0.2") as attacker, client("127.0.0.3") as other:
            for _ in range(2):
                assert use(attacker, initialize(attacker).headers["mcp-session-id"]) == 200
            assert initialize(attacker).status_code == 429
            assert use(other, initialize(other).headers["mcp-session-id"]) == 200
