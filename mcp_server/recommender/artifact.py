"""Trained models as files: ``artifact.safetensors`` holds the arrays, ``artifact.json`` says what they are.

Nothing is unpickled. An artifact is checked as a whole when it is opened: format, dataset, digest, and whether its
arrays are what a model is made of.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mcp_server.errors import ArtifactError
from mcp_server.recommender.factors import FactorModel
from mcp_server.recommender.item_item import ItemItemModel, SparseItemItemModel
from mcp_server.recommender.model import Recommender
from mcp_server.recommender.score_table import ScoreTable
from mcp_server.types import IntArray

FORMAT = 1

ArtifactKind = Literal["item_item", "item_item_sparse", "factors", "score_table"]

REMEDY = "run `recsys-mcp prepare` to train it again"


class ArtifactHeader(BaseModel):
    """The content of artifact.json."""

    model_config = ConfigDict(protected_namespaces=(), extra="forbid")

    format: int = FORMAT
    kind: ArtifactKind
    model: str
    """Name of the model in RecBole."""
    settings: dict[str, Any]
    """Hyper-parameters, set by the user or chosen on the validation split."""
    dataset: str
    fingerprint: str
    """Fingerprint of the dataset that the model was trained on."""
    n_users: int
    n_items: int
    chosen_by: dict[str, Any] = {}
    """Values tried for a hyper-parameter or for the number of epochs, each with its validation metric."""
    train_seconds: float
    sha256: str = ""
    """Digest of artifact.safetensors."""


def save_artifact(folder: Path, header: ArtifactHeader, arrays: dict[str, Any]) -> None:
    """Write an artifact into a folder.

    Args:
        arrays: Contiguous NumPy arrays by name: the ones that the model class of the header's kind is made of.
    """
    tensors = folder / "artifact.safetensors"
    save_file(arrays, tensors)
    tensors.chmod(0o644)  # safetensors makes it private, and a server may run as another user
    header = header.model_copy(update={"sha256": _digest(tensors)})
    (folder / "artifact.json").write_text(header.model_dump_json(indent=1), encoding="utf-8")


def read_header(folder: Path) -> ArtifactHeader:
    """Read and check the header of an artifact.

    Raises:
        ArtifactError: The header is missing, damaged, or written by another version of this program.
    """
    path = folder / "artifact.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(f"there is no trained model in {folder}: {REMEDY}") from None
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read ({error}): {REMEDY}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ArtifactError(f"{path} is not of format {FORMAT}, which this version serves: {REMEDY}")
    try:
        return ArtifactHeader.model_validate(content)
    except ValidationError as error:
        raise ArtifactError(f"{path} is damaged ({error.error_count()} problems): {REMEDY}") from error


def load_artifact(folder: Path, *, fingerprint: str, n_users: int, n_items: int) -> Recommender:
    """Open an artifact for serving.

    Args:
        fingerprint: Fingerprint of the dataset that is served. The model must have been trained on it.

    Raises:
        ArtifactError: The artifact is missing, corrupt, outdated or trained on other data. The text says which, and
            gives the remedy.
    """
    header = read_header(folder)
    if header.fingerprint != fingerprint:
        raise ArtifactError(
            f"the model in {folder} was trained on other data ({header.dataset}, {header.fingerprint[:12]}) "
            f"than is served ({fingerprint[:12]}): {REMEDY}"
        )
    if (header.n_users, header.n_items) != (n_users, n_items):
        raise ArtifactError(
            f"the model in {folder} is for {header.n_users} users and {header.n_items} items, "
            f"the catalogue has {n_users} and {n_items}: {REMEDY}"
        )
    tensors = folder / "artifact.safetensors"
    try:
        if _digest(tensors) != header.sha256:
            raise ArtifactError(f"{tensors} is corrupt (its digest is not the recorded one): {REMEDY}")
        arrays = load_file(tensors)
        _check_arrays(header, arrays)
        return _build(header, arrays)
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ArtifactError(f"{tensors} cannot be used ({error}): {REMEDY}") from error


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
}
"""The arrays of each kind: their allowed types, and the meaning of each axis."""


def _check_arrays(header: ArtifactHeader, arrays: dict[str, Any]) -> None:
    """Check that the arrays make a model. The digest only shows that they are the ones the header was written with.

    Raises:
        KeyError: An array is missing.
        ValueError: An array has a wrong type or shape, or holds values that no model can use.
    """
    sizes = {"users": header.n_users, "items": header.n_items, "rows": header.n_items + 1}
    for name, (types, axes) in _SHAPES[header.kind].items():
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
    if header.kind == "item_item_sparse":
        _check_rows(arrays["indptr"], arrays["indices"], header.n_items)


def _check_rows(indptr: IntArray, indices: IntArray, n_items: int) -> None:
    """Check compressed sparse rows: each begins where the one before ends, and every column exists.

    Raises:
        ValueError: They do not.
    """
    if indptr[0] != 0 or indptr[-1] != len(indices) or (np.diff(indptr) < 0).any():
        raise ValueError(f"indptr does not rise from 0 to {len(indices):,}, the number of weights")
    if len(indices) and not (indices.min() >= 0 and indices.max() < n_items):
        raise ValueError(f"indices names a column beyond those of {n_items:,} items")


def _build(header: ArtifactHeader, arrays: dict[str, Any]) -> Recommender:
    if header.kind == "item_item":
        return ItemItemModel(arrays["weights"], arrays["offset"])
    if header.kind == "item_item_sparse":
        return SparseItemItemModel(arrays["indptr"], arrays["indices"], arrays["values"], arrays["offset"])
    if header.kind == "factors":
        return FactorModel(arrays["user_factors"], arrays["item_factors"])
    return ScoreTable(arrays["scores"], header.model)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
