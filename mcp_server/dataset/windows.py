"""Windows of time, between two dates as callers write them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from mcp_server.dataset.periods import AFTER_ALL_DATES, read_period

DAY = 86_400
"""Seconds."""


@dataclass(frozen=True)
class Window:
    """A time between two moments, in seconds since 1970."""

    begin: int | None = None
    """The first moment; None where the window is open."""
    end: int | None = None
    """The moment just after the last one; None where the window is open."""

    @classmethod
    def between(cls, since: str | None, until: str | None) -> "Window | None":
        """The window from the beginning of one date's period to the end of another's; None where both are missing.

        Raises:
            ValueError: A text is not a date.
        """
        if since is None and until is None:
            return None
        begin = None if since is None else _seconds(read_period(since).begin)
        return cls(begin, None if until is None else _seconds(read_period(until).end))


def day_of(moment: int) -> str:
    """The day of a moment, in UTC, such as "2024-03-05".

    Args:
        moment: In seconds since 1970.
    """
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


def _seconds(moment: str) -> int | None:
    """The moment of a period's beginning or end; None where it is after all dates."""
    if moment == AFTER_ALL_DATES:
        return None
    return int(datetime.fromisoformat(f"{moment}{'0001-01-01'[len(moment) :]}").replace(tzinfo=UTC).timestamp())
