"""The planner, whole: a model that writes one plan of calls, the tools, and the way between them.

    question -> plan -> calls, round by round -> answer

Once, a plan that cannot be run as it is goes back to the model.

It stands in for the agent's graph, on the same conversation: what it does is kept as messages with tool calls and
their results.
"""

import asyncio
import contextlib
import json
import tomllib
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolCall, ToolMessage
from langchain_core.messages.tool import tool_call
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent_client.agent import State
from agent_client.calls import call_tool
from agent_client.events import Text, Thought
from agent_client.history import data_of, is_answer, results_of, text_of, turns, within_budget
from agent_client.models.replies import Replies
from agent_client.models.written import taken_apart
from agent_client.planner.plan import fault_of, faults_of, filled, read_plan, references, schema_of_plans, schemas_of
from agent_client.prompts import NOTES

PROMPTS = tomllib.loads(Path(__file__).with_name("prompts.toml").read_text("utf-8"))

REFUSED = (400, 422, 500, 501)
"""HTTP statuses by which endpoints refuse a schema."""


class PlannerState(State):
    plans: list[str]
    """The model's texts for the newest question, of which there are none when it is asked: a plan, and its repair."""
    calls: list[ToolCall]
    """Calls still to be made, with their numbers in the plan."""
    made: dict[str, str]
    """IDs of the calls that have results, by their numbers."""
    faults: list[str]


def build_planner(
    model: BaseChatModel,
    tools: Sequence[BaseTool],
    system_prompt: str,
    checkpointer: BaseCheckpointSaver[Any],
    max_steps: int,
    context_tokens: int,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph of the planner; its arguments, and the events that it writes, are the agent's."""
    by_name, schemas = {tool.name: tool for tool in tools}, schemas_of(tools)
    listed = (json.dumps(convert_to_openai_tool(tool)["function"]) for tool in tools)
    planner = "\n\n".join([system_prompt, PROMPTS["planning"], *listed])
    answerer = f"{system_prompt}\n\n{PROMPTS['answering']}"
    replies = Replies(model, context_tokens, ())
    schema = schema_of_plans(schemas, max_steps)
    structured: Any = None
    with contextlib.suppress(NotImplementedError, TypeError, ValueError):  # of models that take no schema
        structured = model.with_structured_output(schema, method="json_schema", include_raw=True)

    def reading(messages: Sequence[AnyMessage], system: str, *told: str) -> list[AnyMessage]:
        *before, question = as_texts(messages)
        return [SystemMessage(system), *before, HumanMessage("\n\n".join([text_of(question.content), *told]))]

    async def asked(messages: list[AnyMessage]) -> str:
        """The model's plan. An endpoint that refuses the schema is asked without it, from then on."""
        nonlocal structured
        if structured is not None:
            try:
                return text_of((await structured.ainvoke(messages))["raw"].content)
            except Exception as error:
                if getattr(error, "status_code", None) not in REFUSED:
                    raise
        reply = await model.ainvoke(messages)
        structured = None
        return text_of(reply.content)

    async def plan(state: PlannerState) -> dict[str, Any]:
        """Write a plan, or its one repair."""
        before = state["plans"]
        told = [PROMPTS["repairing"].format(before[-1], "\n".join(state["faults"]))] if before else []
        read = within_budget(state["messages"], context_tokens)
        thought, text, *_ = taken_apart(await asked(reading(read, planner, *told)), ())
        if thought:
            get_stream_writer()(Thought(thought))
        found, answer = read_plan(text, schemas) or (None, "")
        faults = ["- It is not JSON of that form."] if found is None else faults_of(found, schemas)
        if len(found or []) > max_steps:
            faults.append(f"- At most {max_steps} calls are allowed.")
        new: dict[str, Any] = {"plans": [*before, text], "calls": [] if faults else found, "made": {}, "faults": faults}
        return {**new, "messages": [said(answer)]} if answer and not found else new

    async def call(state: PlannerState) -> dict[str, Any]:
        """Make the calls at once whose references can be filled by now, except those that were made before a repair."""
        results, made, faults = results_of(turns(state["messages"])[-1]), dict(state["made"]), [*state["faults"]]
        before = {result.tool_call_id: (made_call, result) for made_call, result in results if result.status != "error"}
        known = {number: data_of(before[identifier][1]) for number, identifier in made.items()}
        ready = [each for each in state["calls"] if known.keys() >= set(references(each))]
        waiting = [each for each in state["calls"] if each not in ready]
        calls: dict[str, ToolCall] = {}
        for each in ready:
            number, name = str(each["id"]), each["name"]
            try:
                args = filled(each["args"], known)
            except LookupError as error:
                faults.append(fault_of(each, error.args[0]))
                continue
            same = (id for id, (old, _) in before.items() if (old["name"], old["args"]) == (name, args))
            if found := next(same, ""):
                made[number] = found
            else:
                calls[number] = tool_call(name=name, args=args, id=uuid.uuid4().hex[:9])
        answers = await asyncio.gather(*(call_tool(by_name, each) for each in calls.values()))
        for number, got in zip(calls, answers, strict=True):
            if got.status == "error":
                faults.append(fault_of({**calls[number], "id": number}, text_of(got.content)[:300]))
            else:
                made[number] = got.tool_call_id
        if not ready:
            faults += [fault_of(each, "it waits for a result") for each in waiting]
        return {
            "calls": waiting if ready else [],
            "made": made,
            "faults": faults,
            "messages": [AIMessage("", tool_calls=[*calls.values()]), *answers] if calls else [],
        }

    async def answer(state: PlannerState) -> dict[str, Any]:
        told = ["Say that this could not be done:", *state["faults"]] if state["faults"] else []
        reply = await replies.next(state["messages"], lambda fitting: reading(fitting, answerer, *told))
        return {"messages": [reply]}

    async def give_up(state: PlannerState) -> dict[str, Any]:
        return {"messages": [said(NOTES["no_plan"], stopped=True)]}

    def onward(state: PlannerState) -> str:
        last = state["messages"][-1]
        if state["faults"] and len(state["plans"]) < 2:
            return "plan"
        if state["calls"]:
            return "call"
        if is_answer(last):
            return END
        return "give_up" if state["faults"] and isinstance(last, HumanMessage) else "answer"

    graph = StateGraph(PlannerState)
    for node in (plan, call, answer, give_up):
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "plan")
    for name in ("plan", "call"):
        graph.add_conditional_edges(name, onward, ["plan", "call", "answer", "give_up", END])
    return graph.compile(checkpointer=checkpointer)


def said(text: str, **metadata: Any) -> AIMessage:
    """A message whose text is there at once."""
    get_stream_writer()(Text(text))
    return AIMessage(text, response_metadata=metadata)


def as_texts(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The conversation as questions and answers, with results under the questions: every model can read that."""
    told: list[AnyMessage] = []
    arguments: dict[str | None, str] = {}
    for message in messages:
        text = text_of(message.content)
        if isinstance(message, ToolMessage):
            call = f"{message.name}({arguments.get(message.tool_call_id, '')})"
            told[-1] = HumanMessage(f"{told[-1].content}\n\nResult of {call}:\n{text}")
        elif isinstance(message, AIMessage) and not is_answer(message):
            arguments |= {call["id"]: json.dumps(call["args"]) for call in message.tool_calls}
        else:
            told.append(HumanMessage(text) if isinstance(message, HumanMessage) else AIMessage(text))
    return told
