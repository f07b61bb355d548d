"""`recsys-agent ask` as scripts use it: a real process, its output, its exit code."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.agent.commands import QUESTION, RECOMMENDING, endpoint, run
from tests.agent.conftest import TOKEN
from tests.agent.scripted_models import Refuse, Say, ScriptedModel, call
from tests.names import FILTER, FIND_USERS, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, STATISTICS, USER
from tests.running_servers import HttpServer

TEN = {RECOMMEND, FILTER, SEARCH, LIKE, POPULAR, USER, ITEM, HISTORY, FIND_USERS, STATISTICS}


# One question


def test_ask_prints_the_answer_and_tells_aside_what_was_called(
    model: ScriptedModel, environment: dict[str, str]
) -> None:
    model.play(*RECOMMENDING)
    ended = run(["ask", QUESTION, *endpoint(model)], environment)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("Three comedies:\n")
    assert "First the comedies, then their ranking." in ended.stderr
    assert "item_filter_tool(genres=['Comedy'])" in ended.stderr
    assert "3 films for viewer 98, among 505 films, best first." in ended.stderr


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


def test_ask_points_out_what_no_tool_has_returned(
    model: ScriptedModel, environment: dict[str, str], there: list[str]
) -> None:
    model.play(call(HISTORY, {"user": 90, "k": 3}), Say("- **The Film That Never Was** (ID 99999)"))
    ended = run(["ask", "What did user 90 see?", *there], environment)
    assert ended.returncode == 0
    assert "no tool has returned “The Film That Never Was” (ID 99999)" in " ".join(ended.stderr.split())


def test_ask_without_an_end_is_told_by_the_exit_code(
    model: ScriptedModel, environment: dict[str, str], there: list[str]
) -> None:
    again = call(HISTORY, {"user": 90})
    model.play(then=again)
    ended = run(["ask", "History of user 90", "--max-steps", "2", *there], environment)
    assert ended.returncode == 1
    assert "after 2 rounds of tool calls" in ended.stdout


def test_a_named_session_is_gone_on_with_by_another_process(
    model: ScriptedModel, environment: dict[str, str], there: list[str]
) -> None:
    kept = [*there, "--session", "monday"]
    model.play(*RECOMMENDING)
    assert run(["ask", QUESTION, *kept], environment).returncode == 0
    model.play(Say("I filtered, then ranked."))
    assert run(["ask", "How did you get there?", *kept], environment).returncode == 0
    assert model.readings[-1].questions == [QUESTION, "How did you get there?"]
    assert [exchange.tool for exchange in model.readings[-1].exchanges] == [FILTER, RECOMMEND]


def test_a_running_server_is_used_with_its_token(
    model: ScriptedModel, environment: dict[str, str], running_server: HttpServer
) -> None:
    for path in ("mcp", "sse"):
        model.play(*RECOMMENDING)
        there = [*endpoint(model), "--server", f"{running_server.base}/{path}"]
        ended = run(["ask", QUESTION, *there, "--token", TOKEN], environment)
        assert ended.returncode == 0, ended.stderr
        assert refusal(["ask", QUESTION, *there], environment).endswith("it asks for a token: pass --token")
        wrong = [*there, "--token", "a-token-that-nobody-knows"]
        assert refusal(["ask", QUESTION, *wrong], environment).endswith("it does not accept this token")
    there = [*endpoint(model), "--server", f"{running_server.base}/elsewhere"]
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
    assert set(model.readings[0].tools) == {f"{side}_{name}" for side in ("east", "west") for name in TEN}
    assert "# Server east" in model.readings[0].system


def test_own_words_are_added_or_take_the_place_of_the_servers(
    model: ScriptedModel, environment: dict[str, str], there: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "words.md"
    file.write_text("Answer in verse.")
    model.play(Say("A verse."))
    assert run(["ask", "Hello", *there, "--add-prompt", str(file)], environment).returncode == 0
    assert model.readings[-1].system.endswith("Answer in verse.")
    assert "How to answer:" in model.readings[-1].system
    model.play(Say("A verse."))
    assert run(["ask", "Hello", *there, "--prompt", str(file)], environment).returncode == 0
    assert model.readings[-1].system == "Answer in verse."


def test_the_first_of_several_models_is_asked_at_its_own_endpoint(
    model: ScriptedModel, environment: dict[str, str], running_server: HttpServer
) -> None:
    model.play(Say("Hello."))
    words = ["--model", "openai:scripted", "--model", "openai:other", "--key-variable", "other=OTHER_KEY"]
    words += ["--base-url", f"scripted={model.url}/v1", "--base-url", "other=http://127.0.0.1:9/v1", "--timeout", "60"]
    there = ["--server", f"{running_server.base}/mcp", "--token", TOKEN]
    ended = run(["ask", "Hello", *words, *there], environment | {"OTHER_KEY": "x", "OPENAI_API_KEY": "sk-1"})
    assert (ended.returncode, ended.stdout) == (0, "Hello.\n"), ended.stderr
    assert "sk-1" not in model.readings[-1].authorization


def test_the_version_is_that_of_the_package(environment: dict[str, str]) -> None:
    assert run(["--version"], environment).stdout == f"{version('recsys-mcp')}\n"


# What cannot be done


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--no-such-option"],
        ["ask", "--help"],
        ["ask"],
        ["ask", QUESTION, "--model", "gpt-4.1"],
        ["chat", "--model", "ollama:x", "--server", "nowhere"],
        ["web", "--model", "x"],
        ["evaluate", "--model", "ollama:x", "--price", "x"],
        ["evaluate", "--model", "ollama:x", "--out", "README.md"],
    ],
)
def test_langchain_is_imported_for_conversations_only(words: list[str], environment: dict[str, str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "agent_client", *words]
    said = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False).stderr
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in said.splitlines() if "import time:" in line
    }
    assert "agent_client" in imported
    assert imported & {"langchain_core", "langgraph", "langchain_mcp_adapters", "langchain_openai", "mcp"} == set()


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
        (["--model", "ollama:x", "--model", "openai:gpt-4.1"], "openai:gpt-4.1 needs a key: set OPENAI_API_KEY"),
        (["--model", "ollama:x", "--model", "openai:y", "--base-url", "http://a/v1"], "write --base-url ollama:x=..."),
        (["--model", "openai:x", "--key-variable", "sk-proj-1"], "takes the name of an environment variable"),
        (["--model", "ollama:x", "--server", "localhost:8000"], "is not the URL of a server"),
        (["--model", "ollama:x", "--server", "http://127.0.0.1:9/mcp"], "nothing answers there; is it running?"),
        (["--model", "ollama:x", "--server", "http://a", "--config", "b"], "give either --server or --config"),
        (["--model", "ollama:x", "--config", "no-such-file.json"], "no-such-file.json cannot be read"),
        (["--model", "ollama:x", "--prompt", "no-such-file.md"], "no-such-file.md cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words: list[str], said: str, environment: dict[str, str]) -> None:
    assert said in refusal(["ask", QUESTION, *words], environment)


@pytest.mark.parametrize(("model", "url"), [("ollama:x", "http://127.0.0.1:9"), ("openai:x", "http://127.0.0.1:9/v1")])
def test_a_model_that_cannot_be_reached(
    model: str, url: str, environment: dict[str, str], running_server: HttpServer
) -> None:
    words = ["--model", model, "--base-url", url, "--server", f"{running_server.base}/mcp", "--token", TOKEN]
    assert f"{url} cannot be reached" in refusal(["ask", QUESTION, *words], environment)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "names no servers"),
        ('{"mcpServers": {}}', "names no servers"),
        ('{"mcpServers": {"east": {}}}', "server 'east' has neither a command nor a url"),
        ('{"mcpServers": {"east": {"command": "x", "args": "-v"}}}', "args of server 'east' has to be a list"),
        ('{"mcpServers": {"east": {"command": "x", "env": ["A=1"]}}}', "env of server 'east' has to be an object"),
        ('{"mcpServers": {"east": {"url": "http://x/mcp", "headers": "A: 1"}}}', "headers of server 'east' has to be"),
        ('{"mcpServers": {"east": {"command": "no-such-program"}}}', "there is no program 'no-such-program'"),
    ],
)
def test_a_file_of_servers_that_cannot_be_used(
    content: str, said: str, environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "mcp.json"
    file.write_text(content)
    assert said in refusal(["ask", QUESTION, "--model", "ollama:x", "--config", str(file)], environment)


def test_a_key_that_is_not_accepted(model: ScriptedModel, environment: dict[str, str], there: list[str]) -> None:
    model.play(then=Refuse(401, "Incorrect API key provided"))
    assert "does not accept the key in OPENAI_API_KEY" in refusal(["ask", QUESTION, *there], environment)
