"""A conversation: questions go in, events come out, and everything said is kept by the checkpointer."""

import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from pathlib import Path
from typing import Any
from uuid import uuid4

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, RemoveMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START

from agent_client.agent import build_agent
from agent_client.calls import result_of
from agent_client.choices import Choices
from agent_client.errors import AgentError
from agent_client.events import Answered, CallEnded, CallStarted, Event, Retracted, Text
from agent_client.history import STOPPED, completed, data_of, is_answer, results_of, text_of, turns
from agent_client.models.failures import explain
from agent_client.planner.choosing import AgentOrPlanner
from agent_client.planner.graph import build_planner
from agent_client.prompts import NOTES, PROMPTS
from agent_client.servers.connected import Servers
from recsys_grounding import Call, Turn, unsupported

logger = logging.getLogger(__name__)

_STATES_THINGS = re.compile(r"\d|\*\*|^\s*[-*•] ", re.MULTILINE)
"""Numbers, emphasised names or a list: an answer with none of them is small talk, or asks back."""


class Conversation:
    """One thread of questions and answers."""

    def __init__(
        self, graph: AgentOrPlanner, tools: list[BaseTool], choices: Choices, prompt: str, thread: str
    ) -> None:
        self.tools, self.choices, self.system_prompt = tools, choices, prompt
        self._graph = graph
        self._config: RunnableConfig = {"configurable": {"thread_id": thread}}

    async def ask(
        self, question: str, identifier: str | None = None, n_before: int | None = None
    ) -> AsyncIterator[Event]:
        """Answer a question; the last event is `Answered`.

        Cancelling is safe at any moment: the next question finds the conversation as far as it got.

        Args:
            identifier: The ID of the question, which takes the place of one of this ID and of what came after that.
            n_before: Questions that stay before it, if none has its ID: version 0.1.0 gave them others on the page.

        Raises:
            AgentError: The model has failed, or this program; what was said so far is kept.
        """
        limit = 2 * self.choices.max_steps + 5  # of graph nodes; the agent reaches its own limit first
        config: RunnableConfig = {**self._config, "recursion_limit": limit}
        asked, calls, text = HumanMessage(question, id=identifier or str(uuid4())), list[CallEnded](), ""
        known = await self.messages()
        n_kept = sum(map(len, turns(known)[:n_before]))
        place = next((place for place, message in enumerate(known) if message.id == identifier), n_kept)
        asking = {"messages": [*(RemoveMessage(message.id or "") for message in known[place:]), asked]}
        events: Any = self._graph.astream(asking, config, stream_mode="custom", durability="sync")
        try:
            async with aclosing(events) as stream:
                async for event in stream:
                    match event:
                        case Text(piece):
                            text += piece
                        case CallStarted() | Retracted():
                            text = ""  # the message with this call is kept
                        case CallEnded():
                            calls.append(event)
                    yield event
        except BaseException as error:
            await self._stop(asked, calls, text)
            if not isinstance(error, Exception):
                raise
            if (failure := explain(error, self.choices.model)) is not None:
                raise failure from error
            logger.exception("a question could not be answered")
            why = f"the question could not be answered ({type(error).__name__}); the log says more"
            raise AgentError(why) from error
        yield await self._answered(calls)

    async def _answered(self, calls: list[CallEnded]) -> Answered:
        """The answer that has been given, checked; what there is to say of it is kept with it, for transcripts."""
        messages = await self.messages()
        answer, about = text_of(messages[-1].content), messages[-1].response_metadata
        complete, notes = not about.get("stopped", False), list(about.get("notes", []))
        n_before = len(messages) - len(turns(messages)[-1])
        is_shortened = [message.response_metadata.get("shortened", False) for message in messages]
        if any(is_shortened) and not any(is_shortened[:n_before]):
            notes.append(NOTES["shortened"])
        is_called = any(isinstance(message, ToolMessage) for message in messages)
        if complete and not is_called and _STATES_THINGS.search(answer):
            notes.append(NOTES["uncalled"])
        published = [self.system_prompt, *(f"{tool.name} {tool.description}" for tool in self.tools)]
        wrong = unsupported(answer, _as_told(messages), published) if complete else []
        if wrong or notes:
            kept = {"response_metadata": {**about, "unsupported": wrong, "notes": notes}}
            update = {"messages": [messages[-1].model_copy(update=kept)]}
            await self._graph.aupdate_state(self._config, update, as_node=START)
        return Answered(answer, calls, wrong, complete, notes)

    async def _stop(self, asked: HumanMessage, calls: list[CallEnded], text: str) -> None:
        """Close a question that got no answer with the results and the text that the person has seen."""
        turn = turns(await self.messages() or [asked])[-1]
        if turn[0].id != asked.id or is_answer(turn[-1]):
            return
        n_kept = sum(isinstance(message, ToolMessage) for message in turn)
        seen = {call.id: result_of(call) for call in calls[n_kept:]}
        results = [seen.get(getattr(result, "tool_call_id", ""), result) for result in completed(turn)[len(turn) :]]
        said = AIMessage(f"{text} {STOPPED}".strip(), response_metadata={"stopped": True})
        await self._graph.aupdate_state(self._config, {"messages": [*results, said]}, as_node=START)

    async def messages(self) -> list[AnyMessage]:
        """The whole conversation, from the beginning."""
        state = await self._graph.aget_state(self._config)
        return list(state.values.get("messages", []))


def _as_told(messages: Sequence[AnyMessage]) -> list[Turn]:
    """The conversation as the check of answers reads it."""
    told: list[Turn] = []
    for first, *rest in turns(messages):
        calls = [
            Call(call["name"], call["args"], text_of(result.content), data_of(result), result.status == "error")
            for call, result in results_of([first, *rest])
        ]
        told.append(Turn(text_of(first.content) if isinstance(first, HumanMessage) else "", calls))
    return told


async def begun(
    choices: Choices,
    servers: Servers,
    model: BaseChatModel,
    checkpointer: BaseCheckpointSaver[Any],
    thread: str = "main",
) -> Conversation:
    """A conversation with a model and servers, which the caller closes."""
    prompt = choices.own_prompt
    if prompt is None:
        parts = [PROMPTS["base"], servers.guidance or PROMPTS["unguided"], choices.added_prompt]
        prompt = "\n\n".join(part for part in parts if part)
    tools = servers.tools()
    limits = (choices.max_steps, choices.context_tokens)
    agent = build_agent(model, tools, prompt, checkpointer, *limits)
    planner = build_planner(model, tools, prompt, checkpointer, *limits)
    graph = AgentOrPlanner(agent, planner, tools, choices.plan if tools else False)
    return Conversation(graph, tools, choices, prompt, thread)


def kept_in(file: Path | None) -> AbstractAsyncContextManager[BaseCheckpointSaver[Any]]:
    """The store of conversations: a SQLite file, or memory where there is no file."""
    if file is None:
        return nullcontext(InMemorySaver())
    from agent_client.checkpoints import newest_in  # which few questions need

    file.parent.mkdir(parents=True, exist_ok=True)
    return newest_in(file)
