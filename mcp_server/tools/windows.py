"""The time that a call is about, between two dates as callers give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from mcp_server.dataset.facts import Feature
from mcp_server.dataset.windows import DAY, Window, day_of
from mcp_server.errors import InvalidInputError
from mcp_server.tools.arguments import Arguments
from mcp_server.tools.limits import Date
from mcp_server.tools.results import count_of

if TYPE_CHECKING:
    from mcp_server.catalog.timeline import Timeline
    from mcp_server.dataset.spec import DatasetSpec, Nouns


class WindowArguments(Arguments):
    """The two ends of the time that counts."""

    since: Annotated[Date | None, Feature.TIMES] = Field(
        None, description="Only from a date on: 2024, 2024-03 or 2024-03-05; or '30 days': the data's last."
    )
    until: Annotated[Date | None, Feature.TIMES] = Field(None, description="Only to the end of a date.")


@dataclass(frozen=True)
class NamedWindow:
    """The time that a call names."""

    window: Window | None
    """None for all time."""
    words: str
    """It in words, with a space in front, such as " since 2024-03"; empty for all time."""
    notes: list[str]
    """Sentences about what that means for this dataset."""
    untimed: list[str]
    """A sentence about what has no time, and so is in no window, if there is anything."""


async def named_window(timeline: Timeline, spec: DatasetSpec, arguments: WindowArguments) -> NamedWindow:
    """The time that a call names.

    Raises:
        InvalidInputError: It ends before it begins.
    """
    since, until = arguments.since, arguments.until
    if since is None and until is None:
        return NamedWindow(None, "", [], [])
    nouns, span = spec.nouns, await timeline.span()
    if span is None:
        raise InvalidInputError(f"since, until: no {nouns.interaction} has a time that is known")
    window = Window.between(since, until)
    assert window is not None
    if window.begin is not None and window.end is not None and window.begin >= window.end:
        raise InvalidInputError(f"since {since} is after until {until}: there is no such time")
    ends = [*([f"since {since}"] if since else []), *([f"until the end of {until}"] if until else [])]
    words = f"in {since}" if since == until else " ".join(ends)
    notes = (
        []
        if _is_inside(window, span)
        else [f"The {nouns.interactions} are from {day_of(span[0])} to {day_of(span[1])}."]
    )
    notes += _say_latest(spec)
    return NamedWindow(window, f" {words}", notes, _say_untimed(await timeline.n_untimed(), nouns))


def _say_latest(spec: DatasetSpec) -> list[str]:
    """A sentence on what the time of repeated interactions means; ratings are not repeated."""
    nouns, kind = spec.nouns, spec.interactions.kind
    if kind == "ratings":
        return []
    if kind == "likes":
        return [f"Of a {nouns.user}'s {nouns.interactions} of the same {nouns.item}, only the latest counts."]
    return [
        f"The time of a {nouns.user}'s {nouns.interactions} of a {nouns.item} is that of the latest: all of them count "
        "where it is in this time, and none otherwise."
    ]


def _say_untimed(number: int, nouns: Nouns) -> list[str]:
    if not number:
        return []
    verbs = ("has", "is") if number == 1 else ("have", "are")
    pairs = count_of(number, f"pair of a {nouns.user} and a {nouns.item}", f"pairs of {nouns.user} and {nouns.item}")
    return [f"{pairs} {verbs[0]} no time that is known and {verbs[1]} left out."]


def _is_inside(window: Window, span: tuple[int, int]) -> bool:
    """True where the open and given ends of a window are among the days of the data."""
    begin, end = window.begin, window.end
    return (begin is None or span[0] <= begin <= span[1]) and (end is None or span[0] < end <= span[1] + DAY)
