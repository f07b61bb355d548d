"""An answer in a terminal, while it comes and when it is complete."""

from itertools import dropwhile

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markdown import Markdown
from rich.segment import Segment, Segments
from rich.spinner import Spinner
from rich.text import Text as Line

from agent_client.events import Answered, CallEnded, CallStarted, Event, Text, Thought
from agent_client.lines import warnings_of
from agent_client.terminal.call_lines import call_as_code, call_line
from recsys_shared.plain_text import several_lines
from recsys_shared.terminal import PlainConsole


def formatted(text: str) -> Markdown:
    """A model's Markdown, with the addresses of links in sight: in a terminal no word should hide where it leads."""
    return Markdown(several_lines(text), hyperlinks=False)


class AnswerView:
    """An answer while it comes: complete parts are printed, the part that still changes is shown live below.

    Args:
        streams: False if the answer itself is printed elsewhere, and only what leads to it here.
    """

    def __init__(self, console: PlainConsole, streams: bool = True) -> None:
        self._console, self._streams = console, streams
        self._text, self._gap = "", False  # a gap: an empty line between this text and what is printed of it already
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
        for line in lines[1 - console.height :]:  # the newest ones, if not all fit
            yield from (*line, Segment.line())

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
            case CallStarted():
                self.settle()
                self._running[event.id] = Spinner("dots", call_as_code(event))
            case CallEnded():
                self._running.pop(event.id, None)
                self._console.print(call_line(event))
            case Answered():
                self.settle()
                for warning in warnings_of(event):
                    self._console.print(warning, style="yellow")

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
        blocks = [
            (token.map[0], token.level)
            for token in formatted(self._text).parsed
            if token.map
            and token.nesting >= 0
            and (token.level == 0 or (token.level, token.type) == (1, "list_item_open"))
        ]
        if blocks and (begin := blocks[-1][0]):
            lines = self._text.split("\n")
            self._print("\n".join(lines[:begin]))
            self._text, self._gap = "\n".join(lines[begin:]), (begin, 0) in blocks

    def _print(self, text: str) -> None:
        rendered = self._console.render_lines(formatted(text))
        lines = list(dropwhile(_is_empty, rendered))  # lists, tables and code begin with an empty line
        segments = [segment for line in lines for segment in (*line, Segment.line())]
        self._console.print(Segments([*[Segment.line()] * self._gap, *segments]), end="")

    def settle(self) -> None:
        """Print what the model has said so far, which is complete."""
        self.end_thought()
        if self._text.strip():
            self._print(self._text)
        self._text, self._gap = "", False

    def stop(self) -> None:
        self.settle()
        self._running.clear()


def _is_empty(line: list[Segment]) -> bool:
    return not "".join(segment.text for segment in line).strip()
