"""A conversation as the check reads it: plain data, whatever program has led it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """A call of a tool, and what came back."""

    tool: str
    arguments: Mapping[str, Any]
    text: str
    """The result as the model has read it; of a failed call, the error."""
    result: Any
    """The result as JSON is read: objects, lists, texts and numbers. Where it is no JSON, the text itself."""
    failed: bool = False


@dataclass(frozen=True)
class Turn:
    """A question of the person, and the calls that were made for it, in their order."""

    question: str
    calls: Sequence[Call] = ()
