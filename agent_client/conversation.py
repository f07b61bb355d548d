"""A conversation: questions go in, events come out, and everything said is kept by the checkpointer."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, AnyMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph

from agent_client.agent import build_agent
from agent_client.choices import Choices
from agent_client.errors import AgentError
from agent_client.events import Answered, CallEnded, Event, Text
from agent_client.grounding import unsupported
from agent_client.history import text_of
from agent_client.models.failures import explain
from agent_client.models.loading import load_model
from agent_client.servers.connected import Servers, connected

logger = logging.getLogger(__name__)

BASE_PROMPT = """
You answer with the help of tools. Facts, names, numbers and IDs come from their results, never from memory; if no tool
can answer, say so. When a tool reports an error, correct the call if you can, else tell what it says.
""".strip()


class Conversation:
    """One thread of questions and answers."""

    def __init__(
        self,
        graph: CompiledStateGraph[Any, Any, Any, Any],
        tools: list[BaseTool],
        choices: Choices,
        prompt: str,
        thread: str,
    ) -> None:
        self.tools, self.choices, self.system_prompt = tools, choices, prompt
        self._graph, self._config = graph, {"configurable": {"thread_id": thread}}

    async def ask(self, question: str) -> AsyncIterator[Event]:
        """Answer a question; the last event is `Answered`.

        Cancelling is safe at any moment: the next question finds the conversation as far as it got.

        Raises:
            AgentError: The model has failed, or this program; what was said so far is kept.
        """
        limit = 2 * self.choices.max_steps + 5  # of graph nodes; the agent reaches its own limit first
        config: Any = {**self._config, "recursion_limit": limit}
        calls: list[CallEnded] = []
        try:
            stream: AsyncIterator[Any] = self._graph.astream(
                {"messages": [HumanMessage(question)]}, config, stream_mode=["messages", "custom"]
            )
            async for mode, chunk in stream:
                if mode == "messages":
                    message, _ = chunk
                    if isinstance(message, AIMessageChunk) and (text := text_of(message.content)):
                        yield Text(text)
                else:
                    if isinstance(chunk, CallEnded):
                        calls.append(chunk)
                    yield chunk
        except Exception as error:
            failure: AgentError | None = explain(error, self.choices.model)
            if failure is None:
                logger.exception("a question could not be answered")
                failure = AgentError(f"the question could not be answered ({type(error).__name__}); the log says more")
            raise failure from error
        messages = await self.messages()
        answer = text_of(messages[-1].content)
        complete = not messages[-1].response_metadata.get("stopped", False)
        yield Answered(answer, calls, self._unsupported(answer, messages) if complete else [], complete)

    def _unsupported(self, answer: str, messages: Sequence[AnyMessage]) -> list[str]:
        results = [
            text_of(message.content) if message.artifact is None else message.artifact
            for message in messages
            if isinstance(message, ToolMessage)
        ]
        said = [text_of(message.content) for message in messages if isinstance(message, HumanMessage)]
        published = [f"{tool.name} {tool.description}" for tool in self.tools]
        return unsupported(answer, results, [*said, *published, self.system_prompt])

    async def messages(self) -> list[AnyMessage]:
        """The whole conversation, from the beginning."""
        state = await self._graph.aget_state(self._config)  # type: ignore[arg-type]
        found: list[AnyMessage] = state.values.get("messages", [])
        return found


async def begun(
    choices: Choices,
    servers: Servers,
    model: BaseChatModel,
    checkpointer: BaseCheckpointSaver[Any],
    thread: str = "main",
) -> Conversation:
    """A conversation with a model and servers, which the caller closes.

    Raises:
        ServerError: A server does not list its tools.
    """
    prompt = choices.own_prompt
    if prompt is None:
        parts = [BASE_PROMPT, servers.guidance, choices.added_prompt]
        prompt = "\n\n".join(part for part in parts if part)
    tools = await servers.tools()
    graph = build_agent(model, tools, prompt, checkpointer, choices.max_steps, choices.context_tokens)
    return Conversation(graph, tools, choices, prompt, thread)


@asynccontextmanager
async def opened(
    choices: Choices, checkpointer: BaseCheckpointSaver[Any], thread: str = "main"
) -> AsyncIterator[Conversation]:
    """A conversation with a model and servers of its own.

    Raises:
        AgentError: The model, or a server, cannot be used.
    """
    model = load_model(choices.model, choices.context_tokens)
    async with connected(choices.servers) as servers:
        yield await begun(choices, servers, model, checkpointer, thread)


@asynccontextmanager
async def kept_in(file: Path | None) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """The store of conversations: a SQLite file, or memory where there is no file."""
    if file is None:
        from langgraph.checkpoint.memory import InMemorySaver

        yield InMemorySaver()
        return
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    file.parent.mkdir(parents=True, exist_ok=True)
    async with AsyncSqliteSaver.from_conn_string(str(file)) as saver:
        yield saver
