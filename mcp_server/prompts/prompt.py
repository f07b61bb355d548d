"""A prompt: a question that a person fills in and puts to an assistant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcp_server.errors import InvalidInputError, quoted, quoted_list
from mcp_server.resources.completions import Source
from mcp_server.tools.arguments import LARGEST_K

LONGEST_VALUE = 10_000


@dataclass(frozen=True)
class PromptArgument:
    """One thing to fill in."""

    name: str
    title: str
    description: str
    required: bool = False
    source: Source | None = None
    """Values that can be typed there, where they are known."""


@dataclass(frozen=True)
class Prompt:
    """A question to be filled in."""

    name: str
    title: str
    description: str
    icon: str
    """Name of its picture (``icons``)."""
    arguments: tuple[PromptArgument, ...]
    write: Callable[[Mapping[str, str]], str]
    """Writes the question out. Takes the values that were filled in, by argument."""

    def text(self, given: Mapping[str, str]) -> str:
        """The question, written out.

        Raises:
            InvalidInputError: A value is missing, unknown, too long, or not what its argument takes.
        """
        filled = {name: value.strip() for name, value in given.items() if value.strip()}
        known = [argument.name for argument in self.arguments]
        unknown = [name for name in filled if name not in known]
        missing = [argument.name for argument in self.arguments if argument.required and argument.name not in filled]
        if unknown:
            there_are = ", ".join(known) or "none"
            raise InvalidInputError(
                f"{self.name}: there is no argument {quoted_list(unknown)} (arguments: {there_are})"
            )
        if missing:
            raise InvalidInputError(f"{self.name}: fill in {' and '.join(missing)}")
        for name, value in filled.items():
            if len(value) > LONGEST_VALUE:
                raise InvalidInputError(f"{self.name}: {name} is longer than {LONGEST_VALUE:,} characters")
        k = filled.get("k", "1")
        if not k.isdecimal() or len(k) > 9 or not 1 <= int(k) <= LARGEST_K:
            raise InvalidInputError(f"{self.name}: k is a number from 1 to {LARGEST_K} (got {quoted(k)})")
        return self.write(filled)
