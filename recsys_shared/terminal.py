"""A console of rich that shows text as it is: no string is markup, and none commands the terminal. Needs rich."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from recsys_shared.plain_text import several_lines


class PlainConsole(Console):
    """A console whose styles come from `rich.text.Text` alone.

    Strings are cleaned before they are laid out, so that columns fit their visible text, and all output is cleaned
    again as it is written.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(several_lines(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:  # the console's own control codes: cursor, erasing
                yield segment
            else:
                yield Segment(several_lines(segment.text), segment.style)
