"""Tool calls as lines for people."""

from rich.text import Text as Line

from agent_client.events import CallEnded, CallStarted
from agent_client.lines import arguments_line
from recsys_shared.plain_text import one_line

MESSAGE_WIDTH = 160

TOOL_WIDTH = 80
"""Characters of a tool's name; a model may call tools that do not exist."""


def call_as_code(call: CallStarted | CallEnded) -> Line:
    return Line.assemble((one_line(call.tool, TOOL_WIDTH), "bold"), f"({arguments_line(call.arguments)})")


def call_line(call: CallEnded) -> Line:
    """A tool call that has ended."""
    mark, style = ("✗", "red") if call.failed else ("✓", "green")
    line = Line.assemble((f"{mark} ", style), call_as_code(call), (f"  {call.seconds:.2f} s", "dim"))
    if message := message_of(call):
        line.append(f"\n  {message}", style="red" if call.failed else "dim")
    return line


def message_of(call: CallEnded) -> str:
    """A tool's words for people, if any: its error, or the field `message` of its result."""
    text = call.text if call.failed else (call.structured or {}).get("message", "")
    return one_line(" ".join(str(text).split()), MESSAGE_WIDTH)
