"""Replies of models that do not behave: calls written as text, thoughts, silence, answers that were cut; and questions
that were stopped, of which every provider must accept what is left.
"""

import asyncio
import json
import signal
import subprocess
from contextlib import aclosing

import pytest
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver

from agent_client.agent import build_agent
from agent_client.choices import Choices
from agent_client.conversation import Conversation, begun, kept_in
from agent_client.events import CallEnded, Text, Thought
from agent_client.history import INTERRUPTED, SHORTENED
from agent_client.models.loading import load_model
from agent_client.prompts import NOTES
from agent_client.servers.address import ServerAddress
from agent_client.servers.connected import connected
from tests.agent.commands import COMMAND, PATIENCE_SECONDS, run
from tests.agent.conftest import PROVIDERS, Talk, Turn, address_of
from tests.agent.opening import opened
from tests.agent.scripted_models import Call, Hang, Refuse, Say, ScriptedModel, call
from tests.agent.test_defects import Model
from tests.names import RECOMMEND, USER

shares_the_server = pytest.mark.asyncio(loop_scope="module")

AGE = {"user": 198, "get": ["age"]}
CALL = json.dumps({"name": USER, "arguments": AGE})
FORMS = {
    "bare": CALL,
    "fenced": f"```json\n{CALL}\n```",
    "tagged": f"<tool_call>\n{CALL}\n</tool_call>",
    "Mistral's": f"[TOOL_CALLS] [{CALL}]",
    "Llama's": f"<function={USER}>{json.dumps(AGE)}</function>",
    "Python's": f"{USER}(user=198, get=['age'])",
}
TWICE = f"<tool_call>{CALL}</tool_call><tool_call>{CALL}</tool_call>"
BROKEN = f'<tool_call>{{"name": "{USER}", "arguments": user 198</tool_call>'


def thoughts(turn: Turn) -> str:
    return "".join(event.text for event in turn.events if isinstance(event, Thought))


def check_called(turn: Turn) -> None:
    """One call was made and answered, as if it had been one from the beginning."""
    assert [(event.tool, event.arguments) for event in turn.started] == [(USER, AGE)]
    (exchange,) = turn.last_reading.exchanges[-1:]
    assert (exchange.tool, exchange.arguments) == (USER, AGE)
    assert '"age":21' in exchange.result
    assert not any("name" in text for text in turn.last_reading.answers)


# Calls written as text


@shares_the_server
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_a_call_written_as_text_is_made_and_not_shown(talk: Talk, form: str) -> None:
    turn = await talk.ask("How old is user 198?", Say(form), Say("He is 21."))
    check_called(turn)
    assert turn.written == turn.answered.text == "He is 21."
    assert turn.answered.notes == []


@shares_the_server
async def test_prose_before_a_call_is_shown_and_prose_after_it_is_not(talk: Talk) -> None:
    turn = await talk.ask("?", Say(f"I look it up.\n\n{FORMS['tagged']}\nHe is 99."), Say("He is 21."))
    check_called(turn)
    assert turn.written == "I look it up.He is 21."
    assert turn.last_reading.answers == ["I look it up."]


@shares_the_server
async def test_a_call_by_a_templates_own_name_for_the_tool_is_made(talk: Talk) -> None:
    turn = await talk.ask("?", Say("", (Call(f"functions.{USER}", {"user": 198, "get": ["age"]}),)), Say("He is 21."))
    check_called(turn)
    assert turn.answered.notes == []


@shares_the_server
async def test_several_calls_written_as_text_are_made_at_once(talk: Talk) -> None:
    turn = await talk.ask("?", Say(TWICE), Say("He is 21."))
    assert [event.tool for event in turn.started] == [USER, USER]
    assert len({event.id for event in turn.started}) == 2


@shares_the_server
async def test_json_that_is_an_answer_is_shown(talk: Talk) -> None:
    answer = '```json\n[{"name": "user 198", "age": 21}]\n```'
    turn = await talk.ask("As JSON, please.", Say(answer))
    assert turn.written == turn.answered.text == answer
    assert turn.answered.complete


@shares_the_server
async def test_a_call_that_cannot_be_read_is_asked_for_once_more(talk: Talk) -> None:
    turn = await talk.ask("?", Say(f"I look it up. {BROKEN}"), Say(CALL), Say("He is 21."))
    check_called(turn)
    again = turn.readings[1]
    assert BROKEN in again.answers[-1]
    assert "could not be read" in again.questions[-1]
    assert turn.written == "He is 21."
    assert turn.last_reading.questions == ["?"]


