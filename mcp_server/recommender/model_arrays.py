"""The arrays that models of each kind are made of, and the check that they are what they should be."""

from typing import Any, Literal

import numpy as np

from mcp_server.recommender.factors import FactorModel
from mcp_server.recommender.item_item import ItemItemModel, SparseItemItemModel
from mcp_server.recommender.model import Recommender
from mcp_server.recommender.popularity_model import PopularityModel
from mcp_server.recommender.score_table import ScoreTable
from mcp_server.types import IntArray

ArtifactKind = Literal["item_item", "item_item_sparse", "factors", "score_table", "popularity"]

KINDS_OF_USERS = ("factors", "score_table")
"""Kinds that keep numbers for each user."""

_FLOATS = ("float32",)
_SHAPES: dict[ArtifactKind, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "item_item": {"weights": (_FLOATS, ("items", "items")), "offset": (_FLOATS, ("items",))},
    "item_item_sparse": {
        "indptr": (("int64",), ("rows",)),
        "indices": (("int32",), ("weights",)),
        "values": (_FLOATS, ("weights",)),
        "offset": (_FLOATS, ("items",)),
    },
    "factors": {"user_factors": (_FLOATS, ("users", "factors")), "item_factors": (_FLOATS, ("items", "factors"))},
    "score_table": {"scores": (("float32", "float16"), ("users", "items"))},
    "popularity": {"scores": (_FLOATS, ("items",))},
}
"""The arrays of each kind: their allowed types, and the meaning of each axis."""


def check_arrays(kind: ArtifactKind, arrays: dict[str, Any], n_users: int, n_items: int) -> None:
    """Check that arrays make a model of a kind. Their digest only shows that they are the ones that were written.

    Raises:
        KeyError: An array is missing.
        ValueError: An array has a wrong type or shape, or holds values that no model can use.
    """
    sizes = {"users": n_users, "items": n_items, "rows": n_items + 1}
    for name, (types, axes) in _SHAPES[kind].items():
        array = arrays[name]
        if array.dtype.name not in types:
            raise ValueError(f"{name} is of type {array.dtype.name}, not {' or '.join(types)}")
        fits = len(axes) == array.ndim and all(
            sizes.setdefault(axis, found) == found for axis, found in zip(axes, array.shape, strict=True)
        )
        if not fits:
            wanted = ", ".join(f"{sizes[axis]:,}" if axis in sizes else f"n {axis}" for axis in axes)
            raise ValueError(f"{name} is of shape {array.shape}, not ({wanted})")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} holds values that are not finite numbers")
    if kind == "item_item_sparse":
        _check_rows(arrays["indptr"], arrays["indices"], n_items)


def _check_rows(indptr: IntArray, indices: IntArray, n_items: int) -> None:
    """Check compressed sparse rows: each begins where the one before ends, and every column exists.

    Raises:
        ValueError: They do not.
    """
    if indptr[0] != 0 or indptr[-1] != len(indices) or (np.diff(indptr) < 0).any():
        raise ValueError(f"indptr does not rise from 0 to {len(indices):,}, the number of weights")
    if len(indices) and not (indices.min() >= 0 and indices.max() < n_items):
        raise ValueError(f"indices names a column beyond those of {n_items:,} items")


def build_model(kind: ArtifactKind, arrays: dict[str, Any], name: str) -> Recommender:
    """The model of a kind that checked arrays make.

    Args:
        name: Name of the model, for messages.
    """
    if kind == "item_item":
        return ItemItemModel(arrays["weights"], arrays["offset"])
    if kind == "item_item_sparse":
        return SparseItemItemModel(arrays["indptr"], arrays["indices"], arrays["values"], arrays["offset"])
    if kind == "factors":
        return FactorModel(arrays["user_factors"], arrays["item_factors"])
    if kind == "popularity":
        return PopularityModel(arrays["scores"])
    return ScoreTable(arrays["scores"], name)
