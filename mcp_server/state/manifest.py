"""The manifest of a state: which parts are served, and facts about their dataset.

A state folder or a database keeps it. The parts themselves never change once they are made.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from mcp_server.dataset.facts import DatasetCard
from mcp_server.dataset.spec import DatasetSpec, ModelSpec
from mcp_server.errors import NotPreparedError
from mcp_server.recommender.drift import Drift, Side

FORMAT = 2
"""Version of the manifest's format. A field that is added and may be missing needs no new number, so that servers of
the version before keep running through an upgrade.
"""


class PublishedParts(BaseModel):
    """The part of a manifest that every version has written: what a preparation needs to go on from a state that this
    version cannot serve.
    """

    model_config = ConfigDict(protected_namespaces=())

    chosen_model: ModelSpec | None = None
    """The model that `train` was asked for, instead of the specification's. Later preparations keep it."""
    catalog: str
    model: str
    vectors: str | None

    @property
    def parts(self) -> list[str]:
        """Names of the parts."""
        return [name for name in (self.catalog, self.model, self.vectors) if name is not None]


class Manifest(PublishedParts):
    """The published parts of a dataset, and facts about it."""

    format: int = FORMAT
    spec: DatasetSpec
    fingerprint: str
    """Fingerprint of the dataset."""
    card: DatasetCard
    training_fingerprint: str
    """Fingerprint of the users, items and interactions that the model was trained on. The catalogue may be newer."""
    embedding_model: str
    index_version: int
    """Version of what is embedded and of how it is stored."""
    n_searchable: int
    """Number of items with texts."""
    digests: dict[str, dict[str, str]] = {}
    """Digests of each part, by the names of its files or tables."""
    ids: dict[Side, str] = {}
    """Digests of the catalogue's IDs."""
    read_at: int | None = None
    """Time at which the dataset was read, in seconds since 1970."""
    trained_at: int | None = None
    """Time at which the model was trained, in seconds since 1970."""
    drift: Drift | None = None
    """Difference between the catalogue and the data that the model was trained on. None where it is not known."""

    def digests_of(self, part: str) -> Mapping[str, str]:
        """The digests of a part, empty where they are not known."""
        return self.digests.get(part, {})


def fingerprint(*parts: object) -> str:
    """A short digest of JSON-like values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def parse_manifest(content: str, place: str) -> Manifest:
    """Read a manifest.

    Args:
        content: The manifest as JSON.
        place: Where it is kept, for messages.

    Raises:
        NotPreparedError: It is damaged, or was made by another version of this program.
    """
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise NotPreparedError(f"the manifest in {place} cannot be read ({error}): run `recsys-mcp prepare`") from error
    found = parsed.get("format") if isinstance(parsed, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise NotPreparedError(
            f"{place} was prepared by a later version of this program: update recsys-mcp, or run `recsys-mcp prepare`, "
            "which replaces it"
        )
    if found != FORMAT:
        raise NotPreparedError(
            f"{place} was prepared by an earlier version of this program: run `recsys-mcp prepare`, which makes "
            "only what has changed"
        )
    try:
        return Manifest.model_validate(parsed)
    except ValidationError as error:
        raise NotPreparedError(
            f"the manifest in {place} is damaged ({error.error_count()} problems): run `recsys-mcp prepare`"
        ) from error


def parse_parts(content: str) -> PublishedParts | None:
    """The parts of a manifest of any version, or None where it cannot be read."""
    try:
        return PublishedParts.model_validate_json(content)
    except ValidationError:
        return None


class Parts(Protocol):
    """A place that keeps parts. A part that exists is complete, and its content never changes.

    The name of a part begins with its kind ("catalog", "model" or "vectors") and holds the fingerprint of everything
    it is made from.
    """

    def exists(self, name: str) -> bool:
        """True if the part is there."""

    def is_whole(self, name: str) -> bool:
        """True if the part is still what it was when it was made, as far as that was written down."""

    def digests(self, name: str) -> Mapping[str, str]:
        """Digests of the part when it was made. For a part that version 0.1 made, its digests now."""

    def discard(self, name: str) -> None:
        """Remove the part, if it is there."""

    def keep_only(self, names: Collection[str]) -> None:
        """Remove all parts except these."""


class ManifestStore(Parts, Protocol):
    """A place that keeps the manifest, the catalogue and the model: a state folder or a database."""

    is_remote: bool
    """True if reading the manifest takes a round trip to a server."""

    @property
    def place(self) -> str:
        """The place, for messages."""

    def version(self) -> int | None:
        """A number that changes whenever a manifest is published, or None where there is none."""

    def manifest(self) -> Manifest:
        """The published manifest.

        Raises:
            NotPreparedError: There is none, or it was made by another version of this program.
            BackendError: The place cannot be reached.
        """

    def published(self) -> Manifest | None:
        """The published manifest, or None where there is none that can be used."""
        try:
            return self.manifest()
        except NotPreparedError:
            return None

    def published_parts(self) -> PublishedParts | None:
        """The published parts, also those that another version has made; None where there are none.

        Raises:
            BackendError: The place cannot be reached.
        """

    def publish(self, manifest: Manifest) -> None:
        """Publish a manifest. The caller holds the lock."""

    def lock(self) -> AbstractContextManager[None]:
        """Wait until no other process prepares, and keep others waiting. The lock ends with its process. Whoever takes
        it removes what killed processes have left behind.
        """

    def close(self) -> None:
        """Close connections."""