@shares_the_server
async def test_a_call_that_cannot_be_read_twice_is_told_and_never_shown(talk: Talk) -> None:
    turn = await talk.ask("?", Say(BROKEN), Say(BROKEN))
    assert turn.written == turn.answered.text == ""
    assert not turn.answered.complete
    assert turn.answered.notes == [NOTES["no_readable_call"]]
    later = await talk.ask("And now?", Say("Now it works."))
    assert later.answered.complete
    assert BROKEN not in str(later.last_reading.messages)


@shares_the_server
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_model_that_does_not_stream_is_understood_too(
    films_server: ServerAddress, scripted_model: ScriptedModel, provider: str
) -> None:
    choices = Choices(address_of(provider, scripted_model), [films_server])
    model = load_model(choices.model, 32_000)
    model.disable_streaming = True
    async with connected(choices.servers) as servers:
        talk = Talk(await begun(choices, servers, model, InMemorySaver()), scripted_model)
        for form in FORMS.values():
            turn = await talk.ask("?", Say(f"<think>Hm.</think>{form}"), Say("He is 21."))
            check_called(turn)
            assert turn.written == "He is 21."
            assert thoughts(turn) == "Hm."
        turn = await talk.ask("?", Say(BROKEN), Say("I cannot.", end="length"))
        assert (turn.answered.text, turn.answered.notes) == ("I cannot.", [NOTES["cut"]])
        turn = await talk.ask("?", Say(""), Say(""))
        assert (turn.answered.text, turn.answered.notes) == ("", [NOTES["no_answer"]])
    if provider == "openai":  # Ollama's client asks for a stream even so
        assert not any(reading.body.get("stream") for reading in turn.readings)


# Thoughts


@shares_the_server
async def test_thoughts_are_told_apart_from_the_answer(talk: Talk) -> None:
    turn = await talk.ask("?", Say(f"<think>\nI need {CALL}.\n</think>\n\nHe is <b>21</b>."))
    assert turn.started == []
    assert turn.written == turn.answered.text == "He is <b>21</b>."
    assert thoughts(turn) == f"\nI need {CALL}.\n"
    later = await talk.ask("And?", Say("<think>Hm.</think>Nothing."))
    assert later.last_reading.answers == ["He is <b>21</b>."]


@shares_the_server
async def test_a_thought_that_never_ends_is_no_answer(talk: Talk) -> None:
    turn = await talk.ask("?", Say("<think>Hm. Well."), Say("He is 21."))
    assert turn.written == turn.answered.text == "He is 21."
    assert thoughts(turn) == "Hm. Well."


@shares_the_server
async def test_thoughts_of_which_only_the_end_is_marked_are_learnt(talk: Talk, scripted_model: ScriptedModel) -> None:
    choices = Choices(talk.conversation.choices.model, [])
    async with kept_in(None) as saver, opened(choices, saver) as conversation:
        fresh = Talk(conversation, scripted_model)
        turn = await fresh.ask("?", Say("The user wants a name.\n</think>\n\nHeat."))
        assert turn.written == turn.answered.text == "Heat."
        assert thoughts(turn) == "The user wants a name.\n"
        turn = await fresh.ask("Another?", Say("The user wants another one.\n</think>\n\nCasino."))
        assert turn.written == turn.answered.text == "Casino."
        assert thoughts(turn) == "The user wants another one.\n"
        assert turn.last_reading.answers == ["Heat."]
        turn = await fresh.ask("A last one?", Say("Ronin."))
        assert turn.written == turn.answered.text == "Ronin."


@shares_the_server
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_field_for_thoughts_is_no_part_of_the_answer(scripted_model: ScriptedModel, provider: str) -> None:
    choices = Choices(address_of(provider, scripted_model), [])
    model = load_model(choices.model, 32_000)
    if provider == "ollama":
        model.reasoning = True  # type: ignore[attr-defined]
    async with connected([]) as servers:
        talk = Talk(await begun(choices, servers, model, InMemorySaver()), scripted_model)
        turn = await talk.ask("?", Say("Heat.", thought="A film with De Niro."))
        assert turn.written == turn.answered.text == "Heat."
        assert thoughts(turn) == ("A film with De Niro." if provider == "ollama" else "")
        turn = await talk.ask("Another?", Say("Casino."))
    assert "De Niro" not in str(turn.last_reading.messages)


