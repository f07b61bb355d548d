"""Those whom recommendations are for: a user, several users, or someone who is known by liked items alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_server.dataset.feedback import liking
from mcp_server.errors import InvalidInputError
from mcp_server.tools.results import count_of

if TYPE_CHECKING:
    from mcp_server.catalog.catalog import Catalog
    from mcp_server.catalog.liked_history import LikedHistory
    from mcp_server.catalog.user_histories import History
    from mcp_server.dataset.spec import DatasetSpec, Nouns
    from mcp_server.types import Id, IntArray

MOST_USERS = 20
"""Users whom one call can be for. Each of them costs as much as a call for one."""


@dataclass(frozen=True)
class Member:
    """One person of an audience."""

    user: int | None
    """Position; None for someone without an ID."""
    id: Id | None
    name: str
    """Name in messages."""
    seen: IntArray
    """Positions of the items of the history."""
    liked: LikedHistory
    """Those of them that speak for others."""
    history: History | None = None
    """All that is known of the history; None for someone without an ID."""

    def why_unknown(self, spec: DatasetSpec) -> str | None:
        """Why nothing is known of what this person likes, as a sentence; None where something is."""
        if len(self.liked):
            return None
        nouns = spec.nouns
        if self.user is None:
            why = f"nothing is known of what {self.name} likes"
        elif not len(self.seen):
            why = f"{self.name} has no {nouns.interactions} yet, so nothing is known of what this {nouns.user} likes"
        else:
            why = (
                f"nothing is known of what {self.name} likes yet: nothing in the history is liked, "
                f"which takes {liking(spec)}"
            )
        return f"{why[0].upper()}{why[1:]}."

    def why_silent(self, spec: DatasetSpec) -> str:
        """A sentence for where nothing that this person likes speaks for or against any item."""
        history = f"the {spec.nouns.items} given" if self.user is None else f"the history of {self.name}"
        return f"Nothing could be concluded from {history}."


@dataclass(frozen=True)
class Audience:
    """All whom a call is for."""

    members: tuple[Member, ...]
    name: str
    """Name in messages."""

    @property
    def seen(self) -> IntArray:
        """Positions of the items of all their histories; some may occur twice."""
        import numpy as np

        return np.concatenate([member.seen for member in self.members])


async def find_audience(
    catalog: Catalog, spec: DatasetSpec, user: Id | None, users: Sequence[Id] | None, liked_items: Sequence[Id] | None
) -> Audience:
    """Those whom a call is for.

    Raises:
        InvalidInputError: The call names nobody, or somebody in two ways, or an ID is unknown.
    """
    nouns = spec.nouns
    ways = {"user": user, "users": users, "liked_items": liked_items}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise InvalidInputError(f"give either {' or '.join(given)}, not {'both' if len(given) == 2 else 'all'}")
    if liked_items is not None:
        someone = await _someone(catalog, spec, liked_items)
        return Audience((someone,), someone.name)
    if users is not None and not users:
        raise InvalidInputError(f"users is an empty list: name at least one {nouns.user}")
    asked = [user] if user is not None else list(dict.fromkeys(users or []))
    if not asked:
        raise InvalidInputError(f"for which {nouns.user}? Ask for the ID, or pass liked_items for someone without one")
    if len(asked) > MOST_USERS:
        raise InvalidInputError(f"users names {len(asked):,} {nouns.users}: {MOST_USERS} at most are served together")
    members = tuple([await _member(catalog, spec, each) for each in asked])
    return Audience(members, members[0].name if len(members) == 1 else name_all(members, nouns))


async def _member(catalog: Catalog, spec: DatasetSpec, user: Id) -> Member:
    position = await catalog.user_idx(user)
    history = await catalog.histories.of(position)
    return Member(position, user, f"{spec.nouns.user} {user}", history.items, history.liked, history)


async def _someone(catalog: Catalog, spec: DatasetSpec, liked_items: Sequence[Id]) -> Member:
    from mcp_server.catalog.liked_history import LikedHistory  # with NumPy

    liked = await catalog.item_idx(liked_items)
    n_liked = count_of(len(liked), spec.nouns.item, spec.nouns.items)
    return Member(
        None, None, f"someone who likes {n_liked}" if len(liked) else "someone new", liked, LikedHistory(liked)
    )


def name_all(members: Sequence[Member], nouns: Nouns) -> str:
    """Names of users together: "viewer 12", "viewers 12, 85 and 90"."""
    if len(members) == 1:
        return members[0].name
    ids = [str(member.id) for member in members]
    return f"{nouns.users} {', '.join(ids[:-1])} and {ids[-1]}"
