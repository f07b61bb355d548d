"""An MCP server that dies, stays away or comes back, and questions that are cancelled: the conversation is not lost."""

import asyncio
import contextlib
import json
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_client.choices import Choices
from agent_client.conversation import kept_in
from agent_client.errors import AgentError, ServerError
from agent_client.events import CallStarted
from agent_client.servers import log_file
from agent_client.servers import session as sessions
from agent_client.servers.address import ServerAddress, server_at
from agent_client.servers.connected import connected
from agent_client.servers.log_file import LogFile
from agent_client.servers.session import ServerSession
from agent_client.servers.tool_names import renamed, shown_names
from mcp_server.settings import Settings
from tests.agent.conftest import PROVIDERS, Talk, address_of
from tests.agent.opening import opened
from tests.agent.scripted_models import Call, Reading, Say, ScriptedModel, Step, call
from tests.names import FILTER, HISTORY, RECOMMEND, USER
from tests.running_servers import HttpServer

PATIENCE_SECONDS = 120

AGE = {"user": 198, "get": ["age"]}


@asynccontextmanager
async def talk_over(
    server: ServerAddress, model: ScriptedModel, provider: str = "openai", file: Path | None = None
) -> AsyncIterator[Talk]:
    async with (
        kept_in(file) as saver,
        opened(Choices(address_of(provider, model), [server]), saver) as conversation,
    ):
        yield Talk(conversation, model)


async def ask(talk: Talk, *steps: Step) -> list[str]:
    """What the model reads of the calls of a question, which must be answered in a while."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        turn = await talk.ask("?", *steps)
    n_calls = len(turn.ended)
    return [exchange.result for exchange in turn.last_reading.exchanges[-n_calls:]] if n_calls else []


def stdio_server() -> psutil.Process:
    """The process that the open conversation has started; those of fixtures have ports."""
    commands = {child: child.cmdline() for child in psutil.Process().children()}
    (process,) = (child for child, words in commands.items() if "mcp_server" in words and "--port" not in words)
    return process


# Over stdio


async def test_a_server_killed_between_questions_is_started_again(
    films_server: ServerAddress, scripted_model: ScriptedModel
) -> None:
    async with talk_over(films_server, scripted_model) as talk:
        await ask(talk, call(USER, AGE), Say("21."))
        first = stdio_server()
        first.kill()
        first.wait()
        (found,) = await ask(talk, call(USER, AGE), Say("21."))
        assert '"age":21' in found
        assert stdio_server().pid != first.pid
        assert len(scripted_model.readings[-1].questions) == 2


async def test_all_calls_that_were_under_way_are_made_again(
    films_server: ServerAddress, scripted_model: ScriptedModel
) -> None:
    async with talk_over(films_server, scripted_model) as talk:
        await ask(talk, call(USER, AGE), Say("21."))
        server = stdio_server()
        server.suspend()  # so that the calls are under way when it dies
        both = Say("", (Call(USER, AGE), Call(HISTORY, {"user": 4})))
        asking = asyncio.create_task(ask(talk, both, Say("Done.")))
        await asyncio.sleep(0.3)
        assert not asking.done()
        server.kill()
        user, history = await asking
        assert '"age":21' in user
        assert '"items"' in history
        assert stdio_server().is_running()


DYING = """
import os, sys
from pathlib import Path
from mcp.server.fastmcp import FastMCP
from mcp.types import ToolAnnotations

server = FastMCP("dying", log_level="ERROR")

def die() -> None:
    with Path(__file__).with_suffix(".calls").open("a") as calls:
        calls.write("x")
    print("out of paper", file=sys.stderr, flush=True)
    os._exit(1)

