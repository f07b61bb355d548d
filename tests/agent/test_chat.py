"""`recsys-agent chat` as a person uses it: a real process on a real terminal."""

import io
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect

from agent_client.events import Answered, Retracted, Text, Thought
from agent_client.terminal.answer_view import AnswerView, formatted
from recsys_shared.terminal import PlainConsole
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
        model.play(Hang("Once more"))
        terminal.sendline("Tell me another one")
        terminal.expect("Once more")
        terminal.sendintr()
        terminal.expect("stopped")
        terminal.expect("›")
        terminal.sendline("/steps")
        terminal.expect("The last answer took no tool calls")
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


INVENTED = Say("- **The Film That Never Was** (ID 99999)")


def test_a_session_goes_on_with_its_last_exchange(
    model: ScriptedModel, environment: dict[str, str], there: list[str], tmp_path: Path
) -> None:
    kept = [*there, "--session", "monday"]
    model.play(call(HISTORY, {"user": 90, "k": 2}), INVENTED)
    assert run(["ask", "Hello", *kept], environment).returncode == 0
    with chatting(kept, environment) as terminal:
        greeting = plain(terminal.before or "")
        assert "1 question so far" in greeting
        assert "The Film That Never Was (ID 99999)" in greeting
        assert "⚠ The answer differs from what the tools returned" in greeting
        terminal.sendline("/steps")
        terminal.expect(r"1\. .*get_interacted_items_tool")
        terminal.expect("›")
        terminal.sendline(f"/save {tmp_path / 'saved.md'}")
        terminal.expect("saved in")
        assert "no tool has returned “The Film That Never Was” (ID 99999)" in (tmp_path / "saved.md").read_text("utf-8")
        terminal.expect("›")
        terminal.sendline("/sessions")
        terminal.expect(r"monday +│ 1 ")
        terminal.expect("›")
        model.play(Say("Hello again."))
        terminal.send("\x1b[A" * 4)  # arrow up, past three commands: the question before
        terminal.send("\r")
        terminal.expect("Hello again")
    assert model.readings[-1].questions == ["Hello", "Hello"]


def test_a_question_is_asked_again_in_place_of_its_answer_then_elsewhere_and_of_another_model(
    model: ScriptedModel, environment: dict[str, str], there: list[str]
) -> None:
    with chatting([*there, "--session", "monday"], environment) as terminal:
        for line, said in [("Hello", "First words"), ("/retry", "Second words")]:
            model.play(call(HISTORY, {"user": 90, "k": 1}), Say(f"{said}."))
            terminal.sendline(line)
            terminal.expect(f"{said}\\.")
            terminal.expect("›")
            assert model.readings[-1].questions == ["Hello"]
            assert len(model.readings[-1].exchanges) == 1
        terminal.sendline("/model nonsense")
        terminal.expect("is not a model")
        terminal.expect("›")
        terminal.sendline("/model openai:another")
        terminal.expect("openai:another answers")
        terminal.expect("›")
        model.play(Say("Third words."))
        terminal.sendline("And now?")
        terminal.expect("Third words")
        assert model.readings[-1].questions == ["Hello", "And now?"]
        assert model.readings[-1].body["model"] == "another"
        terminal.expect("›")
        terminal.sendline("/new")
        terminal.expect("kept as session monday-2")
        terminal.expect("›")
        model.play(Say("Fourth words."))
        terminal.sendline("Who are you?")
        terminal.expect("Fourth words")
        assert model.readings[-1].questions == ["Who are you?"]
        assert model.readings[-1].body["model"] == "another"


LONG_ANSWER = "\n\n".join(f"Paragraph {number} of many." for number in range(1, 101))


def test_a_long_answer_is_shown_while_it_comes(
    model: ScriptedModel, environment: dict[str, str], there: list[str]
) -> None:
    model.play(Hang(LONG_ANSWER))
    with chatting(there, environment) as terminal:
        terminal.sendline("Tell me a long story")
        for number in range(1, 100):  # on a screen of 40 lines
            terminal.expect(f"Paragraph {number} of many")
        terminal.sendintr()
        terminal.expect("stopped")


ANSWER = """
Some words first.

## A heading

- an entry
- another one, with **bold** words

  and a second paragraph
- the last one

1. one
2. two

| title | ID |
|---|---|
| Heat | 1 |
| Fargo | 2 |

```python
print("a")

print("b")
```

The end.
""".strip()


def text_on(console: PlainConsole) -> str:
    """The text that a console has printed, without spaces at the ends of lines and with single empty lines."""
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" +$", "", console.file.getvalue(), flags=re.MULTILINE))


def test_an_answer_that_came_in_pieces_looks_like_one_that_came_at_once() -> None:
    whole, *consoles = (PlainConsole(file=io.StringIO(), width=80) for _ in range(3))
    whole.print(formatted(ANSWER))
    for console, pieces in zip(consoles, ([ANSWER], list(ANSWER)), strict=True):
        view = AnswerView(console)
        for piece in pieces:
            view.show(Text(piece))
        view.show(Answered(ANSWER))
        assert text_on(console) == text_on(whole)


def test_what_is_live_fits_the_screen_and_is_the_newest() -> None:
    console = PlainConsole(file=io.StringIO(), width=80, height=10)
    view = AnswerView(console)
    view.show(Text("| number |\n|---|\n" + "".join(f"| row {number} |\n" for number in range(100))))
    assert text_on(console) == ""
    lines = "".join(segment.text for segment in console.render(view)).splitlines()
    assert len(lines) == 9
    assert "row 99" in "".join(lines)


def test_thoughts_are_folded_and_notes_are_shown_after_the_answer() -> None:
    console = PlainConsole(file=io.StringIO(), width=80)
    view = AnswerView(console)
    view.show(Thought("A film, "))
    view.show(Thought("but which one?"))
    assert "thinking … 5 words" in "".join(segment.text for segment in console.render(view))
    view.show(Text("Heat."))
    view.show(Answered("Heat.", notes=["This answer was cut."]))
    assert text_on(console) == "thought: 5 words\nHeat.\nThis answer was cut.\n"
    assert view.thoughts == ["A film, but which one?"]


def test_text_that_turns_out_to_be_a_thought_is_taken_back() -> None:
    console = PlainConsole(file=io.StringIO(), width=80)
    view = AnswerView(console)
    for event in (Text("The user wants a film."), Retracted(), Thought("The user wants a film."), Text("Heat.")):
        view.show(event)
    view.show(Answered("Heat."))
    assert text_on(console) == "thought: 5 words\nHeat.\n"
    for event in (Text("A film.\n\nWhich"), Retracted(), Thought("A film.\n\nWhich one?"), Text("Ronin.")):
        view.show(event)
    view.show(Answered("Ronin."))
    assert text_on(console).endswith("A film.\n(the text above is no part of the answer)\nthought: 4 words\nRonin.\n")


def test_asking_shows_what_is_going_on(model: ScriptedModel, environment: dict[str, str], there: list[str]) -> None:
    model.play(*RECOMMENDING)
    terminal = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "ask", QUESTION, *there],
        env=environment,  # type: ignore[arg-type]
        dimensions=(40, 140),
        encoding="utf-8",
        timeout=PATIENCE_SECONDS,
    )
    try:
        for text in ("starting the servers", "thinking", "First the comedies", "item_filter_tool", "Three comedies"):
            terminal.expect(text)
        terminal.expect(pexpect.EOF)
    finally:
        terminal.close(force=True)
    assert terminal.exitstatus == 0
