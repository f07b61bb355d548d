"""Questions that data cannot answer, each with a default."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Question:
    """A question to whoever knows the data."""

    key: str
    """A short name for it, in messages."""
    text: str
    default: str
    choices: Mapping[str, str] = field(default_factory=dict)
    """Possible answers, each with an explanation. Without any, the answer is free."""
    parse: Callable[[str], object] = str
    """Reads a free answer; raises ValueError with a hint if it cannot."""


Choose = Callable[[Question], str]
"""Finds the answer to a question."""


def says_yes(choose: Choose, key: str, text: str, *, yes: str, no: str) -> bool:
    """Ask a question that yes is most often the answer to.

    Args:
        key: A short name for it, in messages.
        yes: What yes means.
        no: What no means.
    """
    return choose(Question(key, text, default="yes", choices={"yes": yes, "no": no})) == "yes"


@dataclass
class TakeDefaults:
    """Answers every question with its default, and remembers which."""

    taken: list[tuple[Question, str]] = field(default_factory=list)

    def __call__(self, question: Question) -> str:
        self.taken.append((question, question.default))
        return question.default
