"""A prompt: a question that a person fills in and puts to an assistant. Knows neither protocol nor questions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcp_server.errors import InvalidInputError, quoted, quoted_list
from mcp_server.resources.completions import Source
from mcp_server.tools.arguments import LARGEST_K

LONGEST_VALUE = 10_000


@dataclass(frozen=True)
class PromptArgument:
    """One thing to fill in.

    Args:
        source: What can be typed there, where that is known.
    """

    name: str
    title: str
    description: str
    required: bool = False
    source: Source | None = None


@dataclass(frozen=True)
class Prompt:
    """A question to be filled in.

    Args:
        icon: Name of its picture (``icons``).
        write: Takes what was filled in, by argument.
    """

    name: str
    title: str
    description: str
    icon: str
    arguments: tuple[PromptArgument, ...]
    write: Callable[[Mapping[str, str]], str]

    def text(self, given: Mapping[str, str]) -> str:
        """The question, written out.

        Raises:
            InvalidInputError: What has to be filled in is not, or something else is.
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
