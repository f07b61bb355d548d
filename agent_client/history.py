"""The part of a conversation that a model reads: whole turns, as many as fit its context, in which every tool call
has a result.
"""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.messages.utils import count_tokens_approximately

INTERRUPTED = "This call was interrupted: there is no result."
LEFT_OUT = "This result is left out, because the conversation has grown too long. Call the tool again if it is needed."


def calls_of(message: AnyMessage) -> list[tuple[str, str]]:
    """IDs and names of the tool calls in a message, including those with unreadable arguments."""
    if not isinstance(message, AIMessage):
        return []
    calls = [*message.tool_calls, *message.invalid_tool_calls]
    return [(call["id"] or "", call["name"] or "") for call in calls]


def completed(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The messages with a result for every tool call: interrupted calls have none, and models refuse to read on."""
    whole: list[AnyMessage] = []
    waiting: dict[str, str] = {}  # by ID, for the newest message with calls only: some endpoints reuse IDs
    for message in messages:
        if isinstance(message, ToolMessage):
            waiting.pop(message.tool_call_id, None)
        else:
            whole += _interrupted(waiting)
            waiting = dict(calls_of(message))
        whole.append(message)
    return [*whole, *_interrupted(waiting)]


def _interrupted(calls: dict[str, str]) -> list[ToolMessage]:
    return [
        ToolMessage(INTERRUPTED, tool_call_id=identifier, name=name, status="error")
        for identifier, name in calls.items()
    ]


def turns(messages: Sequence[AnyMessage]) -> list[list[AnyMessage]]:
    """The conversation split into turns: a question and everything up to the next one."""
    found: list[list[AnyMessage]] = []
    for message in messages:
        if isinstance(message, HumanMessage) or not found:
            found.append([])
        found[-1].append(message)
    return found


def within_budget(messages: Sequence[AnyMessage], most_tokens: int) -> list[AnyMessage]:
    """The newest turns that fit into this many tokens, by a rough count; at least the newest one.

    If that one alone is too long, its oldest results lose their texts, but every result stays.
    """
    kept: list[AnyMessage] = []
    for turn in reversed(turns(completed(messages))):
        if kept and count_tokens_approximately([*turn, *kept]) > most_tokens:
            break
        kept = [*turn, *kept]
    for place, message in enumerate(kept):
        if count_tokens_approximately(kept) <= most_tokens:
            break
        if isinstance(message, ToolMessage) and message is not kept[-1] and len(message.content) > len(LEFT_OUT):
            kept[place] = message.model_copy(update={"content": LEFT_OUT})
    return kept


def text_of(content: str | list[Any]) -> str:
    """The text of a message; many endpoints take nothing else as the result of a tool."""
    if isinstance(content, str):
        return content
    parts = [block if isinstance(block, str) else block.get("text", f"[{block.get('type')}]") for block in content]
    return "\n".join(part for part in parts if part)
