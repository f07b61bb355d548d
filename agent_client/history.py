"""What of a conversation a model gets to read: whole turns, as many as its context takes, and none with a tool call
that has no result.
"""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.messages.utils import count_tokens_approximately

INTERRUPTED = "This call was interrupted: there is no result."
LEFT_OUT = "This result is left out, because the conversation has grown too long. Call the tool again if it is needed."


def calls_of(message: AnyMessage) -> list[tuple[str, str]]:
    """IDs and names of the tool calls in a message, those with unreadable arguments too."""
    if not isinstance(message, AIMessage):
        return []
    calls = [*message.tool_calls, *message.invalid_tool_calls]
    return [(call["id"] or "", call["name"] or "") for call in calls]


def completed(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The same, with a result for every tool call: one that was interrupted has none, and models refuse to read on."""
    whole: list[AnyMessage] = []
    waiting: dict[str, str] = {}  # by ID; of the newest message with calls, as some endpoints use the same IDs again
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
    """A question and all that came after it, for each question."""
    found: list[list[AnyMessage]] = []
    for message in messages:
        if isinstance(message, HumanMessage) or not found:
            found.append([])
        found[-1].append(message)
    return found


def within_budget(messages: Sequence[AnyMessage], most_tokens: int) -> list[AnyMessage]:
    """The newest turns that together have at most so many tokens, by a rough count; the newest one always.

    Where that one alone is longer, the texts of its oldest results are left out, but never a result itself.
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
