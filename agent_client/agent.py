"""The agent, whole: a model that may call tools, the tools, and the way between them.

    question -> model -> (tools -> model) ... -> answer

The state is the list of messages, kept by a checkpointer. The model, the tools and the system prompt are given from
outside.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, InvalidToolCall, SystemMessage, ToolCall
from langchain_core.tools import BaseTool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph

from agent_client.calls import call_tool
from agent_client.choices import CONTEXT_TOKENS, MAX_STEPS
from agent_client.events import Text
from agent_client.history import calls_of, turns, without_result
from agent_client.models.replies import Replies
from agent_client.prompts import NOTES


class State(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]


def build_agent(
    model: BaseChatModel,
    tools: Sequence[BaseTool],
    system_prompt: str,
    checkpointer: BaseCheckpointSaver[Any],
    max_steps: int = MAX_STEPS,
    context_tokens: int = CONTEXT_TOKENS,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph of the agent; it writes `events` to its custom stream.

    Args:
        max_steps: Rounds of tool calls, after which the agent gives up.
        context_tokens: Upper bound on the conversation that the model reads; see `within_budget`.
    """
    by_name = {tool.name: tool for tool in tools}
    replies = Replies(model.bind_tools(list(tools)) if tools else model, context_tokens, by_name)
    system = SystemMessage(system_prompt)

    async def call_model(state: State) -> dict[str, Any]:
        return {"messages": [await replies.next(state["messages"], lambda fitting: [system, *fitting])]}

    async def call_tools(state: State) -> dict[str, Any]:
        asked = state["messages"][-1]
        assert isinstance(asked, AIMessage)
        calls: list[ToolCall | InvalidToolCall] = [*asked.tool_calls, *asked.invalid_tool_calls]
        return {"messages": await asyncio.gather(*(call_tool(by_name, call) for call in calls))}

    async def give_up(state: State) -> dict[str, Any]:
        text = NOTES["out_of_steps"].format(max_steps)
        get_stream_writer()(Text(text))
        not_run = without_result(calls_of(state["messages"][-1]), "Not run: the limit of steps is reached.")
        return {"messages": [*not_run, AIMessage(text, response_metadata={"stopped": True})]}

    def after_model(state: State) -> str:
        if not calls_of(state["messages"][-1]):
            return END
        n_rounds = sum(bool(calls_of(message)) for message in turns(state["messages"])[-1])
        return "tools" if n_rounds <= max_steps else "give_up"

    graph = StateGraph(State)
    graph.add_node("model", call_model)
    graph.add_node("tools", call_tools)
    graph.add_node("give_up", give_up)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", after_model, ["tools", "give_up", END])
    graph.add_edge("tools", "model")
    graph.add_edge("give_up", END)
    return graph.compile(checkpointer=checkpointer)
