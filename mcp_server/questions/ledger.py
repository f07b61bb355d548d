"""All that is known of a dataset, as columns, and what can be counted in it.

Everything here is computed from the records as they are read. Nothing is shared with the catalogue, the tools or the
recommender that a server has, so that the two can be compared.
"""

import re
import unicodedata
from collections import Counter
from functools import cached_property

import numpy as np

from mcp_server.dataset.records import NO_TIME, Dataset
from mcp_server.questions.columns import Columns
from mcp_server.types import BoolArray, DoubleArray, IntArray

WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The words of a text, without case, accents and punctuation."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return WORD.findall(plain.casefold())


class Ledger:
    """A dataset in columns.

    Args:
        dataset: Open; it is needed as long as its texts are read.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset, self.spec = dataset, dataset.spec
        self.kind = self.spec.interactions.kind
        self.items = Columns(dataset.items, self.spec.items.fields, [self.spec.items.title])
        self.users = Columns(dataset.users, self.spec.users.fields)
        self.titles = self.items.texts[self.spec.items.title]
        self.canonical = dataset.canonical
        pairs = dataset.interactions
        self.user, self.item, self.value = pairs.user, pairs.item, pairs.value
        self.time = pairs.timestamp
        self.weight = self._weights()
        """(n_pairs,): what a pair adds to the popularity of its item; None for 1 each."""
        self.liked = self._liked()
        """(n_pairs,): True where the user likes the item."""

    def _weights(self) -> DoubleArray | None:
        if self.kind in ("ratings", "likes") or self.value is None:
            return None
        return self.value.clip(min=0) if self.kind == "events" else self.value

    def _liked(self) -> BoolArray:
        threshold = self.spec.interactions.like_threshold
        if self.value is None:
            return np.ones(len(self.user), dtype=bool)
        liked: BoolArray = self.value > 0 if threshold is None else self.value >= threshold
        return liked

    @cached_property
    def is_used(self) -> BoolArray:
        """(n_pairs,): True where the user has really had the item: a sum of counts may be 0, or all that is left of an
        order is that it was taken back."""
        events = self.dataset.interactions.n_events
        if events is not None:
            used: BoolArray = events > 0
        elif self.kind == "counts" and self.value is not None:
            used = self.value > 0
        else:
            used = np.ones(len(self.user), dtype=bool)
        return used

    @cached_property
    def per_item(self) -> DoubleArray:
        """(n_items,): the popularity of each item among everybody."""
        return self.popularity(np.ones(len(self.user), dtype=bool))

    @cached_property
    def per_user(self) -> IntArray:
        """(n_users,): the number of items that each user has interacted with."""
        return np.bincount(self.user, minlength=len(self.users))

    @cached_property
    def has_twin(self) -> BoolArray:
        """(n_items,): True for items that are in the catalogue under several IDs."""
        n_items = len(self.items)
        return np.bincount(self.canonical, minlength=n_items)[self.canonical] > 1

    @cached_property
    def recommendable(self) -> BoolArray:
        """(n_items,): True for items that have a title and are available."""
        titled = np.fromiter((bool(title) for title in self.titles), dtype=bool, count=len(self.items))
        available = self.dataset.available
        return titled if available is None else titled & available

    @cached_property
    def plain(self) -> BoolArray:
        """(n_items,): True for items that a question can name: no other has this title, nor is this one listed twice.

        A quotation mark or a line break in a title would make the question hard to read.
        """
        titles = [title or "" for title in self.titles]
        keys = [" ".join(words_of(title)) for title in titles]
        n_of = Counter(keys)
        good = (
            bool(key) and n_of[key] == 1 and len(title) <= 80 and not any(sign in title for sign in '"“”\n')
            for key, title in zip(keys, titles, strict=True)
        )
        return np.fromiter(good, dtype=bool, count=len(titles)) & ~self.has_twin

    @cached_property
    def has_times(self) -> bool:
        """True if every interaction has a time."""
        return self.time is not None and len(self.time) > 0 and not bool((self.time == NO_TIME).any())

    def popularity(self, pairs: BoolArray) -> DoubleArray:
        """(n_items,): the popularity of each item by some of the pairs.

        Args:
            pairs: (n_pairs,).
        """
        weights = None if self.weight is None else self.weight[pairs]
        sums = np.bincount(self.item[pairs], weights, minlength=len(self.items))
        return sums.astype(np.float64)  # counts are integers

    def of_user(self, user: int) -> IntArray:
        """Numbers of the pairs of a user."""
        return np.flatnonzero(self.user == user)

    def n_likers(self, items: BoolArray, users: BoolArray) -> int:
        """The number of some users who like at least one of some items.

        Args:
            items: (n_items,).
            users: (n_users,).
        """
        likers = np.unique(self.user[self.liked & items[self.item]])
        return int(np.count_nonzero(users[likers]))

    def with_twins(self, items: IntArray) -> IntArray:
        """Items and all that are the same as one of them."""
        same = np.zeros(len(self.items), dtype=bool)
        same[self.canonical[items]] = True
        return np.flatnonzero(same[self.canonical])

    def n_distinct(self, items: BoolArray) -> int:
        """The number of different items among some: (n_items,)."""
        return len(np.unique(self.canonical[items]))
