"""A defect of the agent itself: it is logged with a traceback, told in one line, and stops nothing else. Cancellation
and exit are never taken for an error.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver

from agent_client.agent import build_agent
from agent_client.choices import Choices
from agent_client.conversation import begun
from agent_client.errors import AgentError, ServerError
from agent_client.models.address import ModelAddress
from agent_client.servers import session as sessions
from agent_client.servers.address import ServerAddress
from agent_client.servers.connected import Servers
from agent_client.servers.session import ServerSession

ADDRESS = ServerAddress("somewhere", {"transport": "streamable_http", "url": "http://127.0.0.1:9/mcp", "headers": {}})


class Model(FakeMessagesListChatModel):
    """Says what it is given to say, and takes any tools."""

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self


class BrokenModel(Model):
    def _generate(self, messages: list[BaseMessage], *arguments: Any, **options: Any) -> Any:
        return 1 / 0


def traceback_in(caplog: pytest.LogCaptureFixture) -> str:
    """The log's text, if the agent has logged one error; what asyncio says of other tests may stand beside it."""
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len([record for record in errors if record.name.startswith("agent_client.")]) == 1
    return caplog.text


async def divide() -> float:
    return 1 / 0


def divider() -> BaseTool:
    return StructuredTool.from_function(coroutine=divide, name="divide", description="Divides.")


async def test_a_defect_in_a_call_is_logged_and_the_model_gets_a_short_text(caplog: pytest.LogCaptureFixture) -> None:
    asked = AIMessage("", tool_calls=[{"id": "1", "name": "divide", "args": {}}])
    agent = build_agent(Model(responses=[asked, AIMessage("It failed.")]), [divider()], "", InMemorySaver())
    state = await agent.ainvoke({"messages": [("user", "?")]}, {"configurable": {"thread_id": "1"}})
    result, answer = state["messages"][-2:]
    assert result.status == "error"
    assert result.content == "divide failed unexpectedly (ZeroDivisionError); the log says more"
    assert answer.content == "It failed."
    assert "return 1 / 0" in traceback_in(caplog)


async def test_a_refused_call_is_told_to_the_model_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    asked = AIMessage("", tool_calls=[{"id": "1", "name": "multiply", "args": {}}])
    agent = build_agent(Model(responses=[asked, AIMessage("It failed.")]), [divider()], "", InMemorySaver())
    state = await agent.ainvoke({"messages": [("user", "?")]}, {"configurable": {"thread_id": "1"}})
    assert "there is no tool 'multiply'" in state["messages"][-2].content
    assert caplog.records == []


async def test_a_defect_in_a_node_is_logged_and_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    choices = Choices(ModelAddress("openai", "x"), [])
    conversation = await begun(choices, Servers([]), BrokenModel(responses=[]), InMemorySaver())
    with pytest.raises(AgentError, match=r"could not be answered \(ZeroDivisionError\); the log says more"):
        async for _ in conversation.ask("?"):
            pass
    assert "return 1 / 0" in traceback_in(caplog)


class Hanging:
    """A session of the SDK whose calls never end, and take their time to be cancelled."""

    def __init__(self) -> None:
        self.called, self.cancelled = asyncio.Event(), asyncio.Event()

    async def call_tool(self) -> None:
        try:
            self.called.set()
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
            await asyncio.Event().wait()


def stand_in(monkeypatch: pytest.MonkeyPatch, session: Any) -> None:
    """Have the SDK open this session, or raise this error."""

    @asynccontextmanager
    async def create_session(connection: Any) -> AsyncIterator[Any]:
        if isinstance(session, BaseException):
            raise session
        yield session

    async def guidance(session: Any) -> str:
        return ""

    monkeypatch.setattr(sessions, "create_session", create_session)
    monkeypatch.setattr(sessions, "_guidance", guidance)


async def test_a_call_that_is_cancelled_while_its_session_is_lost_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, server = Hanging(), ServerSession(ADDRESS)
    stand_in(monkeypatch, hanging)
    calling = asyncio.create_task(server.call_tool())
    await hanging.called.wait()
    await server.close()
    await hanging.cancelled.wait()
    calling.cancel()
    await asyncio.wait({calling})
    assert calling.cancelled()


def test_an_exit_while_a_session_is_opened_is_an_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, SystemExit(3))
    with pytest.raises(SystemExit):
        asyncio.run(ServerSession(ADDRESS).open())


async def test_a_defect_while_a_session_is_opened_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stand_in(monkeypatch, ZeroDivisionError("own fault"))
    with pytest.raises(ServerError, match="cannot be used: own fault"):
        await ServerSession(ADDRESS).open()
    assert "ZeroDivisionError: own fault" in traceback_in(caplog)


async def test_a_server_that_is_not_there_is_told_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ServerError, match="nothing answers there"):
        await ServerSession(ADDRESS).open()
    assert [record for record in caplog.records if record.name.startswith("agent_client.")] == []
