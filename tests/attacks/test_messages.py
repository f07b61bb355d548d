"""Messages that no well-meaning client sends, over stdio and HTTP: each is answered as the protocol says, the server
goes on, and its log keeps short. Runs with both lines of the SDK.
"""

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from benchmarks.fuzz import TRANSPORTS, fuzz
from benchmarks.fuzz_answers import FAULTS
from mcp_server.errors import MOST_CHARACTERS, quoted, quoted_list
from mcp_server.protocol.message_checks import DEEPEST
from mcp_server.protocol.stdio import LONGEST_LINE
from mcp_server.settings import Settings
from tests.names import FILTER, HISTORY, ITEM, POPULAR
from tests.running_servers import ACCEPT, GREETING, PATIENCE_SECONDS, HttpServer, http_server, own_environment
from tests.serving.plugins.files import greeting, write

Json = dict[str, Any]

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, NOT_FOUND = -32700, -32600, -32601, -32602, -32002

LONG = "\u202e" + 5_000 * "long "


def request(identifier: int | str, method: str, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}).encode()


def call(identifier: int | str, tool: str, **arguments: Any) -> bytes:
    return request(identifier, "tools/call", name=tool, arguments=arguments)


def notification(method: str, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode()


class Stdio:
    """An initialized server over stdin and stdout, to which any bytes can be sent."""

    def __init__(self, settings: Settings, **variables: str) -> None:
        place = ["--dataset", settings.dataset, "--state", str(settings.state_folder)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mcp_server", "serve", *place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=own_environment(variables),
        )
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read_log, args=(self._process.stderr,), daemon=True)
        self._reader.start()
        self.ask(request("greeting", "initialize", **GREETING))
        self.send(notification("notifications/initialized"))

    @contextlib.contextmanager
    def _patient(self) -> Iterator[None]:
        """Wait for the server, which is killed where that takes too long."""
        watchdog = threading.Timer(PATIENCE_SECONDS, self._process.kill)
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()

    def _read_log(self, stream: IO[bytes]) -> None:
        self.log += [line.decode().rstrip("\n") for line in stream]

    def send(self, *lines: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"".join(line + b"\n" for line in lines))
        self._process.stdin.flush()

    def answer(self) -> Json:
        """The next answer."""
        assert self._process.stdout is not None
        with self._patient():
            while line := self._process.stdout.readline():
                message: Json = json.loads(line)
                if "method" not in message:
                    return message
        raise AssertionError("\n".join(["the server has ended", *self.log]))

    def ask(self, line: bytes) -> Json:
        self.send(line)
        return self.answer()

    def close(self) -> int:
        """End stdin, and wait for the server to end; the exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        with self._patient():
            code = self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        return code


class Http:
    """An initialized session of streamable HTTP, to which any bytes can be sent."""

    def __init__(self, server: HttpServer, **capabilities: Any) -> None:
        self.client = server.client()
        self.client.headers.update({**ACCEPT, "Content-Type": "application/json"})
        with self.post(request("greeting", "initialize", **{**GREETING, "capabilities": capabilities})) as greeted:
            greeted.read()
        self.client.headers["mcp-session-id"] = greeted.headers["mcp-session-id"]
        with self.post(notification("notifications/initialized")) as told:
            assert told.status_code == 202

    def post(self, body: bytes) -> Any:
        return self.client.stream("POST", "mcp", content=body)

    def ask(self, body: bytes) -> Json:
        with self.post(body) as response:
            return next(message for message in messages(response) if "method" not in message)


def messages(response: httpx.Response) -> Iterator[Json]:
    """The messages of an answer as they come."""
    if response.headers["content-type"].startswith("text/event-stream"):
        yield from (json.loads(line[5:]) for line in response.iter_lines() if line.startswith("data: {"))
    else:
        yield json.loads(response.read())


@pytest.fixture(scope="module")
def stdio(films_settings: Settings) -> Iterator[Stdio]:
    client = Stdio(films_settings)
    yield client
    assert client.close() == 0
    log_is_short(client.log)


@pytest.fixture(scope="module")
def server(films_settings: Settings) -> Iterator[HttpServer]:
    with http_server(films_settings.state_folder, RECSYS_MAX_BODY_KB="65536") as running:
        yield running
        assert running.end() == 0
        log_is_short(running.log)


def log_is_short(log: list[str]) -> None:
    """Check that no message causes a traceback, or more than one line that quotes it."""
    assert not [line for line in log if "Traceback" in line or len(line) > MOST_CHARACTERS + 150]


@pytest.fixture(scope="module", params=TRANSPORTS)
def client(request: pytest.FixtureRequest) -> Stdio | Http:
    if request.param == "stdio":
        over_stdio: Stdio = request.getfixturevalue("stdio")
        return over_stdio
    return Http(request.getfixturevalue("server"))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_fuzzed_messages_are_answered_as_they_must_be(films_settings: Settings, transport: str) -> None:
    tally = asyncio.run(fuzz(transport, films_settings.state_folder, range(600), seed=7, patience=PATIENCE_SECONDS))
    assert not [(fault, tally.examples[fault]) for fault in FAULTS if tally.faults[fault]]
    assert tally.calls >= 600
    for outcome in ("ok", "tool error", "protocol error"):  # else the fuzzer tests nothing
        assert tally.outcome(outcome) > 50


def spliced(member: bytes) -> bytes:
    """A valid request with a further member before its ID."""
    return b'{"jsonrpc": "2.0", "method": "ping", "x": ' + member + b', "id": "mine"}'


@pytest.mark.parametrize(
    ("raw", "code", "identifier", "said"),
    [
        (spliced(b"[" * 250 + b"]" * 250), INVALID_REQUEST, "mine", "251 levels deep; 200 are the most"),
        (spliced(b'{"id":' * 9_000 + b"1" + b"}" * 9_000), INVALID_REQUEST, "mine", "9,001 levels deep"),
        (spliced(b"[" * 100_000), INVALID_REQUEST, None, "100,001 levels deep"),
        (spliced(b'"\\ud800"'), PARSE_ERROR, "mine", "cannot be read as JSON"),
        (spliced(b'"\xff"'), PARSE_ERROR, "mine", "cannot be read as JSON"),
        (spliced(b'"\x00"'), PARSE_ERROR, "mine", "cannot be read as JSON"),
        (spliced(b"9" * 5_000), PARSE_ERROR, "mine", "cannot be read as JSON"),
        (b'{"id": 7, "jsonrpc": "2.0", "method": "pi', PARSE_ERROR, 7, "cannot be read as JSON"),
        (b'{"id": "a \\"b\\" \\\\", "x": "\\', PARSE_ERROR, 'a "b" \\', "cannot be read as JSON"),
        (b'{"id": "\\ud800", "x"', PARSE_ERROR, None, "cannot be read as JSON"),
        (b'{"x": {"id": 7}, "y"', PARSE_ERROR, None, "cannot be read as JSON"),
        (b'{"id": 7', PARSE_ERROR, None, "cannot be read as JSON"),  # it may go on: 70, 71
        (b'"' + b'\\"' * 200_000, PARSE_ERROR, None, "cannot be read as JSON"),
        (b"hello", PARSE_ERROR, None, "cannot be read as JSON"),
        (b"7", INVALID_REQUEST, None, "(got 7)"),
        (b"[" + request(1, "ping") + b"]", INVALID_REQUEST, None, "batches are not taken"),
        (b"[]", INVALID_REQUEST, None, "batches are not taken"),
        (request(1, "ping").replace(b"1", b"null"), INVALID_REQUEST, None, "id is a whole number or a text (got None)"),
        (b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}', INVALID_REQUEST, None, "(got 1.5)"),
        (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', INVALID_REQUEST, None, "(got True)"),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}', INVALID_REQUEST, 1, 'jsonrpc is "2.0"'),
        (b'{"jsonrpc": "2.0", "id": 1}', INVALID_REQUEST, 1, "a request has a method"),
        (b'{"jsonrpc": "2.0", "result": {}}', INVALID_REQUEST, None, "an answer has the id of a request"),
        (b'{"jsonrpc": "2.0", "id": 1, "result": 5}', INVALID_REQUEST, None, "an answer has an object as result"),
        (b'{"jsonrpc": "2.0", "id": 1, "error": "x"}', INVALID_REQUEST, None, "or a JSON-RPC error"),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 5}', INVALID_REQUEST, 1, "method is a text (got 5)"),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}', INVALID_REQUEST, 1, "params is an object"),
        (request(1, LONG), METHOD_NOT_FOUND, 1, "there is no method '\\u202elong"),
    ],
    ids=itertools.count(),
)
def test_what_is_no_message_is_answered(
    client: Stdio | Http, raw: bytes, code: int, identifier: int | str | None, said: str
) -> None:
    answer = client.ask(raw)
    assert (answer["error"]["code"], answer["id"]) == (code, identifier)
    assert said in answer["error"]["message"]
    assert client.ask(request("next", "ping"))["result"] == {}


def test_as_deep_as_is_taken_is_answered_by_the_tool(client: Stdio | Http) -> None:
    value: Any = 1
    for _ in range(DEEPEST - 3):
        value = [value]
    answer = client.ask(call(1, HISTORY, user=value))
    assert answer["result"]["isError"]
    assert len(answer["result"]["content"][0]["text"]) < 500


def test_empty_lines_are_none_and_others_may_end_as_on_windows(stdio: Stdio) -> None:
    stdio.send(b"", b"\r", b"  \t", request(1, "ping") + b"\r")
    assert stdio.answer() == {"jsonrpc": "2.0", "id": 1, "result": {}}


def test_a_line_of_any_length_is_answered_and_not_kept(stdio: Stdio) -> None:
    stdio.send(b'{"id": 5, "x": "' + b"x" * (2 * LONGEST_LINE) + b'"}', request(6, "ping"))
    answer = stdio.answer()
    assert (answer["id"], answer["error"]["code"]) == (5, PARSE_ERROR)
    assert stdio.answer()["id"] == 6


@pytest.mark.parametrize(
    "uri",
    ["item://[::1", "item://]", "item://1\x00", "item://1\n2", "item://\u2100", "user://" + 5_000 * "9", "x", LONG],
    ids=itertools.count(),
)
def test_an_address_of_anything_is_an_error_of_the_protocol(client: Stdio | Http, uri: str) -> None:
    answer = client.ask(request(1, "resources/read", uri=uri))
    if "result" in answer:  # line 1.x leaves controls out of addresses
        assert not uri.isprintable()
        return
    assert answer["error"]["code"] in (NOT_FOUND, INVALID_PARAMS)  # the latter for what line 1.x takes for no address
    assert "defect" not in answer["error"]["message"]
    assert len(json.dumps(answer, ensure_ascii=False)) < 1_000


@pytest.mark.parametrize(
    "asked",
    [
        call(1, LONG),
        call(1, HISTORY, user=LONG),
        call(1, HISTORY, user=4, k=[LONG]),
        call(1, HISTORY, user=4, **{LONG: 1}),
        call(1, HISTORY, user=4, **{f"{LONG}{number}": 1 for number in range(300)}),
        call(1, FILTER, imdb_rating={LONG: 1}),
        call(1, FILTER, genres=[LONG] * 50),
        call(1, ITEM, items=[1], get=[LONG]),
        call(1, ITEM, item_set=LONG, get=["title"]),
        call(1, ITEM, items=[LONG] * 300, get=["title"]),
        call(1, ITEM, items=list(range(10**9, 10**9 + 3_000)), get=["title"]),
        call(1, POPULAR, user_group=[LONG]),
        request(1, "prompts/get", name=LONG),
        request(1, "prompts/get", name="recommend", arguments={"user": "4", LONG: "x"}),
        request(1, "prompts/get", name="recommend", arguments={"user": "4", "k": "9" * 5_000}),
        request(1, "resources/read", uri=f"item://{LONG}"),
        request(
            1, "completion/complete", ref={"type": "ref/prompt", "name": LONG}, argument={"name": "a", "value": ""}
        ),
        request(
            1, "completion/complete", ref={"type": "ref/resource", "uri": LONG}, argument={"name": "a", "value": ""}
        ),
        request(
            1,
            "completion/complete",
            ref={"type": "ref/prompt", "name": "recommend"},
            argument={"name": LONG, "value": ""},
        ),
        request(1, "tools/list", cursor=LONG),
        request(1, "logging/setLevel", level=LONG),
    ],
    ids=itertools.count(),
)
def test_what_an_error_repeats_of_its_input_is_escaped_and_cut(client: Stdio | Http, asked: bytes) -> None:
    answer = client.ask(asked)
    text = answer["error"]["message"] if "error" in answer else answer["result"]["content"][0]["text"]
    assert "error" in answer or answer["result"]["isError"]
    assert "\u202e" not in text
    assert "defect" not in text
    assert (MOST_CHARACTERS // 5) * "long " not in text
    assert len(text) < 1_800


@pytest.mark.parametrize("argument", ["user", "genres", "actors", "item"])
def test_what_has_been_typed_may_be_of_any_length(client: Stdio | Http, argument: str) -> None:
    prompt = {"user": "recommend", "item": "about_item"}.get(argument, "recommend_by_attributes")
    reference = {"type": "ref/prompt", "name": prompt}
    for typed in ("_%" * 40_000, "\\" * 300, "x\x00" * 256):
        asked = request(1, "completion/complete", ref=reference, argument={"name": argument, "value": typed})
        assert client.ask(asked)["result"]["completion"]["values"] == []


def test_a_storm_of_calls_that_are_given_up_leaves_the_server_as_it_was(stdio: Stdio) -> None:
    lines = []
    for number in range(300):
        lines.append(call(number, FILTER, genres=["Comedy"], imdb_rating={"gt": number / 100}))
        lines.append(notification("notifications/cancelled", requestId=number, reason="" if number % 20 else LONG))
    sender = threading.Thread(target=stdio.send, args=(*lines, call("last", FILTER, genres=["War"])))
    sender.start()
    answered = Counter[int | str]()
    while "last" not in answered:
        answered[stdio.answer()["id"]] += 1
    sender.join()
    stdio.send(request("after", "ping"))
    while "after" not in answered:
        answered[stdio.answer()["id"]] += 1
    assert set(answered.values()) == {1}


def test_answers_to_what_was_never_asked_are_dropped(client: Stdio | Http) -> None:
    unasked = json.dumps({"jsonrpc": "2.0", "id": LONG, "result": {LONG: LONG}}).encode()
    if isinstance(client, Stdio):
        client.send(unasked)
    else:
        with client.post(unasked) as response:
            assert response.status_code == 202
    assert client.ask(request("next", "ping"))["result"] == {}


def test_an_id_is_one_open_request_s_of_a_session(server: HttpServer) -> None:
    asker = Http(server, elicitation={})
    with asker.post(call(1, HISTORY)) as response:
        told = messages(response)
        question = next(message for message in told if message.get("method") == "elicitation/create")
        for twin in (1, "1"):
            refused = asker.ask(request(twin, "ping"))
            assert (refused["id"], refused["error"]["code"]) == (twin, INVALID_REQUEST)
            assert "is still open" in refused["error"]["message"]
        assert Http(server).ask(request(1, "ping"))["result"] == {}  # another session
        answer = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"user": 4}}}
        with asker.post(json.dumps(answer).encode()) as accepted:
            assert accepted.status_code == 202
        assert not next(told)["result"]["isError"]
    assert asker.ask(request(1, "ping"))["result"] == {}


@pytest.mark.parametrize(
    "outcome",
    [
        {"result": {"action": 5}},
        {"result": {}},
        {"result": {"action": "accept", "content": [LONG]}},
        {"result": {"action": "accept", "content": {"user": [LONG]}}},
        {"result": {"action": "accept", "content": {"user": LONG}}},
        {"result": {"action": "accept", "content": {"user": {LONG: LONG}}}},
        {"error": {"code": -1, "message": LONG, "data": LONG}},
    ],
    ids=itertools.count(),
)
def test_a_question_answered_with_anything_is_an_error_of_the_tool(server: HttpServer, outcome: Json) -> None:
    asker = Http(server, elicitation={})
    with asker.post(call(1, HISTORY)) as response:
        told = messages(response)
        question = next(message for message in told if message.get("method") == "elicitation/create")
        with asker.post(json.dumps({"jsonrpc": "2.0", "id": question["id"], **outcome}).encode()) as accepted:
            assert accepted.status_code == 202
        result = next(told)["result"]
    assert result["isError"]
    assert len(result["content"][0]["text"]) < 2 * MOST_CHARACTERS


def test_plug_ins_that_raise_anything_cost_their_calls_alone(films_settings: Settings, tmp_path: Path) -> None:
    raised = {"leaving": "SystemExit(3)", "endless": "RecursionError()", "wordy": "KeyError(9_999 * 'x')"}
    files = {
        name: greeting(f"{name}_tool").replace("    return Result(", f"    raise {error}\n    return Result(")
        for name, error in raised.items()
    }
    client = Stdio(films_settings, RECSYS_TOOLS_PATH=str(write(tmp_path / "tools", **files)))
    for name in raised:
        result = client.ask(call(1, f"{name}_tool"))["result"]
        assert result["isError"]
        assert f"{name}_tool failed by a defect of the server" in result["content"][0]["text"]
    assert client.ask(request("next", "ping"))["result"] == {}
    assert client.close() == 0


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x" * 199,
        "x" * 201,
        "'" * 500,
        "\x00" * 199,
        "🎬" * 300,
        10**4_000,
        ["x" * 500] * 500,
        {"a": {"b": "x" * 500}},
    ],
    ids=itertools.count(),
)
def test_a_quotation_is_printable_and_short(value: object) -> None:
    text = quoted(value)
    assert text.isprintable()
    assert len(text) <= MOST_CHARACTERS
    assert ("…" in text) == (len(repr(value)) > MOST_CHARACTERS)


def test_of_many_wrong_values_some_are_quoted_and_the_others_counted() -> None:
    assert quoted_list([1, "two"]) == "1, 'two'"
    assert quoted_list(range(300)) == "0, 1, 2, 3, 4 and 295 more"
