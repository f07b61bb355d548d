"""`recsys-agent` as a person and as a script use it: a real process, on a real terminal where it is a chat."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from mcp_server.settings import Settings
from tests.agent.scripted_models import Hang, Reading, Refuse, Say, ScriptedModel, call
from tests.names import FILTER, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, USER
from tests.serving import http_server

COMMAND = [sys.executable, "-m", "agent_client"]

PATIENCE_SECONDS = 60

EIGHT = {RECOMMEND, FILTER, SEARCH, LIKE, POPULAR, USER, ITEM, HISTORY}

QUESTION = "Recommend 3 comedies to user 98"


@pytest.fixture
def environment(films_settings: Settings, tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RECSYS_", "OPENAI_", "OLLAMA_"))}
    return {
        **kept,
        "RECSYS_DATASET": films_settings.dataset,
        "RECSYS_STATE": str(films_settings.state_folder),
        "RECSYS_AGENT_STATE": str(tmp_path / "agent"),
        "NO_COLOR": "1",
        "TERM": "xterm-256color",
    }


@pytest.fixture
def model(scripted_model: ScriptedModel) -> Iterator[ScriptedModel]:
    scripted_model.play()
    scripted_model.readings.clear()
    yield scripted_model


def endpoint(model: ScriptedModel) -> list[str]:
    return ["--model", "openai:scripted", "--base-url", f"{model.url}/v1"]


def within(reading: Reading) -> dict[str, Any]:
    return {"user": 98, "k": 3, "item_set": reading.last(FILTER)["item_set"]}


def table(reading: Reading) -> str:
    rows = (f"| {item['title']} | {item['item_id']} |" for item in reading.last(RECOMMEND)["items"])
    return "\n".join(["Three comedies:", "", "| title | ID |", "|---|---|", *rows])


RECOMMENDING = (
    call(FILTER, {"genres": ["Comedy"]}, text="First the comedies, then their ranking."),
    call(RECOMMEND, within),
    Say(table),
)


def run(words: list[str], environment: dict[str, str], text: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *words],
        env=environment,
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_SECONDS,
        check=False,
    )


# One question


def test_ask_prints_the_answer_and_tells_aside_what_was_called(
    model: ScriptedModel, environment: dict[str, str]
) -> None:
    model.play(*RECOMMENDING)
    ended = run(["ask", QUESTION, *endpoint(model)], environment)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("Three comedies:\n")
    assert "item_filter_tool(genres=['Comedy'])" in ended.stderr
    assert "3 films for viewer 98, best first." in ended.stderr


def test_ask_as_json_has_the_answer_the_calls_and_their_results(
    model: ScriptedModel, environment: dict[str, str]
) -> None:
    model.play(*RECOMMENDING)
    ended = run(["ask", "-", "--json", *endpoint(model)], environment, text=QUESTION)
    assert (ended.returncode, ended.stderr) == (0, "")
    told = json.loads(ended.stdout)
    assert [(entry["tool"], entry["arguments"].get("k")) for entry in told["calls"]] == [(FILTER, None), (RECOMMEND, 3)]
    titles = [item["title"] for item in told["calls"][1]["result"]["items"]]
    assert len(titles) == 3
    assert all(title in told["answer"] for title in titles)
    assert told["unsupported"] == []
    assert told["complete"] is True


def test_ask_points_out_what_no_tool_has_returned(model: ScriptedModel, environment: dict[str, str]) -> None:
    model.play(call(HISTORY, {"user": 90, "k": 3}), Say("- **The Film That Never Was** (ID 99999)"))
    ended = run(["ask", "What did user 90 see?", *endpoint(model)], environment)
    assert ended.returncode == 0
    assert "No tool has returned The Film That Never Was, ID 99999" in " ".join(ended.stderr.split())


def test_ask_without_an_end_is_told_by_the_exit_code(model: ScriptedModel, environment: dict[str, str]) -> None:
    again = call(HISTORY, {"user": 90})
    model.play(then=again)
    ended = run(["ask", "History of user 90", "--max-steps", "2", *endpoint(model)], environment)
    assert ended.returncode == 1
    assert "after 2 rounds of tool calls" in ended.stdout


def test_a_named_session_is_gone_on_with_by_another_process(model: ScriptedModel, environment: dict[str, str]) -> None:
    kept = [*endpoint(model), "--session", "monday"]
    model.play(*RECOMMENDING)
    assert run(["ask", QUESTION, *kept], environment).returncode == 0
    model.play(Say("I filtered, then ranked."))
    assert run(["ask", "How did you get there?", *kept], environment).returncode == 0
    assert model.readings[-1].questions == [QUESTION, "How did you get there?"]
    assert [exchange.tool for exchange in model.readings[-1].exchanges] == [FILTER, RECOMMEND]


def test_a_running_server_is_used_with_its_token(
    model: ScriptedModel, environment: dict[str, str], films_settings: Settings
) -> None:
    token = "a-token-for-these-tests"
    with http_server(films_settings.state_folder, RECSYS_TOKENS=token) as server:
        for path in ("mcp", "sse"):
            model.play(*RECOMMENDING)
            there = [*endpoint(model), "--server", f"{server.base}/{path}"]
            ended = run(["ask", QUESTION, *there, "--token", token], environment)
            assert ended.returncode == 0, ended.stderr
            assert refusal(["ask", QUESTION, *there], environment).endswith("it asks for a token: pass --token")
            wrong = [*there, "--token", "a-token-that-nobody-knows"]
            assert refusal(["ask", QUESTION, *wrong], environment).endswith("it does not accept this token")
        there = [*endpoint(model), "--server", f"{server.base}/elsewhere"]
        assert "there is no MCP server at this path" in refusal(["ask", QUESTION, *there], environment)


def test_several_servers_from_a_file_keep_their_tools_apart(
    model: ScriptedModel, environment: dict[str, str], tmp_path: Path
) -> None:
    entry = {"command": sys.executable, "args": ["-m", "mcp_server", "serve"], "env": {"RECSYS_LOG_LEVEL": "WARNING"}}
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"east": entry, "west": entry}}))
    model.play(call(f"west_{HISTORY}", {"user": 90, "k": 1}), Say("There."))
    ended = run(["ask", "History of user 90", "--config", str(file), *endpoint(model)], environment)
    assert ended.returncode == 0, ended.stderr
    assert set(model.readings[0].tools) == {f"{side}_{name}" for side in ("east", "west") for name in EIGHT}
    assert "# Server east" in model.readings[0].system


def test_own_words_are_added_or_take_the_place_of_the_servers(
    model: ScriptedModel, environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "words.md"
    file.write_text("Answer in verse.")
    model.play(Say("A verse."))
    assert run(["ask", "Hello", *endpoint(model), "--add-prompt", str(file)], environment).returncode == 0
    assert model.readings[-1].system.endswith("Answer in verse.")
    assert "How to answer:" in model.readings[-1].system
    model.play(Say("A verse."))
    assert run(["ask", "Hello", *endpoint(model), "--prompt", str(file)], environment).returncode == 0
    assert model.readings[-1].system == "Answer in verse."


# What cannot be done


def refusal(words: list[str], environment: dict[str, str]) -> str:
    """What is said where a command cannot be done: one line, exit code 2."""
    ended = run(words, environment)
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("recsys-agent: ")
    return line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "openai:gpt-4.1"], "needs a key: set OPENAI_API_KEY"),
        (["--model", "gpt-4.1"], "'gpt-4.1' is not a model: write openai:NAME or ollama:NAME"),
        (["--model", "ollama:"], "is not a model"),
        (["--model", "ollama:x", "--server", "localhost:8000"], "is not the URL of a server"),
        (["--model", "ollama:x", "--server", "http://127.0.0.1:9/mcp"], "nothing answers there; is it running?"),
        (["--model", "ollama:x", "--server", "http://a", "--config", "b"], "give either --server or --config"),
        (["--model", "ollama:x", "--config", "no-such-file.json"], "no-such-file.json cannot be read"),
        (["--model", "ollama:x", "--prompt", "no-such-file.md"], "no-such-file.md cannot be read"),
        (["--model", "ollama:x", "--base-url", "http://127.0.0.1:9"], "http://127.0.0.1:9 cannot be reached"),
        (["--model", "openai:x", "--base-url", "http://127.0.0.1:9/v1"], "http://127.0.0.1:9/v1 cannot be reached"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words: list[str], said: str, environment: dict[str, str]) -> None:
    assert said in refusal(["ask", QUESTION, *words], environment)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "names no servers"),
        ('{"mcpServers": {}}', "names no servers"),
        ('{"mcpServers": {"east": {}}}', "server 'east' has neither a command nor a url"),
        ('{"mcpServers": {"east": {"command": "no-such-program"}}}', "there is no program 'no-such-program'"),
    ],
)
def test_a_file_of_servers_that_cannot_be_used(
    content: str, said: str, environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "mcp.json"
    file.write_text(content)
    assert said in refusal(["ask", QUESTION, "--model", "ollama:x", "--config", str(file)], environment)


def test_a_key_that_is_not_accepted(model: ScriptedModel, environment: dict[str, str]) -> None:
    model.play(then=Refuse(401, "Incorrect API key provided"))
    assert "does not accept the key in OPENAI_API_KEY" in refusal(["ask", QUESTION, *endpoint(model)], environment)


# A chat


@contextmanager
def chatting(words: list[str], environment: dict[str, str]) -> "Iterator[pexpect.spawn[str]]":
    terminal: pexpect.spawn[str] = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "chat", *words],
        env=environment,  # type: ignore[arg-type]
        dimensions=(40, 140),
        encoding="utf-8",
        timeout=PATIENCE_SECONDS,
    )
    try:
        terminal.expect("/help for help")
        terminal.expect("›")
        yield terminal
    finally:
        terminal.close(force=True)


def plain(text: str) -> str:
    """Without the terminal's control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\r", "", text)


