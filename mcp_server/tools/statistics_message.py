"""The message of statistics: what was counted, in which order, and what is to be kept in mind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_server.dataset.feedback import liking
from mcp_server.tools.results import count_of

if TYPE_CHECKING:
    from mcp_server.catalog.breakdown import Breakdown
    from mcp_server.dataset.spec import DatasetSpec, Feedback, Nouns
FEW = 10
"""Pairs of users and items, or users, below which a group's numbers may be chance."""


@dataclass(frozen=True)
class Counted:
    """What a call counts, in words."""

    whom: str
    """The users, such as "all viewers", "viewer 655" or "12 viewers (kid)"."""
    among: str
    """The items given, such as " with 12 films"; empty for all."""
    time: str
    """The time, such as " since 1998"; empty for all time."""
    of_group: bool
    """True for the users of some groups."""
    n_untimed: int
    """Pairs that are left out because no time is known of them."""
    n_items: int
    """Items, of those that are the same only one."""
    n_twins: int
    """Items beside these, which are the same as one of them."""


@dataclass(frozen=True)
class Shown:
    """The rows that are shown of a breakdown, in words and numbers."""

    by: str
    """The groupings, such as "genres and gender"."""
    order: str
    """Such as "greatest n_ratings first"."""
    offset: int
    n_rows: int
    n_few: int
    """Those of few interactions."""


def say_statistics(spec: DatasetSpec, counted: Counted, breakdown: Breakdown, shown: Shown) -> str:
    """The message."""
    nouns = spec.nouns
    what = f"{nouns.interactions.capitalize()} of {counted.whom}{counted.among}{counted.time} by {shown.by}"
    page = f", {shown.order}"
    if not shown.n_rows:
        page = "; the offset is beyond the last of them" if breakdown.n_rows else ""
    elif shown.n_rows < breakdown.n_rows:
        page = f"; {shown.offset + 1:,} to {shown.offset + shown.n_rows:,}{page}"
    first = f"{what}: {count_of(breakdown.n_rows, 'group', 'groups')}{page}."
    return " ".join([first, *_remarks(spec, counted, breakdown, shown)])


def _remarks(spec: DatasetSpec, counted: Counted, breakdown: Breakdown, shown: Shown) -> Iterator[str]:
    nouns, kind = spec.nouns, spec.interactions.kind
    if not breakdown.total.n_pairs[0]:
        yield f"There are no {nouns.interactions} of these."
    if breakdown.item_groups is not None and breakdown.item_groups.overlap:
        yield (
            f"Some {nouns.items} are in several groups and count in each, so the groups add up to more than the total."
        )
    if breakdown.n_items is not None and breakdown.users_in_rows is not None:
        yield (f"share is of what each row's {nouns.users} did; everybody is the {nouns.users} of all rows.")
    elif breakdown.others is not None:
        yield f"everybody is all {nouns.users}; lift is the share over theirs."
    yield from _on_kind(nouns, kind)
    if needed := liking(spec):
        yield f"Liked: {needed}."
    pairs = (nouns.interaction, nouns.interactions) if kind == "ratings" else _pairs(nouns)
    if counted.time and kind != "ratings":
        yield f"Of each pair of {nouns.user} and {nouns.item} the latest time decides for all between them."
    if counted.n_untimed:
        yield f"{count_of(counted.n_untimed, *pairs)} without a date are in no time."
    if counted.n_twins:
        again = count_of(counted.n_twins, f"{nouns.item} is listed again", f"{nouns.items} are listed again")
        yield f"{again} under another ID, and counted once, with the {nouns.interactions} of both."
    if counted.of_group and breakdown.n_users < FEW:
        yield f"With only {count_of(breakdown.n_users, nouns.user, nouns.users)} all of this may be chance."
    elif shown.n_few:
        those = "group shown is" if shown.n_few == 1 else "groups shown are"
        users = "" if breakdown.users_in_rows is None else f" or {nouns.users}"
        yield f"{shown.n_few:,} {those} of fewer than {FEW} {pairs[1]}{users} (few): that may be chance."


def _pairs(nouns: Nouns) -> tuple[str, str]:
    return f"pair of {nouns.user} and {nouns.item}", f"pairs of {nouns.user} and {nouns.item}"


def _on_kind(nouns: Nouns, kind: Feedback) -> Iterator[str]:
    if kind == "likes":
        yield f"Repeated {nouns.interactions} count once."
    elif kind == "counts":
        yield f"{nouns.interactions.capitalize()} are summed."
    elif kind == "events":
        yield f"{nouns.interactions.capitalize()} with a weight above 0 are counted."
