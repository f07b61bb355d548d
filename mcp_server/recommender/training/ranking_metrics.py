"""Measures of rankings of held-out interactions: for each user, and for the catalogue as a whole.

NDCG, recall, hit and MRR are RecBole's, and so are their means. No RecBole is needed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mcp_server.recommender.training.jobs import METRICS
from mcp_server.recommender.training.own.validation import ndcg_of_hits
from mcp_server.types import BoolArray, DoubleArray, IntArray

FILE = "metrics-of-users.npz"

NO_ITEM = -1
"""Stands in a ranking for the place of an item where there is none left."""


@dataclass(frozen=True)
class Rankings:
    """The best items for each test user, and the items that the user had in truth.

    All users and items are positions of the catalogue.
    """

    users: IntArray
    """(n_users,), each with at least one held-out interaction."""
    items: IntArray
    """(n_users, length), best first, none of them from the user's training or validation part; NO_ITEM at the end of a
    ranking that has fewer."""
    held_out_row: IntArray
    """(n_held_out,): the row in ``users`` of each held-out interaction."""
    held_out_item: IntArray
    """(n_held_out,)"""
    n_trained: IntArray
    """(n_items,): interactions with each item of the catalogue in the training part."""
    n_trained_users: int
    """Users with interactions in the training part."""
    n_test_users: int
    """Users with held-out interactions, of whom ``users`` are all or a sample."""

    def measure(self, lengths: Sequence[int]) -> "Measurements":
        """Measure the rankings.

        Args:
            lengths: Lengths of the rankings to measure by NDCG and so on; the longest is that of ``items``.
        """
        hits = self._hits()
        n_relevant = np.bincount(self.held_out_row, minlength=len(self.users))
        n_cold, n_cold_hits = self._cold(hits)
        return Measurements(
            users=self.users,
            of_users=metrics_of_users(hits, n_relevant, lengths),
            n_test_users=self.n_test_users,
            coverage=len(np.unique(self.items[self.items != NO_ITEM])) / len(self.n_trained),
            novelty=self._novelty(),
            n_cold=n_cold,
            n_cold_hits=n_cold_hits,
        )

    def _hits(self) -> BoolArray:
        """(n_users, length): True where the item was held out of this user's interactions."""
        n_items = len(self.n_trained)
        held_out = self.held_out_row * n_items + self.held_out_item
        ranked = np.arange(len(self.users))[:, None] * n_items + self.items
        found: BoolArray = np.isin(ranked, held_out) & (self.items != NO_ITEM)
        return found

    def _novelty(self) -> float:
        """The mean self-information of the ranked items in bits, averaged over users.

        That of an item is log2(users / users who interacted with it), in the training part (Zhou et al. 2010, "Solving
        the apparent diversity-accuracy dilemma of recommender systems"). An item that nobody interacted with counts as
        one with a single user, because its own would be infinite.
        """
        bits = np.log2(self.n_trained_users / np.maximum(self.n_trained, 1))
        is_item = self.items != NO_ITEM
        n_ranked = is_item.sum(axis=1)
        sums = np.where(is_item, bits[self.items], 0.0).sum(axis=1)
        return float((sums[n_ranked > 0] / n_ranked[n_ranked > 0]).mean()) if n_ranked.any() else 0.0

    def _cold(self, hits: BoolArray) -> tuple[int, int]:
        """Held-out interactions with items that have none in the training part, and how many of them were hit."""
        n_cold = int((self.n_trained[self.held_out_item] == 0).sum())
        return n_cold, int((self.n_trained[self.items[hits]] == 0).sum())


@dataclass(frozen=True)
class Measurements:
    """Figures measured on the rankings of one model."""

    users: IntArray
    """(n_users,)"""
    of_users: dict[str, DoubleArray]
    """(n_users,) for each metric by its name, such as "ndcg@10"."""
    n_test_users: int
    coverage: float
    """Share of the catalogue's items that occur in any ranking."""
    novelty: float
    """Mean self-information of the ranked items, in bits."""
    n_cold: int
    """Held-out interactions with items that have none in the training part."""
    n_cold_hits: int
    """The number of them that are in the user's ranking."""

    def report(self) -> dict[str, Any]:
        """The figures, as values of a model's part of the JSON report."""
        return {
            "metrics": {name: float(values.mean()) for name, values in self.of_users.items()},
            "coverage": self.coverage,
            "novelty": self.novelty,
            "cold_items": {"interactions": self.n_cold, "hits": self.n_cold_hits},
            "users": len(self.users),
            "test_users": self.n_test_users,
        }

    def save(self, folder: Path) -> None:
        """Write the file that ``load_of_users`` reads."""
        np.savez(folder / FILE, allow_pickle=False, users=self.users, **self.of_users)


def load_of_users(folder: Path) -> tuple[IntArray, dict[str, DoubleArray]]:
    """The positions of the test users, (n_users,), and each metric of each of them, (n_users,)."""
    with np.load(folder / FILE, allow_pickle=False) as found:
        arrays = dict(found)
    return arrays.pop("users"), arrays


def metrics_of_users(hits: BoolArray, n_relevant: IntArray, lengths: Sequence[int]) -> dict[str, DoubleArray]:
    """NDCG, recall, hit and MRR of each user, (n_users,), by names such as "ndcg@10".

    Args:
        hits: (n_users, longest), True where the ranked item was held out.
        n_relevant: (n_users,), held-out items of each user, at least one.
        lengths: Lengths of the rankings.
    """
    found = dict[str, DoubleArray]()
    for length in lengths:
        near = hits[:, :length]
        is_hit = near.any(axis=1)
        values = {
            "NDCG": ndcg_of_hits(near, n_relevant),
            "Recall": near.sum(axis=1) / n_relevant,
            "Hit": is_hit.astype(np.float64),
            "MRR": np.where(is_hit, 1 / (near.argmax(axis=1) + 1), 0.0),
        }
        found.update({f"{name.lower()}@{length}": values[name] for name in METRICS})
    return {name: found[name] for name in sorted(found, key=_place)}


def _place(name: str) -> tuple[int, int]:
    metric, _, length = name.partition("@")
    return [each.lower() for each in METRICS].index(metric), int(length)
