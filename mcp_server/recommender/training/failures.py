"""Words for a training that failed, made of the last ones of its process.

RecBole, torch and NumPy speak of tensors and samplers. What they mean for whoever chose a model and its settings is
said here, for the kinds of failure that happen on data of any size and with any of RecBole's models.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_server.errors import quoted

NO_WORDS = "no reason given"
"""Stands for the last words of a process that ended without any."""


@dataclass(frozen=True)
class Kind:
    """Failures with one meaning."""

    pattern: re.Pattern[str]
    """Found in the last words."""
    meaning: str
    """Goes on after "training MODEL"; may use the groups of the pattern."""


KINDS: Sequence[Kind] = (
    Kind(
        re.compile(r"Unable to allocate (?P<much>[\d.]+ \w+)"),
        "takes more memory than there is ({much} at once): choose a model that takes less",
    ),
    Kind(
        re.compile(r"memory|allocate", re.IGNORECASE),
        "takes more memory than there is: choose a model that takes less",
    ),
    Kind(
        re.compile(f"^{NO_WORDS}$"),
        "ended without a word, as where the system ends a process because memory runs out: choose a model that takes "
        "less",
    ),
    Kind(
        re.compile("No space left on device"),
        "needs more space than there is on the disk of the state folder",
    ),
    Kind(
        re.compile("loss is nan"),
        "does not converge with these settings, because its loss is no number: try others, such as a lower "
        "learning_rate",
    ),
    Kind(
        re.compile("Singular matrix|not positive definite"),
        "has to invert a matrix that has no inverse: set more regularisation",
    ),
    Kind(
        re.compile("No module named 'faiss'"),
        "needs the package faiss, which is not installed: pip install faiss-cpu",
    ),
    Kind(
        re.compile(r"No module named '(?P<name>\w+)"),
        "needs the package {name}, which is not installed: pip install 'recsys-mcp[train]'",
    ),
    Kind(
        re.compile("Sample larger than population"),
        "draws more users or items at a time than there are: set a lower train_batch_size, at which it draws fewer",
    ),
    Kind(
        re.compile("KeyError: 'neg_item_id'"),
        "needs items that a user does not have: leave train_neg_sample_args out of its settings",
    ),
    Kind(
        re.compile("FileNotFoundError"),
        "needs a file of another training with these settings, and there is none: leave them out",
    ),
)
"""The first one that fits is said."""


def explain_failure(model: str, settings: Mapping[str, Any], last_words: str, *, where: str) -> str:
    """One sentence about a training that failed.

    Args:
        settings: Those that were given.
        last_words: The last line that its process wrote to stderr, such as "ValueError: Training loss is nan".
        where: Goes after "failed" where the words cannot be translated.
    """
    for kind in KINDS:
        found = kind.pattern.search(last_words)
        if found:
            return f"training {model} {kind.meaning.format(**found.groupdict())}"
    reason = last_words.removeprefix("ValueError: ")
    if settings:
        given = ", ".join(f"{name}={value}" for name, value in settings.items())
        return f"training {model} failed{where} with {quoted(given)[1:-1]} ({reason}): change these settings"
    return f"training {model} failed{where} ({reason}): this model does not suit these interactions, another one may"