server.tool("book")(die)
server.tool("look", annotations=ToolAnnotations(readOnlyHint=True))(die)
server.run()
"""


@pytest.mark.parametrize(("tool", "n_calls"), [("book", 1), ("look", 2)])
async def test_a_call_that_may_change_something_is_not_made_twice(
    scripted_model: ScriptedModel, tmp_path: Path, own_folder: Path, tool: str, n_calls: int
) -> None:
    program = tmp_path / "dying.py"
    program.write_text(DYING)
    address = ServerAddress(tool, {"transport": "stdio", "command": sys.executable, "args": [str(program)]})
    async with talk_over(address, scripted_model) as talk:
        (lost,) = await ask(talk, call(tool, {}), Say("It is lost."))
    assert "was lost during this call" in lost
    assert f"its log is {own_folder / 'logs' / f'{tool}.log'} and ends with: out of paper" in lost
    assert len(program.with_suffix(".calls").read_text()) == n_calls


def test_a_log_that_grows_too_long_loses_its_older_half(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "LONGEST_LOG", 1_000)
    log = LogFile("../chatty server")
    with log.opened() as file:
        for number in range(200):
            file.write(f"line {number}\n")
            file.flush()
            log.trim()
            assert log.path.stat().st_size <= 1_000
        assert str(log).endswith("ends with: line 199")
    assert log.path.parent == own_folder / "logs"


async def test_no_process_is_left_behind(films_server: ServerAddress, scripted_model: ScriptedModel) -> None:
    async with talk_over(films_server, scripted_model):
        process = stdio_server()
    assert not process.is_running()


async def test_a_server_that_cannot_be_started_is_reported_in_one_line(scripted_model: ScriptedModel) -> None:
    address = ServerAddress(
        "broken", {"transport": "stdio", "command": sys.executable, "args": ["-c", "raise SystemExit(3)"]}
    )
    with pytest.raises(ServerError, match="'broken'") as failed:
        async with asyncio.timeout(PATIENCE_SECONDS), talk_over(address, scripted_model):
            pass
    assert "\n" not in str(failed.value)


GREETING = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"prompts": {}},
    "serverInfo": {"name": "s", "version": "1"},
}


async def greet_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a request to open a session over HTTP, and nothing else."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = re.search(r"(?i)content-length: (\d+)", head)
    asked = json.loads(await reader.readexactly(int(length[1]))) if length else {}
    if asked.get("method") == "initialize":
        body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": GREETING}).encode()
        lines = ("HTTP/1.1 200 OK", "content-type: application/json", "mcp-session-id: one", "connection: close")
        writer.write("\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body)
        await writer.drain()
        writer.close()


async def test_a_server_that_only_greets_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its session cannot be ended either: it does not answer to that."""
    monkeypatch.setattr(sessions, "OPENING_SECONDS", 1.0)
    async with await asyncio.start_server(greet_only, "127.0.0.1", 0) as listening:
        silent = server_at(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/mcp", name="silent")
        with pytest.raises(ServerError, match="cannot be used: it has not answered for 1 s"):
            async with asyncio.timeout(PATIENCE_SECONDS), connected([silent]):
                pass


async def test_a_program_that_only_greets_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "OPENING_SECONDS", 5.0)
    greeting = GREETING | {"capabilities": {"tools": {}}}
    program = f"""
import json, sys
asked = json.loads(sys.stdin.readline())
print(json.dumps({{"jsonrpc": "2.0", "id": asked["id"], "result": {greeting}}}), flush=True)
sys.stdin.read()
"""
    silent = ServerAddress("silent", {"transport": "stdio", "command": sys.executable, "args": ["-c", program]})
    with pytest.raises(ServerError, match="lists no tools: it has not answered for 5 s"):
        async with asyncio.timeout(PATIENCE_SECONDS), connected([silent]):
            pass


async def test_a_server_without_tools_is_told_of() -> None:
    program = 'from mcp.server.fastmcp import FastMCP; FastMCP("empty", log_level="ERROR").run()'
    empty = ServerAddress("empty", {"transport": "stdio", "command": sys.executable, "args": ["-c", program]})
    with pytest.raises(ServerError, match=r"server 'empty' .*lists no tools"):
        async with connected([empty]):
            pass


async def test_a_command_that_does_not_exist_is_reported_in_one_line(scripted_model: ScriptedModel) -> None:
    address = ServerAddress("missing", {"transport": "stdio", "command": "no-such-command", "args": []})
    with pytest.raises(ServerError, match=r"'missing'.*no-such-command") as failed:
        async with asyncio.timeout(PATIENCE_SECONDS), talk_over(address, scripted_model):
            pass
    assert "\n" not in str(failed.value)


