"""The message of statistics: what was counted, in which order, and what is to be kept in mind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_server.dataset.feedback import liking
from mcp_server.tools.reliability import FEWEST_USERS, few_users
from mcp_server.tools.results import count_of

if TYPE_CHECKING:
    from mcp_server.catalog.breakdown import Breakdown
    from mcp_server.dataset.spec import DatasetSpec, Nouns


@dataclass(frozen=True)
class Counted:
    """The words for what a call counts."""

    whom: str
    """The users, such as "all viewers", "viewer 655" or "12 viewers (kid)"."""
    among: str
    """The items given, such as " with 12 films"; empty for all."""
    time: str
    """The time, such as " since 1998"; empty for all time."""
    of_group: bool
    """True for the users of some groups."""
    n_given: int
    """Items."""
    n_items: int
    """The same number, but of items that are the same only one."""


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


def say_statistics(
    spec: DatasetSpec, counted: Counted, breakdown: Breakdown, shown: Shown, on_time: Sequence[str]
) -> str:
    """The message.

    Args:
        on_time: Sentences about the time that counts.
    """
    nouns = spec.nouns
    of_whom = f"{nouns.interactions.capitalize()} of {counted.whom}{counted.among}{counted.time}"
    what = f"{of_whom} by {shown.by}"
    page = f", {shown.order}"
    if not shown.n_rows:
        page = "; the offset is beyond the last of them" if breakdown.n_rows else ""
    elif shown.n_rows < breakdown.n_rows:
        last = f" to {shown.offset + shown.n_rows:,}" if shown.n_rows > 1 else ""
        page = f"; listed: {shown.offset + 1:,}{last}{page}"
    first = f"{what}: {count_of(breakdown.n_rows, 'group', 'groups')}{page}."
    if breakdown.is_whole:
        first = f"{of_whom}: totals. group_by breaks them down."
    return " ".join(
        [
            first,
            *_on_groups(nouns, counted, breakdown),
            *_on_kind(spec),
            *on_time,
            *_on_few(spec, counted, breakdown, shown),
        ]
    )


def _on_groups(nouns: Nouns, counted: Counted, breakdown: Breakdown) -> Iterator[str]:
    if not breakdown.total.n_pairs[0]:
        yield f"There are no {nouns.interactions} of these."
    if breakdown.item_groups is not None and breakdown.item_groups.overlap:
        yield (
            f"Some {nouns.items} are in several groups and count in each, so the groups add up to more than the total."
        )
    if breakdown.n_items is not None and breakdown.users_in_rows is not None:
        yield f"share is of what each row's {nouns.users} did; everybody is the {nouns.users} of all rows."
    elif breakdown.others is not None:
        lift = "" if breakdown.is_whole else "; lift is the share over theirs"
        yield f"everybody is all {nouns.users}{lift}."
    if n_twins := counted.n_given - counted.n_items:
        again = count_of(n_twins, f"{nouns.item} is listed again", f"{nouns.items} are listed again")
        ids = count_of(counted.n_given, f"{nouns.item} ID stands", f"{nouns.item} IDs stand")
        different = count_of(counted.n_items, nouns.item, nouns.items)
        once = f"counted once, with the {nouns.interactions} of both"
        yield f"{ids} for {different}: {again} under another ID and {once}."


def _on_kind(spec: DatasetSpec) -> Iterator[str]:
    interactions = spec.nouns.interactions
    if spec.interactions.kind == "likes":
        yield f"Repeated {interactions} count once."
    elif spec.interactions.kind == "counts":
        yield f"{interactions.capitalize()} are summed."
    elif spec.interactions.kind == "events":
        yield f"{interactions.capitalize()} with a weight above 0 are counted."
    if needed := liking(spec):
        yield f"Liked: {needed}."


def _on_few(spec: DatasetSpec, counted: Counted, breakdown: Breakdown, shown: Shown) -> list[str]:
    nouns = spec.nouns
    if counted.of_group and (notes := few_users(breakdown.n_users, nouns)):
        return notes
    if not shown.n_few:
        return []
    is_rating = spec.interactions.kind == "ratings"
    pairs = nouns.interactions if is_rating else f"pairs of {nouns.user} and {nouns.item}"
    users = "" if breakdown.users_in_rows is None else f" or {nouns.users}"
    those = f"{shown.n_few:,} {'group shown is' if shown.n_few == 1 else 'groups shown are'}"
    if breakdown.is_whole:
        those = "These are"
    return [f"{those} of fewer than {FEWEST_USERS} {pairs}{users} (few): that may be chance."]
