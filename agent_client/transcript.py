"""A conversation as text for people."""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from agent_client.events import Answered, CallEnded
from agent_client.history import results_of, text_of, turns
from agent_client.lines import arguments_line, warnings_of
from recsys_shared.plain_text import several_lines


def questions_of(messages: Sequence[AnyMessage]) -> list[str]:
    return [text_of(message.content) for message in messages if isinstance(message, HumanMessage)]


def transcript(messages: Sequence[AnyMessage]) -> str:
    """A conversation as Markdown."""
    parts = []
    for message in messages:
        text = text_of(message.content)
        if isinstance(message, HumanMessage):
            parts.append(f"## {text}")
        elif isinstance(message, AIMessage):
            parts += [text] if text else []
            parts += [f"- `{call['name']}({arguments_line(call['args'])})`" for call in message.tool_calls]
            parts += [f"> {warning}" for warning in warnings_of(_answered(message))]
        elif isinstance(message, ToolMessage) and message.status == "error":
            parts.append(f"  - failed: {text}")
    return several_lines("\n\n".join(parts)) + "\n"


def last_exchange(messages: Sequence[AnyMessage]) -> tuple[str, Answered] | None:
    """The last question and its answer, with its calls; None if nothing has been asked."""
    if not messages:
        return None
    question, *rest = turns(messages)[-1]
    calls = [
        CallEnded(
            result.tool_call_id,
            result.name or "",
            call["args"],
            text_of(result.content),
            result.artifact,
            result.status == "error",
            result.response_metadata.get("seconds", 0.0),
        )
        for call, result in results_of(rest)
    ]
    return text_of(question.content), _answered(messages[-1], calls)


def _answered(message: AnyMessage, calls: Sequence[CallEnded] = ()) -> Answered:
    """An answer with the warnings that were kept with it."""
    kept = message.response_metadata
    text = text_of(message.content) if isinstance(message, AIMessage) else ""
    return Answered(text, list(calls), kept.get("unsupported", []), notes=kept.get("notes", []))
