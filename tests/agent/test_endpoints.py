"""Endpoints of every provider: what is asked and with which key, what is no endpoint, and those that say nothing."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from importlib.util import find_spec
from typing import Any

import pytest

from agent_client.choices import Choices
from agent_client.conversation import Conversation, kept_in
from agent_client.errors import ModelError
from agent_client.events import Answered, CallEnded, Event
from agent_client.models.address import PROVIDERS, ModelAddress, models_of
from agent_client.prompts import NOTES
from agent_client.servers.address import ServerAddress
from tests.agent.endpoints import SILENCE, Asked, Reply, anthropic_stream, endpoint, google_stream, openai_stream
from tests.agent.opening import opened
from tests.names import HISTORY

STREAMS: dict[str, Callable[..., Reply]] = {
    "openai": openai_stream,
    "azure": openai_stream,
    "anthropic": anthropic_stream,
    "google": google_stream,
}

HTML = Reply("<!DOCTYPE html><html><body>Welcome</body></html>", "text/html; charset=utf-8")

JSON = Reply('{"error": "Unexpected endpoint or method. (POST /chat/completions)"}', "application/json")

EMPTY = Reply(kind="text/plain")


def installed(*providers: str) -> list[Any]:
    """Parameters of a test, without the providers whose packages are missing here."""
    return [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                find_spec(PROVIDERS[name].library) is None, reason=f"{PROVIDERS[name].library} is not installed"
            ),
        )
        for name in providers
    ]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [provider.url_variable for provider in PROVIDERS.values()]:
        monkeypatch.delenv(name, raising=False)
    for provider in PROVIDERS.values():
        if provider.key:
            monkeypatch.setenv(provider.key, f"a-key-for-{provider.key}")


@asynccontextmanager
async def talking(address: ModelAddress, *servers: ServerAddress) -> AsyncIterator[Conversation]:
    async with kept_in(None) as saver, opened(Choices(address, servers), saver) as conversation:
        yield conversation


async def events_of(conversation: Conversation, question: str = "Hello?") -> list[Event]:
    async with aclosing(conversation.ask(question)) as stream:
        return [event async for event in stream]


async def failure(address: ModelAddress) -> str:
    """The line that a person is told."""
    async with talking(address) as conversation:
        with pytest.raises(ModelError) as failed:
            await events_of(conversation)
    told = str(failed.value)
    assert "\n" not in told
    assert len(told) < 600
    return told


# Every provider


def words_of(asked: Asked) -> str:
    return json.dumps(asked.body)


async def test_an_answer_without_any_tools_says_so() -> None:
    with endpoint(openai_stream("Try **Heat** (ID 273).")) as listening:
        async with talking(ModelAddress("openai", "some-model", listening.url)) as conversation:
            answered = (await events_of(conversation))[-1]
    assert isinstance(answered, Answered)
    assert NOTES["uncalled"] in answered.notes


@pytest.mark.parametrize("provider", installed(*STREAMS))
async def test_an_answer_of_every_provider(provider: str) -> None:
    with endpoint(STREAMS[provider]("Hello there.")) as listening:
        async with talking(ModelAddress(provider, "some-model", listening.url)) as conversation:
            answered = (await events_of(conversation))[-1]
    assert isinstance(answered, Answered)
    assert (answered.text, answered.complete, answered.notes) == ("Hello there.", True, [])
    (asked,) = listening.asked
    assert f"a-key-for-{PROVIDERS[provider].key}" in " ".join(asked.headers.values())
    assert "some-model" in asked.path + words_of(asked)
    assert "Hello?" in words_of(asked)
    assert '"temperature"' not in words_of(asked)


@pytest.mark.parametrize("provider", installed("azure", "anthropic", "google"))
async def test_a_tool_call_of_every_provider(provider: str, films_server: ServerAddress) -> None:
    stream = STREAMS[provider]
    called = stream("I look.", HISTORY, {"user": 4, "k": 1})
    with endpoint(called, stream("There.")) as listening:
        async with talking(ModelAddress(provider, "some-model", listening.url), films_server) as conversation:
            events = await events_of(conversation, "What did user 4 see?")
    (call,) = [event for event in events if isinstance(event, CallEnded)]
    assert (call.tool, call.failed) == (HISTORY, False)
    assert call.structured is not None
    first, second = map(words_of, listening.asked)
    assert "How to answer:" in first
    assert HISTORY in first
    assert call.structured["items"][0]["title"] in second
    assert "There." in str(events[-1])


@pytest.mark.parametrize("provider", installed(*STREAMS))
async def test_a_temperature_is_sent(provider: str) -> None:
    with endpoint(STREAMS[provider]("Hello there.")) as listening:
        async with talking(ModelAddress(provider, "some-model", listening.url, temperature=0.5)) as conversation:
            await events_of(conversation)
    assert '"temperature": 0.5' in words_of(listening.asked[0])


@pytest.mark.parametrize(
    ("provider", "package"), [("anthropic", "langchain-anthropic"), ("google", "langchain-google-genai")]
)
def test_a_missing_package_is_named(provider: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_client.models.address.find_spec", lambda _: None)
    with pytest.raises(ModelError, match=f"{provider}:x needs one more package: pip install {package}$"):
        ModelAddress(provider, "x").client_options()


@pytest.mark.parametrize("provider", installed("openai", "anthropic", "google", "azure"))
def test_a_missing_key_is_named_by_its_variable(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = PROVIDERS[provider].key
    monkeypatch.delenv(variable)
    address = ModelAddress(provider, "x", "https://x.openai.azure.com" if provider == "azure" else None)
    with pytest.raises(ModelError, match=f"{provider}:x needs a key: set {variable}"):
        address.client_options()


def test_azure_needs_its_endpoint() -> None:
    with pytest.raises(ModelError, match="give --base-url, or set AZURE_OPENAI_ENDPOINT"):
        ModelAddress("azure", "x").client_options()


# What is no endpoint


@pytest.mark.parametrize(("path", "remedy"), [("", "try --base-url {}/v1"), ("/v1", "check --base-url")])
@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (HTML, "answers with a web page, not as a model does"),
        (JSON, "answers with JSON in place of a stream, not as a model does"),
        (Reply("Not Found", "text/html", 404), "knows no model 'm': correct --model, or"),
        (Reply('{"detail": "Method Not Allowed"}', "application/json", 405), "does not answer as a model does"),
        (EMPTY, "does not answer as a model does"),
    ],
    ids=["page", "json", "404", "405", "empty"],
)
async def test_a_wrong_base_url_is_one_line_with_the_likely_one(
    path: str, remedy: str, reply: Reply, said: str
) -> None:
    with endpoint(reply) as listening:
        told = await failure(ModelAddress("openai", "m", f"{listening.url}{path}"))
    assert told.startswith(f"{listening.url}{path} {said}")
    assert remedy.format(listening.url) in told
    assert len(listening.asked) == 1


UNREADABLE = (
    "{bad",
    json.dumps({"id": "c", "choices": [{"index": 0, "delta": {"role": "assistant", "tool_calls": [
        {"index": 0, "id": "1", "type": "function", "function": {"name": "x", "arguments": {"user": 4}}}
    ]}}]}),
)  # fmt: skip
"""Events that OpenAI's library, or LangChain's, cannot read."""


@pytest.mark.parametrize("event", UNREADABLE, ids=["no JSON", "arguments as an object"])
async def test_an_event_that_no_library_can_read_is_one_line(event: str) -> None:
    with endpoint(Reply(f"data: {event}\n\ndata: [DONE]\n\n")) as listening:
        told = await failure(ModelAddress("openai", "m", listening.url))
    assert told.startswith(f"openai:m at {listening.url} has failed: ")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": {"message": "no room"}}', "no room"),
        ('{"error": "no room"}', "no room"),
        ('{"detail": "no room"}', "no room"),
        ('{"detail": [{"loc": ["body"], "msg": "no room"}]}', '[{"loc": ["body"], "msg": "no room"}]'),
        ('"no room"', "no room"),
        ("no\nroom", "no room"),
    ],
)
async def test_the_words_of_a_refusal_are_told_wherever_they_stand(body: str, said: str) -> None:
    with endpoint(Reply(body, "application/json", 422)) as listening:
        told = await failure(ModelAddress("openai", "m", listening.url))
    assert told == f"openai:m at {listening.url} has failed: Error code: 422 - {said}"


@pytest.mark.parametrize("reply", [HTML, Reply("404 page not found", "text/plain", 404), JSON])
async def test_ollama_is_not_asked_at_its_other_api(reply: Reply) -> None:
    with endpoint(reply) as listening:
        told = await failure(ModelAddress("ollama", "m", f"{listening.url}/v1"))
    assert f"try --base-url {listening.url} (" in told


@pytest.mark.parametrize("provider", installed("anthropic", "google", "azure"))
async def test_a_page_in_place_of_another_providers_answer(provider: str) -> None:
    with endpoint(HTML) as listening:
        told = await failure(ModelAddress(provider, "m", listening.url))
    assert told.startswith(f"{listening.url} answers with a web page, not as a model does: check --base-url")
    assert len(listening.asked) == 1


def test_what_is_no_url_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ModelError, match="'localhost:8080' is not the URL of a model: write http://HOST:PORT/v1"):
        ModelAddress("openai", "m", "localhost:8080").client_options()


# Silence


@pytest.mark.parametrize("provider", installed("openai", "azure", "ollama", "anthropic", "google"))
async def test_a_model_that_says_nothing_is_asked_once(provider: str) -> None:
    with endpoint(SILENCE) as listening:
        told = await failure(ModelAddress(provider, "m", listening.url, timeout=0.5))
    assert f"{provider}:m at {listening.url} has not said a word for 0.5 s" in told
    assert "--timeout SECONDS waits longer" in told
    assert len(listening.asked) == 1


@pytest.mark.parametrize("provider", installed("openai", "azure", "anthropic", "google"))
async def test_a_busy_endpoint_of_every_provider_is_asked_again(provider: str) -> None:
    error = {"type": "error", "code": 429, "error": {"type": "rate_limit_error", "code": 429, "message": "busy"}}
    busy = Reply(json.dumps(error), "application/json", 429, {"retry-after-ms": "1"})
    with endpoint(busy, STREAMS[provider]("Here I am.")) as listening:
        async with talking(ModelAddress(provider, "m", listening.url)) as conversation:
            answered = (await events_of(conversation))[-1]
    assert isinstance(answered, Answered)
    assert answered.text == "Here I am."
    assert len(listening.asked) == 2


# Several models


def test_each_of_several_models_has_its_endpoint_and_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "mine")
    there, near, big = models_of(
        ["openai:gpt-4.1", "ollama:qwen2.5:7b", "openai:big", "openai:gpt-4.1"],
        ["openai:big=https://big.test/v1?x=1", "qwen2.5:7b=http://gpu:11434"],
        ["big=MY_KEY"],
        timeout=30,
    )
    assert (there.place, there.key) == ("https://api.openai.com/v1", "a-key-for-OPENAI_API_KEY")
    assert (near.place, near.key) == ("http://gpu:11434", None)
    assert (big.place, big.key) == ("https://big.test/v1?x=1", "mine")
    assert [model.timeout for model in (there, near, big)] == [30, 30, 30]


def test_the_key_for_openai_is_not_sent_to_another_endpoint_beside_it() -> None:
    there, beside = models_of(["openai:gpt-4.1", "openai:other"], ["openai:other=https://other.test/v1"])
    assert there.key == "a-key-for-OPENAI_API_KEY"
    assert beside.key is None
    assert beside.client_options() == {}


def test_a_bare_url_is_for_all_models_without_one_of_their_own() -> None:
    models = models_of(["openai:a", "openai:b", "ollama:c"], ["c=http://gpu:11434", "http://vllm:8000/v1"])
    assert [model.place for model in models] == ["http://vllm:8000/v1", "http://vllm:8000/v1", "http://gpu:11434"]


@pytest.mark.parametrize(
    ("base_urls", "key_variables", "said"),
    [
        (["http://a/v1"], [], "--base-url does not say which model it is for: write --base-url openai:a=..."),
        (["http://a/v1", "http://b/v1", "ollama:b=http://c"], [], "--base-url does not say which model it is for"),
        (["d=http://a/v1"], [], "--base-url d=... does not name one of the models: openai:a, ollama:b"),
        ([], ["a=sk-proj-secret"], "--key-variable takes the name of an environment variable"),
        ([], ["a=NO_SUCH_KEY"], "openai:a needs a key: set NO_SUCH_KEY"),
    ],
)
def test_what_belongs_to_no_model_is_refused(base_urls: list[str], key_variables: list[str], said: str) -> None:
    with pytest.raises(ModelError) as failed:
        for model in models_of(["openai:a", "ollama:b"], base_urls, key_variables):
            model.client_options()
    assert said in str(failed.value)
    assert "secret" not in str(failed.value)


def test_another_model_is_chosen_by_its_name_or_asked_where_its_providers_others_are() -> None:
    models = models_of(["openai:a", "openai:b"], ["b=http://b.test/v1", "http://a.test/v1"], ["b=OTHER"], timeout=9)
    choices = Choices(models[0], [], models=models)
    assert choices.asking("b").model == choices.asking("openai:b").model == models[1]
    assert choices.asking("b").models == models
    new = choices.asking("openai:c")
    assert (str(new.model), new.model.place, new.model.timeout) == ("openai:c", "http://a.test/v1", 9)
    assert new.models == (new.model, *models)
    elsewhere = choices.asking("b").asking("ollama:d").model
    assert (elsewhere.place, elsewhere.key) == ("http://127.0.0.1:11434", None)
