"""An answer in a terminal, with its tool calls: while it comes, and when it is complete."""

from itertools import dropwhile

from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markdown import Markdown
from rich.segment import Segment, SegmentLines
from rich.spinner import Spinner
from rich.text import Text as Line

from agent_client.events import Answered, CallEnded, CallStarted, Event, Retracted, Text, Thought
from agent_client.lines import arguments_line, warnings_of
from recsys_shared.plain_text import one_line, several_lines
from recsys_shared.terminal import PlainConsole

MESSAGE_WIDTH = 160

TOOL_WIDTH = 80
"""Characters of a tool's name; a model may call tools that do not exist."""


def formatted(text: str) -> Markdown:
    """A model's Markdown, with the addresses of links in sight: in a terminal no word should hide where it leads."""
    return Markdown(several_lines(text), hyperlinks=False)


def call_line(call: CallEnded) -> Line:
    """A tool call that has ended, with the tool's words for people, if any: its error, or the field `message`."""
    mark, style = ("✗", "red") if call.failed else ("✓", "green")
    line = Line.assemble((f"{mark} ", style), _as_code(call), (f"  {call.seconds:.2f} s", "dim"))
    said = call.text if call.failed else str((call.structured or {}).get("message", ""))
    if message := one_line(" ".join(said.split()), MESSAGE_WIDTH):
        line.append(f"\n  {message}", style="red" if call.failed else "dim")
    return line


def _as_code(call: CallStarted | CallEnded) -> Line:
    return Line.assemble((one_line(call.tool, TOOL_WIDTH), "bold"), f"({arguments_line(call.arguments)})")


def print_warnings(console: PlainConsole, answer: Answered) -> None:
    for warning in warnings_of(answer):
        console.print(warning, style="yellow")


class AnswerView:
    """An answer while it comes: complete parts are printed, the part that still changes is shown live below.

    Args:
        streams: False if the answer itself is printed elsewhere, and only what leads to it here.
    """

    def __init__(self, console: PlainConsole, streams: bool = True) -> None:
        self._console, self._streams = console, streams
        self._text, self._gap = "", False  # a gap: an empty line between this text and what is printed of it already
        self._is_begun = False  # some of it is printed
        self._thought, self.thoughts = "", list[str]()
        self._waiting = Spinner("dots")
        self.wait_for("thinking")
        self._running: dict[str, Spinner] = {}

    def wait_for(self, what: str) -> None:
        self._waiting.update(text=Line(what, style="dim"))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown: list[RenderableType] = [formatted(self._text)] if self._text.strip() else []
        shown += self._running.values()
        lines = console.render_lines(Group(*shown) if shown else self._waiting, options)
        yield SegmentLines(lines[1 - console.height :], new_lines=True)  # the newest ones, if not all fit

    def show(self, event: Event) -> None:
        match event:
            case Thought(text):
                self._thought += text
                self.wait_for(f"thinking … {len(self._thought.split())} words")
            case Text(text):
                self.end_thought()
                self._text += text
                if self._streams and "\n" in text:
                    self._print_blocks()
            case Retracted():
                if self._is_begun:
                    self._console.print("(the text above is no part of the answer)", style="dim")
                self._text, self._gap, self._is_begun = "", False, False
            case CallStarted():
                self.settle()
                self._running[event.id] = Spinner("dots", _as_code(event))
            case CallEnded():
                self._running.pop(event.id, None)
                self._console.print(call_line(event))
            case Answered():
                self.settle()
                print_warnings(self._console, event)

    def end_thought(self) -> None:
        """Fold away what the model has thought so far."""
        if self._thought:
            self._console.print(f"thought: {len(self._thought.split())} words", style="dim")
            self.thoughts.append(self._thought)
            self._thought = ""
            self.wait_for("thinking")

    def _print_blocks(self) -> None:
        """Print all blocks but the last one, which may go on; the entries of a list are blocks, too."""
        self._text = several_lines(self._text)
        blocks = [(token.map[0], token.level) for token in formatted(self._text).parsed if token.map and _begins(token)]
        if blocks and (begin := blocks[-1][0]):
            lines = self._text.split("\n")
            self._print("\n".join(lines[:begin]))
            self._text, self._gap, self._is_begun = "\n".join(lines[begin:]), (begin, 0) in blocks, True

    def _print(self, text: str) -> None:
        lines = dropwhile(_is_empty, self._console.render_lines(formatted(text)))  # lists begin with an empty line
        self._console.print(SegmentLines([*[[]] * self._gap, *lines], new_lines=True), end="")

    def settle(self) -> None:
        """Print what the model has said so far, which is complete."""
        self.end_thought()
        if self._text.strip():
            self._print(self._text)
        self._text, self._gap, self._is_begun = "", False, False

    def stop(self) -> None:
        self.settle()
        self._running.clear()


def _begins(token: Token) -> bool:
    """True if a block of Markdown, or an entry of a list, begins with this token."""
    return token.nesting >= 0 and (token.level == 0 or (token.level == 1 and token.type == "list_item_open"))


def _is_empty(line: list[Segment]) -> bool:
    return not "".join(segment.text for segment in line).strip()
