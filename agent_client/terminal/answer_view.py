"""An answer in a terminal, while it comes and when it is complete."""

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.spinner import Spinner
from rich.text import Text as Line

from agent_client.events import Answered, CallEnded, CallStarted, Event, Text
from agent_client.terminal.call_lines import call_as_code, call_line
from recsys_shared.plain_text import one_line, several_lines
from recsys_shared.terminal import PlainConsole


def formatted(text: str) -> Markdown:
    """A model's Markdown, with the addresses of links in sight: in a terminal no word should hide where it leads."""
    return Markdown(several_lines(text), hyperlinks=False)


class AnswerView:
    """An answer while it comes: complete parts are printed, the part that still changes is shown live below."""

    def __init__(self, console: PlainConsole) -> None:
        self._console = console
        self._text = ""
        self._running: dict[str, CallStarted] = {}

    def __rich__(self) -> RenderableType:
        lines: list[RenderableType] = [formatted(self._text)] if self._text else []
        lines += [Spinner("dots", call_as_code(call)) for call in self._running.values()]
        return Group(*lines) if lines else Spinner("dots", Line("thinking", style="dim"))

    def show(self, event: Event) -> None:
        match event:
            case Text(text):
                self._text += text
            case CallStarted():
                self._settle()
                self._running[event.id] = event
            case CallEnded():
                self._running.pop(event.id, None)
                self._console.print(call_line(event))
            case Answered():
                self._settle()
                if warning := warning_of(event):
                    self._console.print(warning, style="yellow")

    def _settle(self) -> None:
        """Print the text that the model has written, which is complete."""
        if self._text.strip():
            self._console.print(formatted(self._text))
        self._text = ""

    def stop(self) -> None:
        self._settle()
        self._running.clear()


def warning_of(answer: Answered) -> str:
    """A warning about names and IDs that come from no tool; empty if there are none."""
    if not answer.unsupported:
        return ""
    shown = one_line(", ".join(answer.unsupported[:8]))
    more = f" and {len(answer.unsupported) - 8} more" if len(answer.unsupported) > 8 else ""
    return f"⚠ No tool has returned {shown}{more}: this may be the model's invention."
