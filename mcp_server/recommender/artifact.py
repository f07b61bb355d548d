"""Trained models as files: ``artifact.safetensors`` holds the arrays, ``artifact.json`` says what they are, and
``trained-on.safetensors`` what the model was trained on.

Nothing is unpickled. An artifact is checked as a whole when it is opened: format, dataset, digests, and whether its
arrays are what a model is made of. Then its positions are matched with those of the catalogue that is served.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import save_file

from mcp_server.errors import ArtifactError
from mcp_server.recommender.aligned import AlignedModel
from mcp_server.recommender.array_file import map_arrays
from mcp_server.recommender.drift import Side
from mcp_server.recommender.history_weighting import ALL_ALIKE, HistoryWeighting
from mcp_server.recommender.model import Recommender
from mcp_server.recommender.model_arrays import KINDS_OF_USERS, ArtifactKind, build_model, check_arrays
from mcp_server.recommender.trained_on import TrainedOn, digest_ids, find_positions
from mcp_server.types import Id

FORMAT = 3

FORMATS = (1, 2, FORMAT)
"""The formats that can be opened. In the first, a model does not say what it was trained on; before the third, all of a
history counts alike."""

TENSORS_FILE, HEADER_FILE, TRAINED_ON_FILE = "artifact.safetensors", "artifact.json", "trained-on.safetensors"

REMEDY = "run `recsys-mcp prepare` to train it again"


class ArtifactHeader(BaseModel):
    """The content of artifact.json."""

    model_config = ConfigDict(protected_namespaces=(), extra="forbid")

    format: int = FORMAT
    kind: ArtifactKind
    model: str
    """Name of the model in RecBole, or "popularity"."""
    settings: dict[str, Any]
    """Hyper-parameters, set by the user or chosen on the validation split."""
    dataset: str
    fingerprint: str
    """Fingerprint of the dataset that the model was trained on."""
    n_users: int
    n_items: int
    chosen_by: dict[str, Any] = {}
    """Values tried for a hyper-parameter or for the number of epochs, each with its validation metric."""
    history: HistoryWeighting = ALL_ALIKE
    """The rule by which items of a history weigh more or less."""
    cold_items: bool = False
    """True where the model scores items without interactions, by what is known of them."""
    train_seconds: float
    trained_at: int | None = None
    """Time of the training, in seconds since 1970."""
    ids: dict[Side, str] = {}
    """Digests of the IDs of items and users behind the positions."""
    sha256: str = ""
    """Digest of artifact.safetensors."""
    trained_on_sha256: str = ""
    """Digest of trained-on.safetensors; empty where the model does not say what it was trained on."""


@dataclass(frozen=True)
class ServedIds:
    """The items and users of the catalogue that a model is to serve."""

    n_items: int
    n_users: int
    digests: Mapping[Side, str]
    """Digests of their IDs. Empty for a catalogue of an earlier version, whose model was trained on just these."""
    read: Callable[[Side], list[Id]]
    """Reads the IDs, in the order of their positions. Called only where the model has others."""


def save_artifact(folder: Path, header: ArtifactHeader, arrays: dict[str, Any]) -> None:
    """Write an artifact into a folder.

    Args:
        arrays: Contiguous NumPy arrays by name: the ones that the model class of the header's kind is made of.
    """
    tensors = folder / TENSORS_FILE
    save_file(arrays, tensors)
    tensors.chmod(0o644)  # safetensors makes it private, and a server may run as another user
    _write_header(folder, header.model_copy(update={"sha256": _digest(tensors)}))


def add_trained_on(folder: Path, trained_on: TrainedOn, trained_at: int) -> None:
    """Add to an artifact what its model was trained on, and when, so that it can serve other catalogues, too.

    Args:
        trained_at: In seconds since 1970.
    """
    file = folder / TRAINED_ON_FILE
    trained_on.save(file)
    added = {
        "trained_at": trained_at,
        "ids": {"items": digest_ids(trained_on.items), "users": digest_ids(trained_on.users)},
        "trained_on_sha256": _digest(file),
    }
    _write_header(folder, read_header(folder).model_copy(update=added))


def _write_header(folder: Path, header: ArtifactHeader) -> None:
    (folder / HEADER_FILE).write_text(header.model_dump_json(indent=1), encoding="utf-8")


def read_header(folder: Path) -> ArtifactHeader:
    """Read and check the header of an artifact.

    Raises:
        ArtifactError: The header is missing, damaged, or written by another version of this program.
    """
    path = folder / HEADER_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(f"there is no trained model in {folder}: {REMEDY}") from None
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read ({error}): {REMEDY}") from error
    if not isinstance(content, dict) or content.get("format") not in FORMATS:
        formats = " or ".join(map(str, FORMATS))
        raise ArtifactError(f"{path} is not of format {formats}, which this version serves: {REMEDY}")
    try:
        return ArtifactHeader.model_validate(content)
    except ValidationError as error:
        raise ArtifactError(f"{path} is damaged ({error.error_count()} problems): {REMEDY}") from error


def load_artifact(folder: Path, *, fingerprint: str, served: ServedIds) -> Recommender:
    """Open an artifact for serving.

    Args:
        fingerprint: Fingerprint of the data that the model must have been trained on.
        served: The catalogue that it is to serve.

    Raises:
        ArtifactError: The artifact is missing, corrupt, outdated or trained on other data. The text says which, and
            gives the remedy.
    """
    header = _read_header_of(folder, fingerprint)
    model = build_model(header.kind, _read_arrays(folder, header), header.model)
    if not header.ids:
        if (header.n_users, header.n_items) != (served.n_users, served.n_items):
            raise ArtifactError(
                f"the model in {folder} is for {header.n_users} users and {header.n_items} items, "
                f"the catalogue has {served.n_users} and {served.n_items}: {REMEDY}"
            )
        return model
    return _align(model, header, _read_trained_on(folder, header), served)


def check_artifact(folder: Path, *, fingerprint: str) -> None:
    """Check an artifact whole, whatever catalogue it is to serve.

    Raises:
        ArtifactError: The artifact is missing, corrupt, outdated or trained on other data than the fingerprint is of.
    """
    header = _read_header_of(folder, fingerprint)
    _read_arrays(folder, header)
    if header.trained_on_sha256:
        _read_trained_on(folder, header)


def read_trained_on(folder: Path) -> TrainedOn | None:
    """The data that the model of an artifact was trained on; None where the artifact does not say.

    Raises:
        ArtifactError: The artifact is missing, corrupt or outdated.
    """
    header = read_header(folder)
    return _read_trained_on(folder, header) if header.trained_on_sha256 else None


def _read_header_of(folder: Path, fingerprint: str) -> ArtifactHeader:
    header = read_header(folder)
    if header.fingerprint != fingerprint:
        raise ArtifactError(
            f"the model in {folder} was trained on other data ({header.dataset}, {header.fingerprint[:12]}) "
            f"than the record says ({fingerprint[:12]}): {REMEDY}"
        )
    return header


def _read_arrays(folder: Path, header: ArtifactHeader) -> dict[str, Any]:
    tensors = folder / TENSORS_FILE
    with _explaining(tensors, header.sha256):
        arrays = map_arrays(tensors)
        check_arrays(header.kind, arrays, header.n_users, header.n_items)
        return arrays


def _read_trained_on(folder: Path, header: ArtifactHeader) -> TrainedOn:
    file = folder / TRAINED_ON_FILE
    with _explaining(file, header.trained_on_sha256):
        found = TrainedOn.load(file)
        if (len(found.items), len(found.users)) != (header.n_items, header.n_users):
            raise ValueError("it is of another number of items or users than the model")
        return found


@contextlib.contextmanager
def _explaining(file: Path, digest: str) -> Iterator[None]:
    """Check a file's digest, and turn what goes wrong while it is read into an error with the remedy."""
    try:
        if _digest(file) != digest:
            raise ArtifactError(f"{file} is corrupt (its digest is not the recorded one): {REMEDY}")
        yield
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ArtifactError(f"{file} cannot be used ({error}): {REMEDY}") from error


def _align(model: Recommender, header: ArtifactHeader, trained_on: TrainedOn, served: ServedIds) -> Recommender:
    """The model for the positions of the catalogue: itself where they are the same."""
    reached = np.ones(header.n_items, dtype=bool) if header.cold_items else trained_on.used
    same = {side: not served.digests or served.digests[side] == header.ids[side] for side in header.ids}
    if same["items"] and reached.all() and (same["users"] or header.kind not in KINDS_OF_USERS):
        return model
    own_items = np.arange(header.n_items)
    if not same["items"]:
        own_items = find_positions(served.read("items"), trained_on.items)
    own_items = np.where((own_items >= 0) & reached[own_items], own_items, -1)
    own_users = None
    if not same["users"] and header.kind in KINDS_OF_USERS:
        own_users = find_positions(served.read("users"), trained_on.users)
    return AlignedModel(model, own_items, own_users)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
