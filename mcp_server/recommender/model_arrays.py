"""The arrays that models of each kind are made of, and the check that they are what they should be."""

from typing import Any, Literal

import numpy as np

from mcp_server.recommender.content import ItemContent, WithContent
from mcp_server.recommender.factors import FactorModel, ImplicitFactorModel
from mcp_server.recommender.item_item import ItemItemModel, LowRankItemItemModel, SparseItemItemModel
from mcp_server.recommender.model import Recommender
from mcp_server.recommender.popularity_model import PopularityModel
from mcp_server.recommender.score_table import ScoreTable
from mcp_server.types import IntArray

ArtifactKind = Literal[
    "item_item",
    "item_item_sparse",
    "item_item_low_rank",
    "factors",
    "implicit_factors",
    "score_table",
    "popularity",
]

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
    "item_item_low_rank": {"vectors": (_FLOATS, ("items", "factors")), "factors": (_FLOATS, ("items",))},
    "factors": {"user_factors": (_FLOATS, ("users", "factors")), "item_factors": (_FLOATS, ("items", "factors"))},
    "implicit_factors": {
        "item_factors": (_FLOATS, ("items", "factors")),
        "confidence": (_FLOATS, ("one",)),
        "regularization": (_FLOATS, ("one",)),
    },
    "score_table": {"scores": (("float32", "float16"), ("users", "items"))},
    "popularity": {"scores": (_FLOATS, ("items",))},
}
"""The arrays of each kind: their allowed types, and the meaning of each axis."""

_CONTENT: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "content_indptr": (("int64",), ("rows",)),
    "content_indices": (("int32",), ("names",)),
    "content_values": (_FLOATS, ("names",)),
    "content_vectors": (_FLOATS, ("items", "dimension")),
    "content_weights": (_FLOATS, ("items",)),
}
"""The arrays of a model of what items are, which any kind may have beside its own."""


def check_arrays(kind: ArtifactKind, arrays: dict[str, Any], n_users: int, n_items: int) -> None:
    """Check that arrays make a model of a kind. Their digest only shows that they are the ones that were written.

    Raises:
        KeyError: An array is missing.
        ValueError: An array has a wrong type or shape, or holds values that no model can use.
    """
    sizes = {"users": n_users, "items": n_items, "rows": n_items + 1, "one": 1}
    with_content = "content_weights" in arrays
    for name, (types, axes) in (_SHAPES[kind] | (_CONTENT if with_content else {})).items():
        array = arrays[name]
        if array.dtype.name not in types:
            raise ValueError(f"{name} is of type {array.dtype.name}, not {' or '.join(types)}")
        fits = len(axes) == array.ndim and all(
            sizes.setdefault(axis, found) == found for axis, found in zip(axes, array.shape, strict=True)
        )
        if not fits:
            wanted = ", ".join(f"{sizes[axis]:,}" if axis in sizes else f"n {axis}" for axis in axes)
            raise ValueError(f"{name} is of shape {array.shape}, not ({wanted})")
        if array.dtype.kind == "f" and array.size and not np.isfinite([array.min(), array.max()]).all():
            raise ValueError(f"{name} holds values that are not finite numbers")
    if kind == "item_item_sparse":
        _check_rows(arrays["indptr"], arrays["indices"], n_items)
    if with_content:
        _check_rows(arrays["content_indptr"], arrays["content_indices"], None)


def _check_rows(indptr: IntArray, indices: IntArray, n_columns: int | None) -> None:
    """Check compressed sparse rows: each begins where the one before ends, and every column exists.

    Args:
        n_columns: None where there may be any number of columns.

    Raises:
        ValueError: They do not.
    """
    if indptr[0] != 0 or indptr[-1] != len(indices) or (np.diff(indptr) < 0).any():
        raise ValueError(f"indptr does not rise from 0 to {len(indices):,}, the number of weights")
    if len(indices) and not (indices.min() >= 0 and (n_columns is None or indices.max() < n_columns)):
        raise ValueError("indices names a column beyond those that there are")


def build_model(kind: ArtifactKind, arrays: dict[str, Any], name: str) -> Recommender:
    """The model of a kind that checked arrays make.

    Args:
        name: Name of the model, for messages.
    """
    model = _build_model(kind, arrays, name)
    if "content_weights" not in arrays:
        return model
    content = ItemContent(*(arrays[f"content_{part}"] for part in ("indptr", "indices", "values", "vectors")))
    return WithContent(model, content, arrays["content_weights"])


def _build_model(kind: ArtifactKind, arrays: dict[str, Any], name: str) -> Recommender:
    if kind == "item_item":
        return ItemItemModel(arrays["weights"], arrays["offset"])
    if kind == "item_item_sparse":
        return SparseItemItemModel(arrays["indptr"], arrays["indices"], arrays["values"], arrays["offset"])
    if kind == "item_item_low_rank":
        return LowRankItemItemModel(arrays["vectors"], arrays["factors"])
    if kind == "factors":
        return FactorModel(arrays["user_factors"], arrays["item_factors"])
    if kind == "implicit_factors":
        return ImplicitFactorModel(arrays["item_factors"], arrays["confidence"], arrays["regularization"])
    if kind == "popularity":
        return PopularityModel(arrays["scores"])
    return ScoreTable(arrays["scores"], name)
