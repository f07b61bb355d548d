"""Findings of a reading beside the values: readings that are told, and problems."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mcp_server.errors import quoted

MOST_TOLD = 12
"""Readings, or problems, that one message tells."""


class UnreadableError(ValueError):
    """A value cannot be read as its argument; the text says what would be right."""


@dataclass
class Findings:
    """The readings and the problems of one call."""

    readings: list[str] = field(default_factory=list)
    """Phrases, each of which says what was taken for what."""
    empty: list[str] = field(default_factory=list)
    """Arguments that count as not given, because they are empty."""
    problems: list[str] = field(default_factory=list)
    """Sentences without their full stop."""
    unknown: list[str] = field(default_factory=list)
    """Names that no argument has."""
    unreadable: set[str] = field(default_factory=set)
    """Arguments whose values could not be read."""

    def note(self, name: str, given: Any, meant: str) -> None:
        """Keep what a value was read as."""
        phrase = f"{name} {quoted(given)} as {meant}"
        if phrase not in self.readings:
            self.readings.append(phrase)

    def rename(self, given: str, meant: str) -> None:
        """Keep which argument a name was read as."""
        self.readings.append(f"{quoted(given)} as {meant}")

    @property
    def sentences(self) -> list[str]:
        """The readings for a person."""
        said = []
        if self.readings:
            said.append(f"Read {_first(self.readings, '; ', 'readings')}.")
        if self.empty:
            said.append(f"Empty, so taken as not given: {_first(self.empty, ', ', 'arguments')}.")
        return said

    @property
    def problem(self) -> str:
        """All problems in one text."""
        return _first(self.problems, "; ", "problems")


def _first(phrases: list[str], separator: str, what: str) -> str:
    """Phrases together; of very many, the first and the number of the others."""
    others = len(phrases) - MOST_TOLD
    return separator.join([*phrases[:MOST_TOLD], *([f"and {others:,} more {what}"] if others > 0 else [])])
