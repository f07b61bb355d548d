"""The choice between the agent and the planner: a model whose first tool calls fail is asked for plans instead."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, RemoveMessage
from langchain_core.tools import BaseTool
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from agent_client.events import Retracted
from agent_client.history import is_answer, turns
from agent_client.models.failures import refuses_tools
from agent_client.planner.plan import argument_faults, schemas_of
from agent_client.prompts import NOTES

MOST_MISFITS = 2
"""Rounds of calls of which none can be made, after which a model that has not made any is asked for plans."""


class AgentOrPlanner:
    """Both graphs on the same conversation, in place of one.

    Args:
        plan: True for the planner, False for the agent; None for the agent until its first calls fail.
    """

    def __init__(self, agent: Any, planner: Any, tools: Sequence[BaseTool], plan: bool | None) -> None:
        self._agent, self._planner, self._plan = agent, planner, plan
        self._schemas, self._n_misfits = schemas_of(tools), 0
        self.aget_state, self.aupdate_state = agent.aget_state, agent.aupdate_state

    async def astream(self, given: dict[str, Any], config: Any, **options: Any) -> AsyncIterator[Any]:
        """The events of the graph that answers. Where it comes to the planner, the attempt before is taken back."""
        streaming = {**options, "stream_mode": ["custom", "updates"]}
        graph, begun = (self._planner, {**given, "plans": []}) if self._plan else (self._agent, given)
        failed = False
        try:
            async with aclosing(graph.astream(begun, config, **streaming)) as stream:
                async for mode, chunk in stream:
                    if mode == "custom":
                        yield chunk
                    elif self._plan is None and self._fails(chunk):
                        failed = True
                        break
        except Exception as error:
            if self._plan is not None or not refuses_tools(error):
                raise
            failed = True
        if failed:
            self._plan = True
            yield Retracted()
            *before, _ = turns(await self._messages(config))
            kept = [message for turn in before for message in turn]
            again = {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), *kept, given["messages"][-1]]}
            async for event in self.astream(again, config, **options):
                yield event
            last = (await self._messages(config))[-1]
            last.response_metadata["notes"] = [NOTES["switched"], *last.response_metadata.get("notes", [])]
            await self._planner.aupdate_state(config, {"messages": [last]}, as_node="answer")

    def _fails(self, update: dict[str, Any]) -> bool:
        """True once the model's calls have failed; the first that can be made settles that they do not."""
        for message in [message for made in update.values() for message in (made or {}).get("messages", [])]:
            if isinstance(message, AIMessage) and is_answer(message):
                return self._n_misfits > 0 or NOTES["no_readable_call"] in message.response_metadata.get("notes", [])
            if isinstance(message, AIMessage):
                if not all(argument_faults(call, self._schemas) for call in message.tool_calls):
                    self._plan = False
                self._n_misfits += 1
        return self._plan is None and self._n_misfits >= MOST_MISFITS

    async def _messages(self, config: Any) -> list[AnyMessage]:
        return list((await self.aget_state(config)).values.get("messages", []))
