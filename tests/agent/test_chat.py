"""`recsys-agent chat` as a person uses it: a real process on a real terminal."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect

from tests.agent.commands import COMMAND, PATIENCE_SECONDS, QUESTION, RECOMMENDING, endpoint, run
from tests.agent.scripted_models import Hang, Refuse, Say, ScriptedModel, call
from tests.names import HISTORY


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
    model: ScriptedModel, environment: dict[str, str], there: list[str]
) -> None:
    model.play(Refuse(404, "The model does not exist", "model_not_found"))
    with chatting(there, environment) as terminal:
        terminal.sendline("Hello")
        terminal.expect("knows no model 'scripted'")
        terminal.expect("›")
        model.play(Say("Hello yourself."))
        terminal.sendline("Hello")
        terminal.expect("Hello yourself")


def test_a_session_greets_with_what_was_said_before(
    model: ScriptedModel, environment: dict[str, str], there: list[str]
) -> None:
    kept = [*there, "--session", "monday"]
    model.play(Say("Hello yourself."))
    assert run(["ask", "Hello", *kept], environment).returncode == 0
    with chatting(kept, environment) as terminal:
        assert "1 question so far" in plain(terminal.before or "")
        model.play(Say("Hello again."))
        terminal.send("\x1b[A")  # arrow up: the question before
        terminal.send("\r")
        terminal.expect("Hello again")
    assert model.readings[-1].questions == ["Hello", "Hello"]
