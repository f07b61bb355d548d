"""The words of a training process to its parent."""

from collections.abc import Callable, Mapping
from typing import Any

Emit = Callable[[Mapping[str, Any]], None]
"""Sends an event to the parent."""


class UnsuitableError(Exception):
    """The job cannot be done as asked. The text is for the user."""


def progress_event(label: str, done: int, total: int, score: float | None) -> dict[str, Any]:
    """An event that says how far a job is."""
    return {"event": "progress", "label": label, "done": done, "total": total, "score": score}