def test_a_chat_shows_calls_and_answers_and_saves_itself(
    model: ScriptedModel, environment: dict[str, str], tmp_path: Path
) -> None:
    model.play(*RECOMMENDING)
    file = tmp_path / "saved.md"
    with chatting(endpoint(model), environment) as terminal:
        terminal.sendline(QUESTION)
        terminal.expect("best first")
        terminal.expect("Three comedies")
        terminal.expect("›")
        terminal.sendline("/steps")
        terminal.expect("2\\. ")
        terminal.expect("get_top_k_recommendations_tool")
        terminal.expect("›")
        terminal.sendline("/tools")
        terminal.expect("get_like_percentage_tool")
        terminal.expect("›")
        terminal.sendline(f"/save {file}")
        terminal.expect("saved in")
        terminal.expect("›")
        terminal.sendline("/nonsense")
        terminal.expect("There is no command /nonsense")
        terminal.expect("›")
        terminal.sendline("/quit")
        terminal.expect(pexpect.EOF)
        terminal.wait()
        assert terminal.exitstatus == 0
    saved = file.read_text()
    assert f"## {QUESTION}" in saved
    assert "- `item_filter_tool(genres=['Comedy'])`" in saved
    assert "| title | ID |" in saved


def test_ctrl_c_stops_the_answer_and_not_the_program(model: ScriptedModel, environment: dict[str, str]) -> None:
    model.play(Hang("Once upon a time"))
    with chatting(endpoint(model), environment) as terminal:
        terminal.sendline("Tell me a story")
        until = time.monotonic() + PATIENCE_SECONDS
        while not model.readings:
            assert time.monotonic() < until
            time.sleep(0.02)
        terminal.expect("Once upon a time")
        terminal.sendintr()
        terminal.expect("stopped")
        terminal.expect("›")
        model.play(call(HISTORY, {"user": 90, "k": 2}), Say("Two films."))
        terminal.sendline("History of user 90")  # by the same server, which Ctrl-C has not reached
        terminal.expect("Two films")
        terminal.expect("›")
        terminal.sendeof()
        terminal.expect(pexpect.EOF)


def test_an_error_of_the_model_ends_the_answer_and_not_the_chat(
    model: ScriptedModel, environment: dict[str, str]
) -> None:
    model.play(Refuse(404, "The model does not exist", "model_not_found"))
    with chatting(endpoint(model), environment) as terminal:
        terminal.sendline("Hello")
        terminal.expect("knows no model 'scripted'")
        terminal.expect("›")
        model.play(Say("Hello yourself."))
        terminal.sendline("Hello")
        terminal.expect("Hello yourself")


def test_a_session_greets_with_what_was_said_before(model: ScriptedModel, environment: dict[str, str]) -> None:
    kept = [*endpoint(model), "--session", "monday"]
    model.play(Say("Hello yourself."))
    assert run(["ask", "Hello", *kept], environment).returncode == 0
    with chatting(kept, environment) as terminal:
        assert "1 question so far" in plain(terminal.before or "")
        model.play(Say("Hello again."))
        terminal.send("\x1b[A")  # arrow up: the question before
        terminal.send("\r")
        terminal.expect("Hello again")
    assert model.readings[-1].questions == ["Hello", "Hello"]
