"""A model that cannot be used, or breaks off: one line that says what to do, and a conversation that goes on."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from agent_client.choices import Choices
from agent_client.conversation import kept_in
from agent_client.errors import ModelError
from agent_client.events import Text
from agent_client.models.address import ModelAddress
from agent_client.models.loading import load_model
from tests.agent.conftest import PROVIDERS, Talk, address_of
from tests.agent.opening import opened
from tests.agent.scripted_models import BreakOff, Call, Hang, Refuse, Say, ScriptedModel, Step, call
from tests.names import HISTORY, RECOMMEND

shares_the_server = pytest.mark.asyncio(loop_scope="module")

BUSY = Refuse(429, "Rate limit reached for requests", "rate_limit_exceeded", {"retry-after-ms": "1"})


@asynccontextmanager
async def talk_without_tools(provider: str, model: ScriptedModel) -> AsyncIterator[Talk]:
    async with (
        kept_in(None) as saver,
        opened(Choices(address_of(provider, model), []), saver) as conversation,
    ):
        yield Talk(conversation, model)


async def failure(talk: Talk, *steps: Step, then: Step | None = None) -> str:
    """What a person is told; one line."""
    with pytest.raises(ModelError) as failed:
        await talk.ask("Hello?", *steps, then=then)
    told = str(failed.value)
    assert "\n" not in told
    assert len(told) < 600
    return told


# Refused


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("refusal", "remedy"),
    [
        (Refuse(401, "Incorrect API key provided", "invalid_api_key"), "key"),
        (Refuse(403, "Country not supported", "unsupported_country"), "key"),
        (BUSY, "wait a while"),
        (Refuse(500, "The server had an error", headers={"retry-after-ms": "1"}), "The server had an error"),
    ],
    ids=["key", "forbidden", "busy", "broken"],
)
async def test_a_refusal_is_one_line_with_the_remedy(
    scripted_model: ScriptedModel, provider: str, refusal: Refuse, remedy: str
) -> None:
    async with talk_without_tools(provider, scripted_model) as talk:
        told = await failure(talk, then=refusal)
        asked_for = "does not accept the key in OPENAI_API_KEY" if provider == "openai" else "asks for a key"
        assert (asked_for if remedy == "key" else remedy) in told
        assert talk.conversation.choices.model.place in told
        turn = await talk.ask("Are you there now?", Say("I am."))
    assert turn.answered.text == "I am."
    assert turn.last_reading.questions == ["Hello?", "Are you there now?"]


@pytest.mark.parametrize(
    ("provider", "refusal", "remedy"),
    [
        ("openai", Refuse(404, "The model `scripted` does not exist", "model_not_found"), "correct --model"),
        ("ollama", Refuse(404, "model 'scripted' not found"), "ollama pull scripted"),
        (
            "openai",
            Refuse(400, "This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
            "begin a new one",
        ),
        ("ollama", Refuse(400, "the input exceeds the context length of the model"), "begin a new one"),
        ("ollama", Refuse(400, "registry.ollama.ai/library/gemma:2b does not support tools"), "cannot call tools"),
        (
            "openai",
            Refuse(400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
            "cannot call tools",
        ),
        (
            "ollama",
            Refuse(500, "error parsing tool call: raw='{user: 4', err=invalid character 'u'"),
            "error parsing tool call",
        ),
    ],
    ids=["unknown", "unknown", "too long", "too long", "without tools", "without tools", "malformed call"],
)
async def test_what_each_endpoint_says_is_understood(
    scripted_model: ScriptedModel, provider: str, refusal: Refuse, remedy: str
) -> None:
    async with talk_without_tools(provider, scripted_model) as talk:
        assert remedy in await failure(talk, then=refusal)


async def test_a_busy_endpoint_is_asked_again(scripted_model: ScriptedModel) -> None:
    async with talk_without_tools("openai", scripted_model) as talk:
        turn = await talk.ask("Hello?", BUSY, BUSY, Say("Here I am."))
    assert turn.answered.text == "Here I am."
    assert len(turn.readings) == 3


# Unreachable


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_endpoint_where_nothing_listens_is_named(scripted_model: ScriptedModel, provider: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    address = ModelAddress(provider, "scripted", f"{url}/v1" if provider == "openai" else url)
    async with kept_in(None) as saver, opened(Choices(address, []), saver) as conversation:
        told = await failure(Talk(conversation, scripted_model))
    assert url in told
    assert "is it running?" in told


# Broken off


@shares_the_server
async def test_a_conversation_survives_an_answer_that_breaks_off(talk: Talk) -> None:
    told = await failure(talk, call(RECOMMEND, {"user": 4}), BreakOff(Say("The best films for viewer 4 are, first")))
    assert "broken off" in told
    turn = await talk.ask("Please go on.", Say("Here they are."))
    assert turn.answered.text == "Here they are."
    assert turn.last_reading.questions == ["Hello?", "Please go on."]
    assert "viewer 4" in turn.last_reading.last(RECOMMEND)["message"]


@shares_the_server
async def test_a_call_that_breaks_off_is_not_made(talk: Talk) -> None:
    told = await failure(talk, BreakOff(Say("I look it up.", (Call(HISTORY, {"user": 4}),))))
    assert "broken off" in told
    turn = await talk.ask("Please go on.", call(HISTORY, {"user": 4}), Say("Done."))
    assert [exchange.tool for exchange in turn.last_reading.exchanges] == [HISTORY]
    assert turn.last_reading.answers == ["I look it up. (stopped)"]


@shares_the_server
async def test_an_error_in_the_middle_of_an_answer_is_told(talk: Talk) -> None:
    told = await failure(talk, BreakOff(Say("The best films"), error="the runner has terminated"))
    assert "the runner has terminated" in told
    turn = await talk.ask("Please go on.", Say("Here they are."))
    assert turn.answered.text == "Here they are."


@shares_the_server
async def test_what_was_written_before_the_break_has_been_shown(talk: Talk) -> None:
    talk.model.play(BreakOff(Say("The best film is, by far")))
    written = []
    with pytest.raises(ModelError):
        async for event in talk.conversation.ask("Hello?"):
            assert isinstance(event, Text)
            written.append(event.text)
    assert "The best film is, by far".startswith("".join(written))


@shares_the_server
async def test_an_answer_may_be_stopped_while_it_is_written(talk: Talk) -> None:
    talk.model.play(Hang("Once upon a time"))
    talk.model.leave.clear()
    begun = asyncio.Event()

    async def listen() -> None:
        async with aclosing(talk.conversation.ask("Tell me a story.")) as events:
            async for _ in events:
                begun.set()

    listening = asyncio.create_task(listen())
    await asyncio.wait_for(begun.wait(), 30)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(listening, 10)
    talk.model.leave.set()
    turn = await talk.ask("Something shorter.", Say("The end."))
    assert turn.answered.text == "The end."
    assert turn.last_reading.questions == ["Tell me a story.", "Something shorter."]


# Before anything is asked


@pytest.mark.parametrize("text", ["gpt-4.1", "claude:opus", "openai:", ":gpt", ""])
def test_what_names_no_model_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ModelError, match=r"openai:NAME or ollama:NAME"):
        ModelAddress.parse(text)


def test_a_model_is_named_by_provider_and_name() -> None:
    address = ModelAddress.parse("ollama:qwen2.5:7b", "http://gpu:11434")
    assert (address.provider, address.name, address.place) == ("ollama", "qwen2.5:7b", "http://gpu:11434")
    assert str(address) == "ollama:qwen2.5:7b"


def test_a_missing_key_is_told_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ModelError, match="set OPENAI_API_KEY"):
        load_model(ModelAddress.parse("openai:gpt-4.1"), 32_000)


async def test_an_endpoint_of_ones_own_needs_no_key(
    scripted_model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    async with talk_without_tools("openai", scripted_model) as talk:
        assert (await talk.ask("Hello?", Say("Hello."))).answered.text == "Hello."


async def test_the_key_goes_to_the_endpoint(scripted_model: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    async with talk_without_tools("openai", scripted_model) as talk:
        turn = await talk.ask("Hello?", Say("Hello."))
    assert turn.last_reading.authorization == "Bearer sk-test"


async def test_ollama_is_told_how_much_it_has_to_remember(scripted_model: ScriptedModel) -> None:
    async with talk_without_tools("ollama", scripted_model) as talk:
        turn = await talk.ask("Hello?", Say("Hello."))
    assert turn.last_reading.body["options"]["num_ctx"] >= talk.conversation.choices.context_tokens


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_model_answers_without_streaming_too(scripted_model: ScriptedModel, provider: str) -> None:
    scripted_model.play(Say("Hello."))
    answer = await load_model(address_of(provider, scripted_model), 32_000).ainvoke("Hello?")
    assert answer.content == "Hello."


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_answers_come_piece_by_piece(scripted_model: ScriptedModel, provider: str) -> None:
    text = "A sentence that is long enough to come in several pieces."
    async with talk_without_tools(provider, scripted_model) as talk:
        turn = await talk.ask("Hello?", Say(text))
    assert turn.written == text
    assert len(turn.events) > 4
