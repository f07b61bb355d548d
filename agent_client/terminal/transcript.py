"""A conversation as text for people."""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from agent_client.history import text_of
from agent_client.terminal.call_lines import arguments_line
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
        elif isinstance(message, ToolMessage) and message.status == "error":
            parts.append(f"  - failed: {text}")
    return several_lines("\n\n".join(parts)) + "\n"
