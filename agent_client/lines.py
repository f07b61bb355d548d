"""Calls and warnings as lines of plain text, for a terminal and for what is saved."""

from typing import Any

from agent_client.events import Answered
from recsys_shared.plain_text import one_line

ARGUMENTS_WIDTH = 160
"""Characters of arguments that a line shows."""


def arguments_line(arguments: dict[str, Any]) -> str:
    """Arguments as in code: user=98, k=3, item_set='set_7v5p3o'."""
    return one_line(", ".join(f"{name}={value!r}" for name, value in arguments.items()), ARGUMENTS_WIDTH)


def warnings_of(answer: Answered) -> list[str]:
    """All that this program has to say of an answer."""
    if not answer.unsupported:
        return answer.notes
    shown = one_line("; ".join(answer.unsupported[:8]))
    more = f"; and {len(answer.unsupported) - 8} more" if len(answer.unsupported) > 8 else ""
    return [f"⚠ The answer differs from what the tools returned: {shown}{more}.", *answer.notes]
