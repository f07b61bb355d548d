"""Findings of a reading beside the values: readings that are told, and problems."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mcp_server.errors import quoted


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
            said.append(f"Read {'; '.join(self.readings)}.")
        if self.empty:
            said.append(f"Empty, so taken as not given: {', '.join(self.empty)}.")
        return said
