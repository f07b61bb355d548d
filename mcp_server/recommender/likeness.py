"""The likeness of users: the cosine of the sets of items that two of them like.

It is the number of items that both like over the geometric mean of how many each likes. Items that are the same count
as one.
"""

import math
from dataclasses import dataclass

import numpy as np

from mcp_server.catalog.catalog import Catalog
from mcp_server.types import IntArray


@dataclass(frozen=True)
class AlikeUser:
    """A user who is like another one."""

    user: int
    """Position."""
    n_common: int
    """Number of items that both like."""
    percent: float
    """The likeness, from 0 to 100, rounded down to one decimal."""
    common: list[int]
    """Positions of items that both like, the least popular first."""


async def most_alike(
    catalog: Catalog, user: int, liked: IntArray, users: IntArray, k: int, n_named: int
) -> tuple[list[AlikeUser], int]:
    """The users who are most like a user, at most k, the most alike first, and the number of all who like anything
    that this user likes.

    Args:
        liked: Positions of the items that the user likes, of those that are the same only one: (n,).
        users: Positions of those to choose from, which rise.
        n_named: Upper bound on the items in common of each.

    Raises:
        BackendError: The database cannot be read.
    """
    n_common, n_likes = await catalog.likers.n_common(liked), await catalog.likers.n_likes()
    others = users[(n_common[users] > 0) & (users != user)]
    cosine = n_common[others] / np.sqrt(n_likes[others])  # but for a factor that is the same for all
    chosen = others[np.lexsort((others, -n_common[others], -cosine))][:k]
    by_rarity = liked[np.argsort(catalog.popularity[liked], kind="stable")]
    firsts = catalog.twins.canonical(by_rarity)
    alike = []
    for other, history in zip(chosen.tolist(), await catalog.histories.of_many(chosen.tolist()), strict=True):
        in_common = by_rarity[np.isin(firsts, catalog.twins.canonical(history.liked.items))]
        percent = _percent(len(in_common), len(liked) * int(n_likes[other]))
        alike.append(AlikeUser(other, len(in_common), percent, in_common[:n_named].tolist()))
    return alike, len(others)


def _percent(n_common: int, product: int) -> float:
    """A likeness in percent, by whole numbers, so that only equal sets have 100."""
    return math.isqrt(10**6 * n_common**2 // product) / 10
