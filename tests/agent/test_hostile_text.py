"""A server whose titles attack the terminal, and a model that repeats them: what is shown is text."""

import json
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from agent_client.events import CallEnded
from agent_client.web.lists import listing_of
from tests.agent.commands import endpoint, run
from tests.agent.scripted_models import Say, ScriptedModel, call
from tests.agent.test_chat import chatting, plain
from tests.shared.test_plain_text import commands_in

TITLE = "Heat\x1b]0;owned\x07 [/b] [red]\x9b31m\u202ereversed\u202c :smile: \x1b]8;;http://evil.test\x07here"

SEEN = "Heat␛]0;owned␇ [/b] [red]�31m�reversed� :smile: ␛]8;;http://evil.test␇here"

LINK = "[click](javascript:alert) and [there](http://evil.test/?q=1)"

SERVER = f"""
from mcp.server.fastmcp import FastMCP

server = FastMCP("films", log_level="ERROR")

@server.tool()
def films() -> dict[str, object]:
    return {{"message": {TITLE!r}, "items": [{{"item_id": 1, "title": {TITLE!r}}}]}}

server.run()
"""


@pytest.fixture
def words(model: ScriptedModel, tmp_path: Path) -> list[str]:
    """Options: the scripted model, and a server with such titles."""
    program, config = tmp_path / "server.py", tmp_path / "mcp.json"
    program.write_text(SERVER, encoding="utf-8")
    config.write_text(json.dumps({"mcpServers": {"films": {"command": sys.executable, "args": [str(program)]}}}))
    return [*endpoint(model), "--config", str(config)]


def assert_plain(text: str) -> None:
    assert not set(commands_in(text)) - {"\n", "\t"}, repr(text)


def test_an_answer_for_scripts_is_text(model: ScriptedModel, environment: dict[str, str], words: list[str]) -> None:
    model.play(call("films", {}), call(f"none\n{TITLE}", {}), Say(f"The film:\n\n- {TITLE}"))
    ended = run(["ask", "Which film?", *words], environment)
    assert ended.returncode == 0, ended.stderr
    assert_plain(ended.stdout + ended.stderr)
    assert ended.stdout == f"The film:\n\n- {SEEN}\n"
    assert SEEN.split()[0] in ended.stderr


def test_as_json_it_is_the_same_for_programs(
    model: ScriptedModel, environment: dict[str, str], words: list[str]
) -> None:
    model.play(call("films", {}), Say(TITLE))
    ended = run(["ask", "Which film?", "--json", *words], environment)
    assert_plain(ended.stdout + ended.stderr)
    told = json.loads(ended.stdout)
    assert told["answer"] == TITLE
    assert told["calls"][0]["result"]["items"][0]["title"] == TITLE


def test_on_a_terminal_only_the_program_commands(
    model: ScriptedModel, environment: dict[str, str], words: list[str], tmp_path: Path
) -> None:
    model.play(call("films", {}), Say(f"{TITLE}\n\n{LINK}\n\nThat was all."))
    saved = tmp_path / "saved.md"
    shown = ""
    with chatting(words, environment) as terminal:
        for line, then in [("Which film?", "That was all"), ("/steps", "1\\. "), (f"/save {saved}", "saved in")]:
            terminal.sendline(line)
            terminal.expect(then)
            shown += terminal.before or ""
            terminal.expect("›")
            shown += terminal.before or ""
        terminal.sendline("/quit")
        terminal.expect(pexpect.EOF)
    assert "\x1b]" not in shown  # titles of windows, links
    assert "\x9b" not in shown
    text = plain(shown)
    assert "Heat␛]0;owned␇ [/b] [red]�31m�reversed� :smile:" in text
    assert "there (http://evil.test/?q=1)" in text  # where it leads is to be seen
    assert_plain(saved.read_text(encoding="utf-8"))
    assert SEEN in saved.read_text(encoding="utf-8")


def test_an_error_line_is_text(environment: dict[str, str]) -> None:
    ended = run(["ask", "x", "--model", f"{TITLE}\nrecsys-agent: all is well"], environment)
    assert ended.returncode == 2
    assert_plain(ended.stderr)
    assert ended.stderr.count("\n") == 1


def test_lists_of_the_page_are_text() -> None:
    result: dict[str, Any] = {
        "message": f"![x](http://evil.test/x.png) {TITLE}",
        "items": [{"item_id": f"1{TITLE}", "title": TITLE, "genres": [TITLE], "maker": {"name": TITLE}, "score": 1.5}],
    }
    listing = listing_of(CallEnded("1", "films", {}, "", result, False, 0.1))
    assert listing is not None
    assert_plain(json.dumps(listing.as_props(), ensure_ascii=False).replace("\\", ""))
    assert listing.rows[0].name == SEEN