# Over HTTP


class Restarted:
    """A server over HTTP that can be stopped, and started again at the same port."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._server = self._start(0)
        self.base = self._server.base

    def _start(self, port: int) -> HttpServer:
        return HttpServer(["--transport", "http", "--state", self._state, "--port", port], {})

    def stop(self) -> None:
        self._server.end(signal.SIGKILL)

    def start(self) -> None:
        port = urlsplit(self.base).port
        assert port is not None
        self._server = self._start(port)

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def http(films_settings: Settings) -> Iterator[Restarted]:
    server = Restarted(films_settings.state_folder)
    yield server
    server.close()


@pytest.mark.parametrize("path", ["mcp", "sse"])
async def test_a_server_restarted_at_its_port_is_found_again(
    http: Restarted, scripted_model: ScriptedModel, path: str
) -> None:
    async with talk_over(server_at(f"{http.base}/{path}"), scripted_model) as talk:
        await ask(talk, call(USER, AGE), Say("21."))
        await asyncio.to_thread(http.stop)
        await asyncio.to_thread(http.start)
        (found,) = await ask(talk, call(USER, AGE), Say("21."))
        assert '"age":21' in found
        assert len(scripted_model.readings[-1].questions) == 2


async def test_a_call_of_a_session_that_is_not_known_any_more_is_made_again_whatever_it_does(http: Restarted) -> None:
    session = ServerSession(server_at(f"{http.base}/mcp"))
    try:
        await session.list_tools()
        session.tools = []  # so that nothing is known about them
        await asyncio.to_thread(http.stop)
        await asyncio.to_thread(http.start)
        result = await session.call_tool(USER, AGE)
    finally:
        await session.close()
    assert "'age': 21" in str(result.structuredContent)


@pytest.mark.parametrize("path", ["mcp", "sse"])
async def test_a_server_that_never_comes_back_is_reported_to_the_model(
    http: Restarted, scripted_model: ScriptedModel, path: str
) -> None:
    url = f"{http.base}/{path}"
    async with talk_over(server_at(url), scripted_model) as talk:
        await ask(talk, call(USER, AGE), Say("21."))
        await asyncio.to_thread(http.stop)
        (told,) = await ask(talk, call(USER, AGE), Say("The server does not answer."))
        assert f"{url} cannot be used: nothing answers there; is it running?" in told
        assert await ask(talk, Say("Still not.")) == []  # and the conversation goes on


async def test_a_server_that_comes_back_late_is_found_by_the_next_question(
    http: Restarted, scripted_model: ScriptedModel
) -> None:
    async with talk_over(server_at(f"{http.base}/mcp"), scripted_model) as talk:
        await ask(talk, call(USER, AGE), Say("21."))
        await asyncio.to_thread(http.stop)
        await ask(talk, call(USER, AGE), call(USER, AGE), Say("The server does not answer."))
        await asyncio.to_thread(http.start)
        (found,) = await ask(talk, call(USER, AGE), Say("21."))
        assert '"age":21' in found


async def test_a_place_where_nothing_listens_is_reported_in_one_line(scripted_model: ScriptedModel) -> None:
    with pytest.raises(ServerError, match="nothing answers there; is it running") as failed:
        async with asyncio.timeout(PATIENCE_SECONDS), talk_over(server_at("http://127.0.0.1:9/mcp"), scripted_model):
            pass
    assert "\n" not in str(failed.value)


async def test_a_silent_server_is_named_while_it_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sessions, "SILENT_SECONDS", 0.01)
    monkeypatch.setattr(sessions, "OPENING_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/mcp"
        with pytest.raises(ServerError, match="has not answered"):
            await ServerSession(server_at(url)).open()
    assert capsys.readouterr().err == f"waiting for the server at {url}\n"


@pytest.mark.parametrize("url", ["127.0.0.1:8000/mcp", "ftp://127.0.0.1/mcp", ""])
def test_what_is_no_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(AgentError, match=r"http://127\.0\.0\.1:8000/mcp"):
        server_at(url)


# Cancelled


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_question_cancelled_during_a_call_leaves_a_conversation_that_models_accept(
    films_server: ServerAddress, scripted_model: ScriptedModel, provider: str
) -> None:
    async with talk_over(films_server, scripted_model, provider) as talk:
        await ask(talk, call(USER, AGE), Say("21."))
        scripted_model.play(Say("I look.", (Call(RECOMMEND, {"user": 4}), Call(HISTORY, {"user": 4}))))
        with suspended(stdio_server()):
            calling = asyncio.Event()

            async def listen() -> None:
                async with aclosing(talk.conversation.ask("Recommend for user 4.")) as events:
                    async for event in events:
                        if isinstance(event, CallStarted) and event.tool == HISTORY:
                            calling.set()

            listening = asyncio.create_task(listen())
            async with asyncio.timeout(PATIENCE_SECONDS):
                await calling.wait()
                listening.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await listening
        turn = await talk.ask("Rather the age of user 198.", call(USER, AGE), Say("21."))
        earlier, recommend, history, now = turn.last_reading.exchanges
        assert "interrupted" in recommend.result
        assert "interrupted" in history.result
        assert '"age":21' in earlier.result
        assert '"age":21' in now.result
        assert turn.last_reading.questions == ["?", "Recommend for user 4.", "Rather the age of user 198."]
        assert turn.answered.text == "21."


async def test_listening_may_end_before_the_answer(films_server: ServerAddress, scripted_model: ScriptedModel) -> None:
    async with talk_over(films_server, scripted_model) as talk:
        scripted_model.play(call(USER, AGE))
        async with aclosing(talk.conversation.ask("?")) as events:
            async for event in events:
                if isinstance(event, CallStarted):
                    break
        (found,) = await ask(talk, call(USER, AGE), Say("21."))
        assert '"age":21' in found
        assert len(scripted_model.readings[-1].exchanges) == 2


@contextlib.contextmanager
def suspended(process: psutil.Process) -> Iterator[None]:
    process.suspend()
    try:
        yield
    finally:
        process.resume()


# Kept in a file


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_conversation_kept_in_a_file_is_remembered_when_opened_again(
    films_server: ServerAddress, scripted_model: ScriptedModel, tmp_path: Path, provider: str
) -> None:
    file = tmp_path / "new" / "conversations.sqlite"
    async with talk_over(films_server, scripted_model, provider, file) as talk:
        first = await talk.ask("Recommend for user 4.", call(RECOMMEND, {"user": 4}), Say("Done."))
    async with talk_over(films_server, scripted_model, provider, file) as talk:
        turn = await talk.ask("Name the best again.", Say(best_again))
        everything = await talk.conversation.messages()
    assert turn.last_reading.questions == ["Recommend for user 4.", "Name the best again."]
    assert "Done." in turn.last_reading.answers
    assert [exchange.result for exchange in turn.last_reading.exchanges] == [event.text for event in first.ended]
    assert turn.answered.unsupported == []
    assert [message.type for message in everything] == ["human", "ai", "tool", "ai", "human", "ai"]


def best_again(reading: Reading) -> str:
    best = reading.last(RECOMMEND)["items"][0]
    return f"- **{best['title']}** (ID {best['item_id']})"


async def test_threads_of_one_file_are_conversations_of_their_own(
    scripted_model: ScriptedModel, tmp_path: Path
) -> None:
    choices = Choices(address_of("openai", scripted_model), [])
    for thread in ("first", "second"):
        async with kept_in(tmp_path / "kept.sqlite") as saver, opened(choices, saver, thread) as conversation:
            turn = await Talk(conversation, scripted_model).ask(f"I am {thread}.", Say("Welcome."))
        assert turn.last_reading.questions == [f"I am {thread}."]


# Several servers


async def test_tools_of_several_servers_are_told_apart(
    films_server: ServerAddress, scripted_model: ScriptedModel
) -> None:
    servers = [replace(films_server, name="films"), replace(films_server, name="more films")]
    choices = Choices(address_of("openai", scripted_model), servers)
    async with kept_in(None) as saver, opened(choices, saver) as conversation:
        turn = await Talk(conversation, scripted_model).ask("?", call(f"more_films_{USER}", AGE), Say("21."))
    reading = turn.last_reading
    assert {f"films_{USER}", f"more_films_{USER}"} <= set(reading.tools)
    assert len(reading.tools) == 20
    assert "# Server films" in reading.system
    assert "# Server more films" in reading.system
    assert '"age":21' in reading.exchanges[0].result
    described = reading.tools[f"more_films_{RECOMMEND}"]
    for words in (reading.system, json.dumps(reading.tools)):
        assert not re.search(rf"(?<!films_){FILTER}", words)
    assert f"more_films_{FILTER}" in described["description"]
    assert f"more_films_{FILTER}" not in json.dumps(reading.tools[f"films_{RECOMMEND}"])


async def test_one_broken_server_does_not_stop_the_others(
    films_server: ServerAddress, scripted_model: ScriptedModel, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = server_at("http://127.0.0.1:9/mcp", name="broken")
    choices = Choices(address_of("openai", scripted_model), [broken, replace(films_server, name="films")])
    choices.check()
    async with kept_in(None) as saver, opened(choices, saver) as conversation:
        turn = await Talk(conversation, scripted_model).ask("?", call(f"films_{USER}", AGE), Say("21."))
    assert '"age":21' in turn.last_reading.exchanges[0].result
    assert len(turn.last_reading.tools) == 10
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("recsys-agent: the server at http://127.0.0.1:9/mcp cannot be used: nothing answers there")


async def test_a_server_that_could_not_be_used_is_tried_again(films_server: ServerAddress, http: Restarted) -> None:
    await asyncio.to_thread(http.stop)
    async with connected([films_server, server_at(f"{http.base}/mcp", name="late")]) as servers:
        assert len(servers.failures) == 1
        await asyncio.to_thread(http.start)
        await servers.open()
        assert servers.failures == []
        assert f"late_{USER}" in {tool.name for tool in servers.tools()}


async def test_no_server_that_can_be_used_is_an_error(scripted_model: ScriptedModel) -> None:
    broken = [server_at(f"http://127.0.0.1:9/{name}", name=name) for name in ("a", "b")]
    with pytest.raises(ServerError, match=r"127\.0\.0\.1:9/a cannot be used"):
        async with connected(broken):
            pass


LONG = "find_" + "the_very_best_" * 6 + "item"


@pytest.mark.parametrize("servers", [1, 2])
@given(names=st.lists(st.text(min_size=1) | st.sampled_from([LONG, f"{LONG}s", "é", "è", "9"]), unique=True))
def test_shown_names_are_valid_everywhere_and_unique(servers: int, names: list[str]) -> None:
    shown = shown_names([("a server", names), ("a-server", names)][:servers])
    assert [list(mapping) for mapping in shown] == [names] * servers
    everything = [name for mapping in shown for name in mapping.values()]
    assert len(set(everything)) == len(everything)
    assert all(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_-]{0,59}", name) for name in everything)


def test_a_lone_server_keeps_its_valid_names() -> None:
    assert shown_names([("films", [USER, "get-item"])]) == [{USER: USER, "get-item": "get-item"}]


def test_only_whole_names_are_renamed_and_words_only_as_code() -> None:
    shown = {"find": "east_find", "get_item": "east_get_item", "get_item_list": "east_get_item_list", "same": "same"}
    text = "To find one, call `find` or `find(x)`, get_item, then get_item_list; not forget_item or get_item-2. `same`"
    assert renamed(text, shown) == (
        "To find one, call `east_find` or `east_find(x)`, east_get_item, then east_get_item_list; "
        "not forget_item or get_item-2. `same`"
    )
    schema = {
        "properties": {"get_item": {"description": "From get_item", "enum": ["get_item"]}},
        "required": ["get_item"],
    }
    assert renamed(schema, shown) == {
        "properties": {"get_item": {"description": "From east_get_item", "enum": ["get_item"]}},
        "required": ["get_item"],
    }
