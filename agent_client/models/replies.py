"""A model's replies: shown as events while they come, and cleaned of everything that is no answer."""

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any
from uuid import uuid4

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.messages.ai import add_usage
from langchain_core.messages.tool import tool_call
from langchain_core.runnables import Runnable
from langgraph.config import get_stream_writer

from agent_client.events import Retracted, Text, Thought
from agent_client.history import NOTHING_SAID, completed, within_budget
from agent_client.models.written import Written, begun_thought, taken_apart
from agent_client.prompts import NOTES, PROMPTS

_CUTS = {"length": "cut", "max_tokens": "cut", **dict.fromkeys(("content_filter", "safety", "refusal"), "filtered")}
"""Notes by the reason for which an endpoint says that it has stopped."""

_LEFT_OUT = {"reasoning_content", "tool_calls"}
"""Fields beside a reply that endpoints must not read again: thoughts, and calls that `tool_calls` has."""

_ASKED_AGAIN = {"no_answer": PROMPTS["answer_again"], "no_readable_call": PROMPTS["call_again"]}

Reading = Callable[[Sequence[AnyMessage]], list[AnyMessage]]


class Replies:
    """A model that is asked for one reply after another.

    Args:
        model: The model; the tools that it may call are bound to it.
        context_tokens: Upper bound on the conversation that it reads; see `within_budget`.
        tools: Names of these tools.
    """

    def __init__(self, model: Runnable[LanguageModelInput, Any], context_tokens: int, tools: Collection[str]) -> None:
        self._model, self._context_tokens, self._tools = model, context_tokens, tools
        self._begins_in_thought = False
        """True once a reply has had only the end of a thought, because the model's template writes the beginning."""

    async def next(self, conversation: Sequence[AnyMessage], as_read: Reading) -> AIMessage:
        """The reply to a conversation, without thoughts, and with the calls that were written as text.

        A reply without an answer, or with a call that cannot be read, is asked for once more. If something is still
        wrong, the metadata say so: `notes` has sentences for the person, and `stopped` is true. `shortened` is true if
        the model could not read the whole conversation.

        Args:
            as_read: Gives the messages to send for the part of the conversation that fits.
        """
        fitting = within_budget(conversation, self._context_tokens)
        messages = as_read(fitting)
        reply, raw, problem = await self._asked(messages)
        if problem in _ASKED_AGAIN:
            if reply.content:
                get_stream_writer()(Retracted())
            usage, said = reply.usage_metadata, AIMessage(raw.strip() or NOTHING_SAID)
            reply, _, problem = await self._asked([*messages, said, HumanMessage(_ASKED_AGAIN[problem])])
            reply.usage_metadata = add_usage(usage, reply.usage_metadata) if usage or reply.usage_metadata else None
        if problem:
            reply.response_metadata |= {"notes": [NOTES[problem]], "stopped": True}
        reply.response_metadata["shortened"] = fitting != completed(conversation)
        return reply

    async def _asked(self, messages: Sequence[AnyMessage]) -> tuple[AIMessage, str, str]:
        """A reply, its text as the model wrote it, and the name of the note for what is wrong with it."""
        whole: Any = None
        raw, shown = "", Written("", "")
        async for chunk in self._model.astream(list(messages)):
            whole = chunk if whole is None else whole + chunk
            for block in chunk.content_blocks:
                if block["type"] == "reasoning":
                    get_stream_writer()(Thought(block.get("reasoning", "")))
                raw += block["text"] if block["type"] == "text" else ""
            begun = "<think>" if self._begins_in_thought else ""
            shown = _show(shown, taken_apart(begun + raw, self._tools, whole=False))
        self._begins_in_thought = self._begins_in_thought or bool(begun_thought(raw))
        written = taken_apart(raw, self._tools)
        _show(shown, written)
        cut, calls, invalid = _cut(whole.response_metadata), list(whole.tool_calls), []
        for call in whole.invalid_tool_calls:
            if call["name"] and (given := _object_in(call["args"] or "")) is not None:
                calls.append(tool_call(name=call["name"], args=given, id=call["id"]))
            else:
                invalid.append(call)
        for call in calls:  # some templates have models write functions.NAME
            call["name"] = call["name"] if call["name"] in self._tools else call["name"].removeprefix("functions.")
        if cut:  # LangChain makes up the end of the last call
            arguments = {call["id"]: call["args"] for call in getattr(whole, "tool_call_chunks", [])}
            calls, invalid = [call for call in calls if _object_in(arguments.get(call["id"]) or "{}") is not None], []
        if not cut and not calls and not invalid:
            calls = [tool_call(name=name, args=given, id=uuid4().hex[:9]) for name, given in written.calls]
        problem = cut or ("no_readable_call" if written.unreadable else "" if written.prose.strip() else "no_answer")
        reply = AIMessage(
            written.prose,
            id=whole.id,
            name=whole.name,
            tool_calls=calls,
            invalid_tool_calls=invalid,
            usage_metadata=whole.usage_metadata,
            response_metadata=whole.response_metadata,
            additional_kwargs={key: value for key, value in whole.additional_kwargs.items() if key not in _LEFT_OUT},
        )
        return reply, raw, "" if calls or invalid else problem


def _show(shown: Written, now: Written) -> Written:
    """Write what has come since to the stream."""
    write, prose = get_stream_writer(), shown.prose
    if not now.prose.startswith(prose):  # a thought was taken for prose until it ended
        write(Retracted())
        prose = ""
    for event, before, text in ((Thought, shown.thought, now.thought), (Text, prose, now.prose)):
        if new := text.removeprefix(before):
            write(event(new))
    return now


def _cut(metadata: dict[str, Any]) -> str:
    """The note for a reply that was cut; empty if it is whole."""
    reason = next((metadata[key] for key in ("finish_reason", "done_reason", "stop_reason") if metadata.get(key)), None)
    return _CUTS.get(str(reason).lower(), "") if reason else "unended"


def _object_in(text: str) -> dict[str, Any] | None:
    """The JSON object that is a text, or that is written in a text of JSON; None if there is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _object_in(value) if isinstance(value, str) else value if isinstance(value, dict) else None
