"""Events while a question is being answered, for whatever shows them: a terminal, a web page, a script."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Text:
    """A piece of the text that the model writes."""

    text: str


@dataclass(frozen=True)
class Thought:
    """A piece of what a model says to itself before it answers; it is no part of the answer."""

    text: str


@dataclass(frozen=True)
class Retracted:
    """The text since the last call was no answer, and is taken back: it was a thought, or is written anew."""


@dataclass(frozen=True)
class CallStarted:
    """A tool is being called."""

    id: str
    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class CallEnded:
    """A tool has answered."""

    id: str
    tool: str
    arguments: dict[str, Any]
    text: str
    """The result as the model reads it."""
    structured: dict[str, Any] | None
    """The result as data, if the tool returned data."""
    failed: bool
    seconds: float


@dataclass(frozen=True)
class Answered:
    """The answer is complete."""

    text: str
    calls: list[CallEnded] = field(default_factory=list)
    """The calls made for this answer, in the order in which they ended."""
    unsupported: list[str] = field(default_factory=list)
    """Differences between the answer and the results of the tools, a phrase each: "“Fargo” has ID 100, not 101"."""
    complete: bool = True
    """False if the limit of steps was reached first, or if the model has given no answer, or one that was cut."""
    notes: list[str] = field(default_factory=list)
    """Sentences of this program about the answer: that it was cut, or that old results were shortened."""


Event = Text | Thought | Retracted | CallStarted | CallEnded | Answered
