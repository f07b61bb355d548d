"""Rankings for several users at once, by least misery: an item is as good for a group as for the user whom it suits
least.

O'Connor et al. 2001 ("PolyLens: a recommender system for groups of users") rank so, and it is one of the strategies by
which people choose for groups in the experiments of Masthoff 2004 ("Group modeling: selecting a sequence of television
items to suit a group of viewers"). Another is the average, which decides here between items that are equally good by
the first. Models give each user scores on a scale of its own, so what is compared is how many other items suit a user
less.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcp_server.types import DoubleArray, IntArray


@dataclass(frozen=True)
class GroupScores:
    """Scores of all items for a group."""

    least: IntArray
    """(n_items,): the number of items that score lower, for the user for whom these are fewest."""
    scores: DoubleArray
    """(n_items,): in the order of ``least`` and, where it is equal, of the mean over all users."""


def least_misery(n_lower: Sequence[IntArray]) -> GroupScores:
    """The scores of a group.

    They are exact while the number of users times the square of the number of items is below 2**53.

    Args:
        n_lower: Of each user, the number of items that score lower than each item: (n_items,).
    """
    least, total = np.minimum.reduce(n_lower), np.add.reduce(n_lower)
    return GroupScores(least, least * (total.max(initial=0) + 1.0) + total)
