"""Conversations with scripted models over the real MCP server and the real data.

They need the extra `agent`, which does not fit the environment that trains: RECSYS_TEST_STATE names a folder that was
prepared there.
"""

import importlib.util
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from mcp_server.settings import Settings
from tests.agent.commands import endpoint
from tests.agent.scripted_models import NAME, Reading, ScriptedModel, Step
from tests.running_servers import HttpServer, http_server

if importlib.util.find_spec("langgraph") is None:
    collect_ignore_glob = ["test_*.py"]

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from agent_client.conversation import Conversation
    from agent_client.events import Answered, CallEnded, CallStarted, Event
    from agent_client.models.address import ModelAddress
    from agent_client.servers.address import ServerAddress

PROVIDERS = ("openai", "ollama")


@dataclass(frozen=True)
class Turn:
    """A question that was answered."""

    events: "list[Event]"
    readings: list[Reading]
    """What the model got to read for it, one a request."""

    @property
    def answered(self) -> "Answered":
        from agent_client.events import Answered

        last = self.events[-1]
        assert isinstance(last, Answered)
        return last

    @property
    def started(self) -> "list[CallStarted]":
        from agent_client.events import CallStarted

        return [event for event in self.events if isinstance(event, CallStarted)]

    @property
    def ended(self) -> "list[CallEnded]":
        from agent_client.events import CallEnded

        return [event for event in self.events if isinstance(event, CallEnded)]

    @property
    def written(self) -> str:
        """All that was streamed and not taken back."""
        from agent_client.events import CallStarted, Retracted, Text

        before, text = "", ""
        for event in self.events:
            match event:
                case Text(piece):
                    text += piece
                case CallStarted():
                    before, text = before + text, ""
                case Retracted():
                    text = ""
        return before + text

    @property
    def last_reading(self) -> Reading:
        return self.readings[-1]


@dataclass(frozen=True)
class Talk:
    """A conversation with a model that follows a script."""

    conversation: "Conversation"
    model: ScriptedModel

    async def ask(self, question: str, *steps: Step, then: Step | None = None) -> Turn:
        """Ask; the model takes these steps, and all of them."""
        self.model.play(*steps, then=then)
        n_before = len(self.model.readings)
        async with aclosing(self.conversation.ask(question)) as stream:
            events = [event async for event in stream]
        assert self.model.n_steps_left == 0
        return Turn(events, self.model.readings[n_before:])


def address_of(provider: str, model: ScriptedModel) -> "ModelAddress":
    from agent_client.models.address import ModelAddress

    return ModelAddress(provider, NAME, f"{model.url}/v1" if provider == "openai" else model.url)


@pytest.fixture(scope="session", autouse=True)
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The agent's folder, for its logs."""
    with pytest.MonkeyPatch.context() as environment:
        folder = tmp_path_factory.mktemp("agent")
        environment.setenv("RECSYS_AGENT_STATE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def scripted_model() -> Iterator[ScriptedModel]:
    model = ScriptedModel()
    yield model
    model.close()


@pytest.fixture(scope="session")
def films_server(films_settings: Settings) -> "ServerAddress":
    """recsys-mcp over stdio, as the client starts it by itself."""
    from agent_client.servers.address import own_server

    with pytest.MonkeyPatch.context() as environment:
        for name in os.environ:
            if name.startswith("RECSYS_"):
                environment.delenv(name)
        environment.setenv("RECSYS_DATASET", str(films_settings.dataset))
        environment.setenv("RECSYS_STATE", str(films_settings.state_folder))
        return own_server()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=PROVIDERS)
async def kept_open(
    request: pytest.FixtureRequest, scripted_model: ScriptedModel, films_server: "ServerAddress"
) -> "AsyncIterator[tuple[Conversation, BaseCheckpointSaver[str]]]":
    """A conversation through each class of models, with one server for all tests of a module."""
    from agent_client.choices import Choices
    from agent_client.conversation import kept_in
    from tests.agent.opening import opened

    choices = Choices(address_of(request.param, scripted_model), [films_server])
    async with kept_in(None) as saver, opened(choices, saver) as conversation:
        yield conversation, saver


@pytest_asyncio.fixture(loop_scope="module")
async def talk(kept_open: "tuple[Conversation, BaseCheckpointSaver[str]]", scripted_model: ScriptedModel) -> Talk:
    """The same, with nothing said yet."""
    conversation, saver = kept_open
    await saver.adelete_thread("main")
    return Talk(conversation, scripted_model)


TOKEN = "a-token-for-these-tests"


@pytest.fixture(scope="session")
def running_server(films_settings: Settings) -> Iterator[HttpServer]:
    """A server for all commands: to start one for each would be most of their time."""
    with http_server(films_settings.state_folder, RECSYS_TOKENS=TOKEN) as server:
        yield server


@pytest.fixture
def there(model: ScriptedModel, running_server: HttpServer) -> list[str]:
    """Options: the scripted model, and that server."""
    return [*endpoint(model), "--server", f"{running_server.base}/mcp", "--token", TOKEN]


@pytest.fixture
def model(scripted_model: ScriptedModel) -> ScriptedModel:
    """For commands: with nothing read yet."""
    scripted_model.play()
    scripted_model.readings.clear()
    scripted_model.leave.clear()
    return scripted_model


@pytest.fixture
def environment(films_settings: Settings, tmp_path: Path) -> dict[str, str]:
    """Of commands."""
    foreign = ("RECSYS_", "OPENAI_", "OLLAMA_")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
        "RECSYS_DATASET": films_settings.dataset,
        "RECSYS_STATE": str(films_settings.state_folder),
        "RECSYS_AGENT_STATE": str(tmp_path / "agent"),
        "NO_COLOR": "1",
        "TERM": "xterm-256color",
    }
