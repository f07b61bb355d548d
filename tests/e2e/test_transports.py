"""The tools over a network: real servers, real MCP clients, and clients that should not get in."""

import asyncio
import contextlib
import datetime
import json
import re
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import mcp.client.streamable_http
import pytest
from mcp import ClientSession

from mcp_server.errors import RecsysError
from mcp_server.protocol.client import Session, http_session
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from tests.conftest import SHOP, Rating
from tests.names import FILTER, FIND_USERS, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, STATISTICS, USER
from tests.running_servers import HttpServer, http_server, initialize, own_environment, post

TOKEN, OTHER_TOKEN = "a-token-for-these-tests", "another-token-for-these-tests"

TEN = {RECOMMEND, FILTER, SEARCH, LIKE, POPULAR, USER, ITEM, HISTORY, FIND_USERS, STATISTICS}

ENDPOINTS = ["mcp", "sse"]

streamable_http: Any = mcp.client.streamable_http  # untyped: it differs between the lines of the SDK


@pytest.fixture(scope="module")
def state(films_settings: Settings) -> Path:
    return films_settings.state_folder


@pytest.fixture(scope="module")
def anonymous(state: Path) -> Iterator[HttpServer]:
    """A server without tokens, on both transports."""
    with http_server(state) as server:
        yield server