@shares_the_server
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_reply_of_nothing_but_a_thought_is_no_answer(scripted_model: ScriptedModel, provider: str) -> None:
    choices = Choices(address_of(provider, scripted_model), [])
    thought = Say("", thought="A film with De Niro.")
    async with kept_in(None) as saver, opened(choices, saver) as conversation:
        talk = Talk(conversation, scripted_model)
        turn = await talk.ask("?", thought, Say("Casino."))
        assert (turn.written, turn.answered.text, turn.answered.notes) == ("Casino.", "Casino.", [])
        turn = await talk.ask("Another?", thought, thought)
        assert (turn.written, turn.answered.text, turn.answered.notes) == ("", "", [NOTES["no_answer"]])
        turn = await talk.ask("A last one?", Say("", thought="A film with De Niro.", end="length"))
        assert (turn.written, turn.answered.text, turn.answered.notes) == ("", "", [NOTES["cut"]])
        assert "De Niro" not in str([*turn.last_reading.messages, *await conversation.messages()])


# Silence


@shares_the_server
async def test_an_empty_answer_is_asked_for_once_more(talk: Talk) -> None:
    turn = await talk.ask("?", call(USER, AGE), Say(" \n"), Say("He is 21."))
    assert turn.written.strip() == turn.answered.text == "He is 21."
    assert turn.answered.complete
    assert turn.answered.notes == []
    assert "no answer" in turn.last_reading.questions[-1]


@shares_the_server
async def test_silence_is_told(talk: Talk) -> None:
    turn = await talk.ask("?", Say(""), Say(""))
    assert turn.answered.text == ""
    assert not turn.answered.complete
    assert turn.answered.notes == [NOTES["no_answer"]]
    later = await talk.ask("Are you there?", Say("I am."))
    assert later.answered.complete
    assert later.last_reading.questions == ["?", "Are you there?"]


# Answers that were cut


@shares_the_server
@pytest.mark.parametrize(("end", "note"), [("length", "cut"), ("content_filter", "filtered"), ("", "unended")])
async def test_an_answer_that_was_cut_is_told_to_be(talk: Talk, end: str, note: str) -> None:
    turn = await talk.ask("?", Say("The best film is, by", end=end))
    assert turn.written == turn.answered.text == "The best film is, by"
    assert not turn.answered.complete
    assert turn.answered.notes == [NOTES[note]]
    later = await talk.ask("By whom?", Say("By Mann."))
    assert (later.answered.complete, later.answered.notes) == (True, [])


@shares_the_server
@pytest.mark.parametrize("end", ["length", ""])
async def test_a_call_that_was_cut_is_not_made(talk: Talk, end: str) -> None:
    if talk.conversation.choices.model.provider == "ollama":
        pytest.skip("Ollama sends a call whole or not at all")
    turn = await talk.ask("?", Say("", (Call(USER, written='{"user": 19'),), end=end))
    assert turn.started == []
    assert not turn.answered.complete


@shares_the_server
async def test_a_call_written_as_text_that_was_cut_is_not_made(talk: Talk) -> None:
    turn = await talk.ask("?", Say('<tool_call>{"name": "' + USER + '", "arguments": {"user": 19', end="length"))
    assert turn.started == []
    assert turn.written == turn.answered.text == ""
    assert turn.answered.notes == [NOTES["cut"]]


# Stopped


async def seen_until(conversation: Conversation, question: str, event: type) -> None:
    """Ask, and stop at the first event of this kind."""
    async with aclosing(conversation.ask(question)) as events:
        async for each in events:
            if isinstance(each, event):
                break


@shares_the_server
async def test_a_stopped_answer_is_kept_as_far_as_it_was_seen(talk: Talk) -> None:
    talk.model.leave.clear()
    talk.model.play(call(USER, AGE, "I look it up."), Hang("He is a man in his early twenties, and"))
    text = ""
    async with aclosing(talk.conversation.ask("?")) as events:
        async for event in events:
            text += event.text if isinstance(event, Text) else ""
            if "man in his" in text:
                break
    talk.model.leave.set()
    turn = await talk.ask("Go on.", Say("He is 21."))
    assert turn.last_reading.questions == ["?", "Go on."]
    assert '"age":21' in turn.last_reading.exchanges[0].result
    plan, stopped = turn.last_reading.answers
    assert plan == "I look it up."
    assert stopped.startswith("He is a man in his")
    assert stopped.endswith(" (stopped)")


