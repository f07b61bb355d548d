"""The part of a conversation that a model reads: whole turns, as much of them as fits its context, in which every tool
call has a result and every question an answer.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.messages.tool import tool_call
from langchain_core.messages.utils import count_tokens_approximately

INTERRUPTED = "This call was interrupted: there is no result."
STOPPED = "(stopped)"
NOTHING_SAID = "(no answer)"
SHORTENED = " [Shortened, because the conversation has grown too long. Call the tool again if the rest is needed.]"

HEAD = 400
"""Characters of a shortened result that are kept."""


def calls_of(message: AnyMessage) -> list[tuple[str, str]]:
    """IDs and names of the tool calls in a message, including those with unreadable arguments."""
    if not isinstance(message, AIMessage):
        return []
    calls = [*message.tool_calls, *message.invalid_tool_calls]
    return [(call["id"] or "", call["name"] or "") for call in calls]


def completed(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The messages as all providers accept them: with a result for every call, and an answer in every earlier turn."""
    whole: list[AnyMessage] = []
    waiting: dict[str, str] = {}  # by ID, for the newest message with calls only: some endpoints reuse IDs
    for message in messages:
        if isinstance(message, ToolMessage):
            waiting.pop(message.tool_call_id, None)
        else:
            whole += without_result(waiting.items())
            waiting = dict(calls_of(message))
            if isinstance(message, HumanMessage) and whole and whole[-1].type in ("human", "tool"):
                whole.append(AIMessage(STOPPED))
        is_empty = is_answer(message) and not text_of(message.content).strip()
        whole.append(message.model_copy(update={"content": NOTHING_SAID}) if is_empty else message)
    return [*whole, *without_result(waiting.items())]


def is_answer(message: AnyMessage) -> bool:
    """True if a message ends a turn."""
    return isinstance(message, AIMessage) and not calls_of(message)


def without_result(calls: Iterable[tuple[str, str]], why: str = INTERRUPTED) -> list[ToolMessage]:
    """Answers to calls, by their IDs and names, that were not made or have not ended."""
    return [ToolMessage(why, tool_call_id=identifier, name=name, status="error") for identifier, name in calls]


def results_of(messages: Iterable[AnyMessage]) -> list[tuple[ToolCall, ToolMessage]]:
    """The results of tools in a part of a conversation, each with its call."""
    found, calls = [], dict[str | None, ToolCall]()
    for message in messages:
        if isinstance(message, AIMessage):
            calls |= {call["id"]: call for call in message.tool_calls}
        elif isinstance(message, ToolMessage):
            unread = tool_call(name=message.name or "", args={}, id=message.tool_call_id)
            found.append((calls.get(message.tool_call_id, unread), message))
    return found


def data_of(result: ToolMessage) -> Any:
    """The data of a result, which some servers send as text alone; its text if it is none."""
    if result.artifact is not None:
        return result.artifact
    text = text_of(result.content)
    try:
        return json.loads(text)
    except ValueError:
        return text


def turns(messages: Sequence[AnyMessage]) -> list[list[AnyMessage]]:
    """The conversation split into turns: a question and everything up to the next one."""
    found: list[list[AnyMessage]] = []
    for message in messages:
        if isinstance(message, HumanMessage) or not found:
            found.append([])
        found[-1].append(message)
    return found


def within_budget(messages: Sequence[AnyMessage], most_tokens: int) -> list[AnyMessage]:
    """As much of a conversation as fits into this many tokens, by a rough count.

    First, the results of earlier turns are shortened, then these turns are left out, oldest first. If the newest turn
    is too long by itself, its own results are shortened, all but the last message.
    """
    kept = completed(messages)
    n_before = len(kept) - len(turns(kept)[-1]) if kept else 0
    sizes = [count_tokens_approximately([message]) for message in kept]

    def shorten(places: Iterable[int], length: int) -> None:
        for place in places:
            text = text_of(kept[place].content)
            if sum(sizes) > most_tokens and kept[place].type == "tool" and len(text) > length + len(SHORTENED):
                kept[place] = kept[place].model_copy(update={"content": text[:length] + SHORTENED})
                sizes[place] = count_tokens_approximately([kept[place]])

    shorten(range(n_before), HEAD)
    n_left_out = 0
    for turn in turns(kept)[:-1]:
        if sum(sizes[n_left_out:]) > most_tokens:
            n_left_out += len(turn)
    sizes[:n_left_out] = [0] * n_left_out
    for length in (HEAD, 0):
        shorten(range(n_before, len(kept) - 1), length)
    return kept[n_left_out:]


def text_of(content: str | list[Any]) -> str:
    """The text of a message; many endpoints take nothing else as the result of a tool."""
    if isinstance(content, str):
        return content
    parts = [block if isinstance(block, str) else block.get("text", f"[{block.get('type')}]") for block in content]
    return "\n".join(part for part in parts if part)