@pytest.fixture(scope="module")
def guarded(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """A server with tokens that accepts further hosts and origins, and logs JSON."""
    file = tmp_path_factory.mktemp("tokens") / "tokens"
    file.write_text(f"# for these tests\n{OTHER_TOKEN}\n", encoding="utf-8")
    variables = {
        "RECSYS_TOKENS": TOKEN,
        "RECSYS_TOKENS_FILE": str(file),
        "RECSYS_ALLOWED_HOSTS": "films.example.com,api.example.com:8443",
        "RECSYS_ALLOWED_ORIGINS": "https://app.example.com",
        "RECSYS_MAX_BODY_KB": "64",
        "RECSYS_LOG_FORMAT": "json",
    }
    with http_server(state, **variables) as server:
        yield server


async def answer(session: Session, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await session.call(tool, arguments)
    assert not result["isError"], result
    content: dict[str, Any] = result["structuredContent"]
    assert json.loads(result["content"][0]["text"]) == content
    return content


async def refusal(session: Session, tool: str, **arguments: Any) -> str:
    result = await session.call(tool, arguments)
    assert result["isError"]
    text: str = result["content"][0]["text"]
    return text


async def check_tools(session: Session) -> None:
    """Use the server as a client does, and check every answer."""
    assert session.greeting["serverInfo"]["name"] == "recsys-mcp"
    assert "1 to 943" in session.greeting["instructions"]
    assert {tool["name"] for tool in await session.list_tools()} == TEN
    found = await answer(session, FILTER, genres=["Comedy"], imdb_rating={"gt": 7})
    listed = await answer(session, RECOMMEND, user=98, k=3, item_set=found["item_set"])
    assert len(listed["items"]) == 3
    (content,) = (await session.read(f"itemset://{found['item_set']}"))["contents"]
    members = json.loads(content["text"])
    assert members["count"] == found["count"] == len(members["items"])
    assert {item["item_id"] for item in listed["items"]} <= set(members["items"])
    assert "user 5000 is not in" in (await refusal(session, RECOMMEND, user=5000)).replace("viewer", "user")
    assert "there is no tool 'nothing'" in await refusal(session, "nothing")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_the_tools_over_http(anonymous: HttpServer, endpoint: str) -> None:
    async with http_session(f"{anonymous.base}/{endpoint}") as session:
        await check_tools(session)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_the_tools_with_a_token(guarded: HttpServer, endpoint: str) -> None:
    for token in (TOKEN, OTHER_TOKEN):
        async with http_session(f"{guarded.base}/{endpoint}", token) as session:
            await check_tools(session)


@pytest.mark.parametrize(("transport", "endpoint", "other"), [("sse", "sse", "mcp"), ("streamable-http", "mcp", "sse")])
async def test_one_transport_alone(state: Path, transport: str, endpoint: str, other: str) -> None:
    with http_server(state, transport=transport) as server:
        async with http_session(f"{server.base}/{endpoint}") as session:
            await check_tools(session)
        with pytest.raises(RecsysError, match="there is no MCP server at"):
            async with http_session(f"{server.base}/{other}"):
                pass


@contextlib.asynccontextmanager
async def session_of_2025(server: HttpServer) -> AsyncIterator[ClientSession]:
    """Clients of older revisions initialize a session and open a stream of it."""
    async with (
        streamable_http.streamable_http_client(f"{server.base}/mcp") as (read, write, *_),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        yield session


@pytest.mark.parametrize("options", [[], ["--stateless"]])
async def test_clients_of_the_protocol_of_2025(state: Path, options: list[str]) -> None:
    with http_server(state, *options) as server:
        async with session_of_2025(server) as session:
            assert {tool.name for tool in (await session.list_tools()).tools} == TEN
            result: Any = await session.call_tool(HISTORY, {"user": 90, "k": 3})
            assert len(json.loads(result.content[0].text)["items"]) == 3
        with server.client() as client:
            greeted = initialize(client)
            assert greeted.status_code == 200
            assert ("mcp-session-id" in greeted.headers) == (not options)


async def test_the_prompt_for_assistants_speaks_of_this_dataset(anonymous: HttpServer) -> None:
    async with session_of_2025(anonymous) as session:
        assert "assistant" in {prompt.name for prompt in (await session.list_prompts()).prompts}
        (message,) = (await session.get_prompt("assistant")).messages
        text: str = message.content.text  # type: ignore[union-attr]
        with pytest.raises(Exception, match="there is no prompt 'other'"):
            await session.get_prompt("other")
    assert "For somebody without an ID who names films" in text
    assert "get_top_k_recommendations_tool" in text
    assert "{" not in text


def test_prompts_name_no_tool_that_the_dataset_does_not_have(shop_settings: Settings) -> None:
    service = Service(shop_settings, prepare_if_needed=False)
    for prompt in service.prompts.values():
        text = prompt.text({argument.name: "1" for argument in prompt.arguments})
        named = set(re.findall(r"\w+_tool\b", text))
        assert named <= set(service.tools)
        assert not re.search(r"\b(film|viewer)s?\b", text)


async def test_without_sessions_any_request_is_answered_by_any_server(state: Path) -> None:
    with http_server(state, "--stateless") as one, http_server(state, "--stateless") as other:
        with one.client() as client:
            initialize(client)
        with other.client() as client:  # which has never greeted
            answered = post(client, "mcp", 2, "tools/call", {"name": HISTORY, "arguments": {"user": 90}})
        assert answered.status_code == 200
        assert "90" in answered.text


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_several_clients_at_once_get_their_own_answers(
    anonymous: HttpServer, endpoint: str, ratings: list[Rating]
) -> None:
    users = [4, 9, 43, 76, 90, 98, 198]
    totals = Counter(line.user for line in ratings)

    async def ask(user: int) -> list[int]:
        async with http_session(f"{anonymous.base}/{endpoint}") as session:
            answers = await asyncio.gather(*(answer(session, HISTORY, user=user, k=k) for k in (1, 2, 3)))
        assert [len(found["items"]) for found in answers] == [1, 2, 3]
        return [found["total"] for found in answers]

    found = await asyncio.gather(*(ask(user) for user in users))
    assert found == [[totals[user]] * 3 for user in users]


# Who may not


PROTECTED = [
    ("POST", "mcp"),
    ("GET", "mcp"),
    ("DELETE", "mcp"),
    ("GET", "sse"),
    ("POST", "messages/"),
    ("GET", "metrics"),
]


@pytest.mark.parametrize("wrong", [None, "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN[:-1]}"])
@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_without_a_token_nothing_is_told(guarded: HttpServer, method: str, path: str, wrong: str | None) -> None:
    headers = {} if wrong is None else {"Authorization": wrong}
    with guarded.client() as client:
        answered = client.request(method, path, headers=headers)
    assert answered.status_code == 401
    assert answered.headers["www-authenticate"].startswith("Bearer")
    assert answered.json()["error"] == "invalid_token"


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_other_names_than_its_own_are_refused(guarded: HttpServer, method: str, path: str) -> None:
    """A web page whose name resolves to this machine's address sends its own name."""
    with guarded.client(TOKEN) as client:
        for host in ("evil.example.com", "evil.example.com:80", "localhost.evil.example.com", "api.example.com:80"):
            assert client.request(method, path, headers={"Host": host}).status_code == 421, host


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "films.example.com", "films.example.com:81", "api.example.com:8443"]
)
def test_its_own_names_are_known(guarded: HttpServer, host: str) -> None:
    with guarded.client(TOKEN) as client:
        assert initialize(client, host=host).status_code == 200
        assert client.get("metrics", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_pages_of_others_are_refused(guarded: HttpServer, method: str, path: str) -> None:
    with guarded.client(TOKEN) as client:
        for origin in ("https://evil.example.com", "http://app.example.com", "null"):
            assert client.request(method, path, headers={"Origin": origin}).status_code == 403, origin


def test_allowed_pages_may_call(guarded: HttpServer) -> None:
    page = {"Origin": "https://app.example.com"}
    asks = {"Access-Control-Request-Method": "POST"}
    headers = "authorization, content-type, mcp-protocol-version, mcp-session-id, mcp-param-user"
    with guarded.client() as client:
        preflight = client.options("mcp", headers={**page, **asks, "Access-Control-Request-Headers": headers})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == page["Origin"]
        allowed = preflight.headers["access-control-allow-headers"].lower()
        assert all(name in allowed for name in headers.split(", "))
        assert client.options("mcp", headers={"Origin": "https://evil.example.com", **asks}).status_code != 200
        refused = initialize(client, **page)
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == page["Origin"]
    with guarded.client(TOKEN) as client:
        greeted = initialize(client, **page)
        assert greeted.status_code == 200
        assert greeted.headers["access-control-allow-origin"] == page["Origin"]
        assert "mcp-session-id" in greeted.headers["access-control-expose-headers"].lower()


@pytest.mark.parametrize("path", ["mcp", "messages/?session_id=0123456789abcdef0123456789abcdef"])
def test_a_body_that_is_too_long_is_refused(guarded: HttpServer, path: str) -> None:
    def in_chunks() -> Iterator[bytes]:
        for _ in range(65):
            yield b" " * 1024

    json_type = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    with guarded.client(TOKEN) as client:
        for content in (b" " * (64 * 1024 + 1), b" " * 10_000_000, in_chunks()):
            refused = client.post(path, content=content, headers=json_type)
            assert refused.status_code == 413
            assert "65,536 bytes" in refused.json()["error_description"]
        longest = b'{"jsonrpc": "2.0", "method": "notifications/initialized"}'.ljust(64 * 1024)
        assert client.post(path, content=longest, headers=json_type).status_code != 413


async def test_a_call_that_is_too_long_is_told_to_its_caller(guarded: HttpServer) -> None:
    for endpoint in ENDPOINTS:
        with pytest.raises(RecsysError, match="takes no request as long as this one"):
            async with http_session(f"{guarded.base}/{endpoint}", TOKEN) as session:
                await session.call(ITEM, {"items": list(range(100_000)), "get": ["title"]})


# What operators look at

FRESHNESS = {"data_read_at", "model_trained_at", "new_interactions", "new_items"}


@pytest.mark.parametrize("which", ["anonymous", "guarded"])
def test_health_and_readiness_are_open(which: str, request: pytest.FixtureRequest) -> None:
    server: HttpServer = request.getfixturevalue(which)
    for host in ("localhost", "10.11.12.13:8000"):  # orchestrators ask by address
        with server.client() as client:
            assert client.get("health", headers={"Host": host}).json() == {"status": "ok"}
            ready = client.get("ready", headers={"Host": host})
        assert ready.status_code == 200
        told = ready.json()
        if which == "anonymous":
            assert told.pop("freshness").keys() == FRESHNESS
        assert told == {
            "ready": True,
            "checks": {"database": "ok", "vectors": "ok", "model": "ok", "sessions": "ok"},
        }


def test_readiness_tells_the_age_of_data_and_model_to_those_with_a_token(guarded: HttpServer) -> None:
    with guarded.client() as client:
        told = client.get("ready", headers={"Authorization": f"Bearer {TOKEN}"}).json()["freshness"]
    assert told.keys() == FRESHNESS
    assert (told["new_interactions"], told["new_items"]) == (0, 0)
    for name in ("data_read_at", "model_trained_at"):
        assert datetime.datetime.fromisoformat(told[name]) <= datetime.datetime.now(datetime.UTC)


def test_a_damaged_state_is_not_ready_and_why_is_for_the_log_alone(shop_settings: Settings, tmp_path: Path) -> None:
    shutil.copytree(shop_settings.state_folder, tmp_path / "state")
    (artifact,) = (tmp_path / "state").glob("parts/model-*/artifact.safetensors")
    content = bytearray(artifact.read_bytes())
    content[-1] ^= 0xFF
    artifact.write_bytes(content)
    with http_server(tmp_path / "state", RECSYS_DATASET=str(SHOP)) as server:
        with server.client() as client:
            assert client.get("health").status_code == 200
            ready = client.get("ready")
        server.end()
    assert ready.status_code == 503
    assert ready.json()["ready"] is False
    assert ready.json()["checks"] == {"database": "ok", "model": "unavailable", "sessions": "ok"}
    assert ready.json()["freshness"].keys() == FRESHNESS
    assert any("mcp_server.http.health: model: " in line and str(tmp_path) in line for line in server.log)


def metrics(server: HttpServer) -> dict[str, float]:
    with server.client() as client:
        page = client.get("metrics")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/plain")
    lines = [line for line in page.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_metrics_count_what_clients_did(state: Path) -> None:
    with http_server(state) as server:
        for endpoint in ENDPOINTS:
            async with http_session(f"{server.base}/{endpoint}") as session:
                for user in (4, 9):
                    await answer(session, HISTORY, user=user)
                await refusal(session, HISTORY, user=5000)
                await refusal(session, "nothing-of-ours")
                await refusal(session, "<script>")
                with pytest.raises(Exception, match="set_nothing"):
                    await session.read("itemset://set_nothing")
        found = metrics(server)
        counts = {name: n for name, n in found.items() if name.startswith("recsys_calls_total") and n}
        assert counts == {
            f'recsys_calls_total{{outcome="ok",tool="{HISTORY}"}}': 4,
            f'recsys_calls_total{{outcome="refused",tool="{HISTORY}"}}': 2,
            'recsys_calls_total{outcome="refused",tool="unknown"}': 4,
            'recsys_calls_total{outcome="refused",tool="resource"}': 2,
        }
        assert found[f'recsys_call_duration_seconds_count{{tool="{HISTORY}"}}'] == 6
        assert found[f'recsys_call_duration_seconds_sum{{tool="{HISTORY}"}}'] > 0
        assert found["recsys_calls_running"] == found["recsys_calls_waiting"] == 0
        assert found["process_resident_memory_bytes"] > 0
        server.end()
        logged = [line.split("mcp_server.access: ")[1] for line in server.log if "mcp_server.access" in line]
    assert len(logged) == 12
    shape = r"tool=(\w+) outcome=(ok|refused) duration_ms=\d+\.\d"
    assert Counter(match.groups() for line in logged if (match := re.fullmatch(shape, line))) == {
        (HISTORY, "ok"): 4,
        (HISTORY, "refused"): 2,
        ("unknown", "refused"): 4,
        ("resource", "refused"): 2,
    }


async def test_the_log_is_json_and_has_neither_tokens_nor_arguments(state: Path) -> None:
    with http_server(state, RECSYS_TOKENS=TOKEN, RECSYS_LOG_FORMAT="json", RECSYS_LOG_LEVEL="DEBUG") as server:
        for endpoint in ENDPOINTS:
            async with http_session(f"{server.base}/{endpoint}", TOKEN) as session:
                await answer(session, SEARCH, query="a words-that-nobody-logs story")
        with server.client("wrong-token-of-sixteen") as client:
            client.get("mcp")
        server.end()
        lines = [json.loads(line) for line in server.log]
    assert {"time", "level", "logger", "message"} <= set.intersection(*(set(line) for line in lines))
    (listening,) = (line for line in lines if "urls" in line)
    assert listening["token_needed"] is True
    assert listening["urls"] == [f"{server.base}/mcp", f"{server.base}/sse"]
    calls = [line for line in lines if line["logger"] == "mcp_server.access"]
    assert [(call["tool"], call["outcome"]) for call in calls] == [(SEARCH, "ok")] * 2
    everything = "\n".join(server.log)
    for secret in (TOKEN, "wrong-token-of-sixteen", "words-that-nobody-logs"):
        assert secret not in everything


# Limits


async def test_with_one_call_at_a_time_all_are_answered(state: Path) -> None:
    with http_server(state, RECSYS_MAX_CALLS="1") as server:

        async def ask(endpoint: str, user: int) -> int:
            async with http_session(f"{server.base}/{endpoint}") as session:
                answers = await asyncio.gather(*(answer(session, RECOMMEND, user=user, k=k) for k in range(1, 11)))
            return sum(len(found["items"]) for found in answers)

        found = await asyncio.gather(*(ask(endpoint, user) for endpoint in ENDPOINTS for user in (4, 9, 43)))
        assert found == [sum(range(1, 11))] * 6
        assert metrics(server)[f'recsys_calls_total{{outcome="ok",tool="{RECOMMEND}"}}'] == 60


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_a_call_beyond_its_time_is_given_up(state: Path, endpoint: str) -> None:
    with http_server(state, RECSYS_CALL_TIMEOUT="0.000001") as server:
        async with http_session(f"{server.base}/{endpoint}") as session:
            assert "was given up" in await refusal(session, HISTORY, user=4)
        assert metrics(server)[f'recsys_calls_total{{outcome="timeout",tool="{HISTORY}"}}'] == 1


# Where it is


@pytest.mark.parametrize("prefix", ["/recommender/films", "recommender/films/"])
async def test_a_prefix_goes_before_every_path(state: Path, prefix: str) -> None:
    with http_server(state, "--path-prefix", prefix) as server:
        assert server.base.endswith("/recommender/films")
        for endpoint in ENDPOINTS:
            async with http_session(f"{server.base}/{endpoint}") as session:
                await check_tools(session)
        with server.client() as client:
            assert all(client.get(path).status_code == 200 for path in ("health", "ready", "metrics"))
            outside = client.get(f"{server.base.removesuffix('/recommender/films')}/health")
            assert outside.status_code == 404
            assert "/recommender/films/mcp" in outside.json()["error_description"]


def refused(*options: object, **variables: str) -> str:
    """The one line that `serve` prints when it does not start."""
    ended = subprocess.run(
        [sys.executable, "-m", "mcp_server", "serve", *map(str, options)],
        env=own_environment(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("recsys-mcp: ")
    return line


def test_a_port_in_use_is_refused(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} of 127.0.0.1 is in use" in refused("--transport", "http", "--port", port, "--state", state)


@pytest.mark.parametrize(
    ("options", "variables", "said"),
    [
        (["--host", "0.0.0.0"], {}, "no tokens are set"),
        (["--host", "::"], {}, "no tokens are set"),
        (["--host", "0.0.0.0"], {"RECSYS_TOKENS": "too-short-a-one"}, "shorter than 16"),
        ([], {"RECSYS_TOKENS_FILE": "/nowhere/tokens"}, "/nowhere/tokens cannot be read"),
        (["--host", "203.0.113.7"], {"RECSYS_TOKENS": TOKEN}, "not an address of this machine"),
        (["--host", "no.such.name.invalid"], {"RECSYS_TOKENS": TOKEN}, "not an address to listen on"),
        (["--path-prefix", "/a b"], {}, "RECSYS_PATH_PREFIX"),
        ([], {"RECSYS_ALLOWED_ORIGINS": "app.example.com"}, "is not an origin"),
        (["--port", "70000"], {}, "RECSYS_PORT"),
        (["--transport", "carrier-pigeon"], {}, "RECSYS_TRANSPORT"),
        (["--transport", "stdio", "--port", "1"], {}, "--port has no meaning over stdio"),
    ],
)
def test_what_cannot_be_served_is_refused(
    state: Path, options: list[str], variables: dict[str, str], said: str
) -> None:
    line = refused("--state", state, "--transport", "http", "--port", "0", *options, **variables)
    assert said in line
    assert "too-short-a-one" not in line


async def test_beyond_this_machine_with_tokens_or_when_anonymity_is_allowed(state: Path) -> None:
    with http_server(state, "--host", "0.0.0.0", RECSYS_TOKENS=TOKEN) as server:
        assert "; a token is needed" in server.log[0]
        async with http_session(f"{server.base.replace('0.0.0.0', '127.0.0.1')}/mcp", TOKEN) as session:
            await check_tools(session)
    with http_server(state, "--host", "0.0.0.0", "--allow-anonymous") as server:
        assert "; no token is needed" in server.log[0]
        async with http_session(f"{server.base.replace('0.0.0.0', '127.0.0.1')}/mcp") as session:
            await check_tools(session)


# The client


@pytest.mark.parametrize(
    ("path", "token", "said"),
    [
        ("mcp", None, "asks for a token"),
        ("sse", None, "asks for a token"),
        ("mcp", "wrong-token-of-sixteen", "does not accept this token"),
        ("sse", "wrong-token-of-sixteen", "does not accept this token"),
        ("nothing", TOKEN, "there is no MCP server at"),
        ("nothing/sse", TOKEN, "there is no MCP server at"),
        ("health", TOKEN, "there is no MCP server at"),
    ],
)
async def test_a_client_is_told_why_it_does_not_get_in(
    guarded: HttpServer, path: str, token: str | None, said: str
) -> None:
    with pytest.raises(RecsysError, match=said) as refusal:
        async with http_session(f"{guarded.base}/{path}", token):
            pass
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_a_client_is_told_that_nothing_answers(endpoint: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/{endpoint}"
    with pytest.raises(RecsysError, match=f"nothing answers at {url}"):
        async with http_session(url):
            pass


async def test_errors_of_whoever_uses_a_session_are_their_own(anonymous: HttpServer) -> None:
    for endpoint in ENDPOINTS:
        with pytest.raises(ZeroDivisionError):
            async with http_session(f"{anonymous.base}/{endpoint}"):
                raise ZeroDivisionError


def call(*words: object, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "mcp_server", "call", *map(str, words)],
        env=own_environment({"RECSYS_STATE": "/nowhere", **variables}),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_call_talks_to_a_running_server_without_a_state_of_its_own(guarded: HttpServer, endpoint: str) -> None:
    url = f"{guarded.base}/{endpoint}"
    for access in (["--token", TOKEN], []):
        asked = call(HISTORY, "user=90", "k=3", "--json", "--server", url, *access, RECSYS_TOKEN=TOKEN)
        assert asked.returncode == 0, asked.stderr
        assert len(json.loads(asked.stdout)["items"]) == 3
    listed = call("list", "--server", url, "--token", TOKEN)
    assert all(tool in listed.stdout for tool in TEN)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_call_says_in_one_line_why_it_cannot(guarded: HttpServer, endpoint: str) -> None:
    ended = call(HISTORY, "user=90", "--server", f"{guarded.base}/{endpoint}")
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("recsys-mcp: ")
    assert "asks for a token: pass --token or set RECSYS_TOKEN" in line