def quick_and_endless() -> list[BaseTool]:
    async def quick() -> str:
        return "Found."

    async def endless() -> str:
        await asyncio.Event().wait()
        return ""

    return [
        StructuredTool.from_function(coroutine=tool, name=tool.__name__, description="?") for tool in (quick, endless)
    ]


@shares_the_server
async def test_a_result_that_was_seen_is_kept_where_a_call_beside_it_was_stopped() -> None:
    calls = [{"id": name, "name": name, "args": {}} for name in ("quick", "endless")]
    model, saver = Model(responses=[AIMessage("", tool_calls=calls)]), InMemorySaver()
    tools = quick_and_endless()
    graph = build_agent(model, tools, "", saver)
    conversation = Conversation(graph, tools, Choices(address_of("openai", NoEndpoint()), []), "", "main")
    await seen_until(conversation, "?", CallEnded)
    messages = await conversation.messages()
    assert [message.type for message in messages] == ["human", "ai", "tool", "tool", "ai"]
    results = {message.name: message.content for message in messages if isinstance(message, ToolMessage)}
    assert results == {"quick": "Found.", "endless": INTERRUPTED}
    assert messages[-1].content == "(stopped)"


class NoEndpoint(ScriptedModel):
    """A name for a model that is not asked over HTTP."""

    url = "http://127.0.0.1:9"

    def __init__(self) -> None:
        pass


@shares_the_server
async def test_a_question_that_failed_is_closed(talk: Talk) -> None:
    talk.model.play(Refuse(400, "the model has a cold"))
    with pytest.raises(Exception, match="a cold"):
        await seen_until(talk.conversation, "?", Text)
    turn = await talk.ask("Again?", Say("Gladly."))
    assert turn.last_reading.answers == ["(stopped)"]
    assert [message.type for message in await talk.conversation.messages()] == ["human", "ai", "human", "ai"]


# Too long


@shares_the_server
async def test_the_person_is_told_once_that_old_results_are_shortened(
    films_server: ServerAddress, scripted_model: ScriptedModel
) -> None:
    choices = Choices(address_of("openai", scripted_model), [films_server], context_tokens=2_000)
    async with kept_in(None) as saver, opened(choices, saver) as conversation:
        talk = Talk(conversation, scripted_model)
        notes = []
        for user in range(1, 6):
            turn = await talk.ask("?", call(RECOMMEND, {"user": user, "k": 30}), Say("Done."))
            notes.append(turn.answered.notes)
        assert [note for note in notes if note] == [[NOTES["shortened"]]]
        assert notes[0] == []
        assert turn.answered.complete
        assert turn.last_reading.questions == ["?"] * 5
        first, *_, last = turn.last_reading.exchanges
        assert first.result.endswith(SHORTENED)
        assert len(last.data["items"]) == 30
        kept = [message for message in await conversation.messages() if isinstance(message, ToolMessage)]
        assert all(json.loads(message.content) for message in kept)


# The commands


def test_ask_understands_a_model_that_does_everything_as_text(
    model: ScriptedModel, there: list[str], environment: dict[str, str]
) -> None:
    model.play(
        Say(f"<think>Who?</think>I look it up.\n{FORMS['tagged']}"), Say(BROKEN), Say("<think>21.</think>He is 21.")
    )
    done = run(["ask", "How old is user 198?", *there], environment)
    assert (done.returncode, done.stdout) == (0, "He is 21.\n")
    assert USER in done.stderr
    assert "tool_call" not in done.stdout + done.stderr


def test_ask_exits_with_1_where_there_is_no_answer(
    model: ScriptedModel, there: list[str], environment: dict[str, str]
) -> None:
    model.play(Say(""), Say(""))
    done = run(["ask", "?", *there, "--json"], environment)
    assert done.returncode == 1
    assert json.loads(done.stdout)["complete"] is False


def test_a_conversation_goes_on_after_its_program_was_killed(
    model: ScriptedModel, there: list[str], environment: dict[str, str]
) -> None:
    model.play(call(USER, AGE), Hang("He is"))
    words = ["ask", "?", *there, "--session", "killed"]
    with subprocess.Popen([*COMMAND, *words], env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert USER in process.stderr.readline()
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_SECONDS)
    model.leave.set()
    model.play(Say("He is 21."))
    done = run(["ask", "Again?", *there, "--session", "killed"], environment)
    assert (done.returncode, done.stdout) == (0, "He is 21.\n")
    assert [exchange.tool for exchange in model.readings[-1].exchanges] == [USER]
    assert model.readings[-1].questions == ["?", "Again?"]
