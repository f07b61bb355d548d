"""Everything that collective EASE learns from: interactions with ratings and times, and what is known of the items."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

from mcp_server.dataset.records import Dataset, Interactions
from mcp_server.types import BoolArray, DoubleArray, FloatArray, IntArray

FILE = "learned-from.npz"

LEAST_ITEMS = 2
"""Items that a name of a category needs to tell anything."""


@dataclass(frozen=True)
class LearnedFrom:
    """Interactions and items that a model is learned from. Pairs are in the order of their sources, each once."""

    n_users: int
    n_items: int
    user: IntArray
    """(n_pairs,), positions."""
    item: IntArray
    """(n_pairs,), positions."""
    liked: BoolArray
    """(n_pairs,)"""
    ratings: DoubleArray | None
    """(n_pairs,); None where users do not rate."""
    times: IntArray | None
    """(n_pairs,), seconds since 1970; None where there are none."""
    middle: float
    """The middle of the scale of ratings."""
    names: Any
    """(n_items, n_names) sparse: the names of the items' categories, rare ones with more weight, rows of unit length;
    None where no item has any."""
    vectors: FloatArray | None
    """(n_items, dimension): the vectors of the items' texts, centred, of unit length; 0 where an item has no text."""

    @classmethod
    def of(cls, dataset: Dataset, interactions: Interactions, texts: FloatArray | None) -> "LearnedFrom":
        """Collect what is to be learned from a dataset.

        Args:
            interactions: Those of the dataset that a model is to be trained on.
            texts: (n_items, dimension), vectors of the texts, 0 for an item without any; None where there are none.
        """
        rated = dataset.spec.interactions.kind == "ratings"
        return cls(
            n_users=len(dataset.users),
            n_items=len(dataset.items),
            user=interactions.user,
            item=interactions.item,
            liked=interactions.liked,
            ratings=interactions.value if rated else None,
            times=interactions.timestamp,
            middle=_middle(dataset, interactions) if rated else 0.0,
            names=_names(dataset),
            vectors=None if texts is None else _centred(texts),
        )

    def part(self, rows: IntArray) -> "LearnedFrom":
        """The same with some of its interactions only."""
        return replace(
            self,
            user=self.user[rows],
            item=self.item[rows],
            liked=self.liked[rows],
            ratings=None if self.ratings is None else self.ratings[rows],
            times=None if self.times is None else self.times[rows],
        )

    def without_times(self) -> "LearnedFrom":
        """The same without times."""
        return replace(self, times=None)

    def all_liked(self) -> "LearnedFrom":
        """The same as if all that users interacted with spoke for other items."""
        return replace(self, liked=np.ones_like(self.liked))

    def save(self, folder: Path) -> None:
        """Write the file that ``load`` reads."""
        names = {} if self.names is None else {f"names_{key}": getattr(self.names, key) for key in _OF_NAMES}
        arrays = {key: getattr(self, key) for key in _ARRAYS if getattr(self, key) is not None}
        np.savez(folder / FILE, allow_pickle=False, **arrays, **names)

    @classmethod
    def load(cls, folder: Path) -> "LearnedFrom":
        """Read the file."""
        with np.load(folder / FILE, allow_pickle=False) as found:
            names = None
            if "names_data" in found:
                parts = tuple(found[f"names_{key}"] for key in ("data", "indices", "indptr"))
                names = scipy.sparse.csr_matrix(parts, shape=tuple(found["names_shape"]))
            arrays: dict[str, Any] = {key: found.get(key) for key in _ARRAYS}
        arrays |= {"n_users": int(arrays["n_users"]), "n_items": int(arrays["n_items"])}
        return cls(**{**arrays, "middle": float(arrays["middle"]), "names": names})


_OF_NAMES = ("data", "indices", "indptr", "shape")
_ARRAYS = ("n_users", "n_items", "user", "item", "liked", "ratings", "times", "middle", "vectors")


def _middle(dataset: Dataset, interactions: Interactions) -> float:
    """The middle of the scale of ratings: half a step above it where there is a threshold just there."""
    declared, values = dataset.spec.interactions, interactions.value
    assert values is not None
    low, high = declared.rating_range or (float(values.min()), float(values.max()))
    threshold = declared.like_threshold
    return (low + high) / 2 if threshold is None else ((low + high) / 2 + threshold) / 2


def _names(dataset: Dataset) -> Any:
    fields = [each.name for each in dataset.spec.items.fields if each.kind == "category"]
    numbers: dict[tuple[str, str], int] = {}
    rows, columns = list[int](), list[int]()
    for position, values in enumerate(dataset.items.rows(fields) if fields else []):
        for name, value in zip(fields, values, strict=True):
            for each in value if isinstance(value, list) else [] if value is None else [value]:
                rows.append(position)
                columns.append(numbers.setdefault((name, str(each)), len(numbers)))
    n_items = len(dataset.items)
    found = scipy.sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(n_items, len(numbers)))
    found.data[:] = 1.0
    n_with = np.bincount(found.indices, minlength=len(numbers))
    told = (n_with >= LEAST_ITEMS) & (n_with < n_items)
    if not told.any():
        return None
    weighted = found[:, told] @ scipy.sparse.diags(np.sqrt(np.log(n_items / n_with[told])))
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return scipy.sparse.csr_matrix(scipy.sparse.diags(1 / np.where(lengths > 0, lengths, 1)) @ weighted)


def _centred(texts: FloatArray) -> FloatArray | None:
    has_text = np.abs(texts).sum(axis=1) > 0
    if has_text.sum() < LEAST_ITEMS:
        return None
    found = np.zeros_like(texts, dtype=np.float32)
    known = texts[has_text] / np.linalg.norm(texts[has_text], axis=1, keepdims=True)
    known -= known.mean(axis=0)
    found[has_text] = known / np.maximum(np.linalg.norm(known, axis=1, keepdims=True), 1e-6)
    return found
