"""What is published: which parts are served, and the facts about their dataset. A record of it is in a state folder
or in a database.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from mcp_server.dataset.facts import DatasetCard
from mcp_server.dataset.spec import DatasetSpec, ModelSpec
from mcp_server.errors import NotPreparedError

FORMAT = 1
"""Of current.json and of everything it points to. What is merely added, and may be missing, needs no other number:
servers of the version before then go on through an upgrade.
"""


class Manifest(BaseModel):
    """What is served."""

    model_config = ConfigDict(protected_namespaces=())

    format: int = FORMAT
    spec: DatasetSpec
    fingerprint: str
    """Of the dataset."""
    card: DatasetCard
    training_fingerprint: str
    """Of what the model was trained on: users, items and interactions."""
    chosen_model: ModelSpec | None = None
    """The model that `train` was asked for, in place of the specification's; a new preparation keeps it."""
    embedding_model: str
    index_version: int
    """Of what is embedded and how it is stored."""
    n_searchable: int
    """How many items have texts."""
    catalog: str
    model: str
    vectors: str | None
    digests: dict[str, dict[str, str]] = {}
    """What each part is, by the names of its files or tables; see ``digests`` for files. Version 0.1 wrote none."""

    def digests_of(self, part: str) -> Mapping[str, str]:
        """Of a part; none where they are not known."""
        return self.digests.get(part, {})

    @property
    def is_former(self) -> bool:
        """Was it written by version 0.1, or brought up to date by none since?"""
        return not self.digests

    @property
    def parts(self) -> list[str]:
        """Names of the parts."""
        return [name for name in (self.catalog, self.model, self.vectors) if name is not None]


def fingerprint(*parts: object) -> str:
    """A short digest of JSON-like values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def parse_current(content: str, place: str) -> Manifest:
    """What a record says is published.

    Args:
        content: JSON.
        place: Of the record, for messages.

    Raises:
        NotPreparedError: It is damaged, or was made by another version of this program.
    """
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise NotPreparedError(f"the record in {place} cannot be read ({error}): run `recsys-mcp prepare`") from error
    found = parsed.get("format") if isinstance(parsed, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise NotPreparedError(
            f"{place} was prepared by a later version of this program: update recsys-mcp, or run `recsys-mcp prepare`, "
            "which replaces it"
        )
    if found != FORMAT:
        raise NotPreparedError(f"{place} was prepared by another version of this program: run `recsys-mcp prepare`")
    try:
        return Manifest.model_validate(parsed)
    except ValidationError as error:
        raise NotPreparedError(
            f"the record in {place} is damaged ({error.error_count()} problems): run `recsys-mcp prepare`"
        ) from error


class ManifestStore(Protocol):
    """Says what is published: the state folder, or a database server."""

    @property
    def is_remote(self) -> bool:
        """Does a look at it take the way to a server?"""

    @property
    def place(self) -> str:
        """For messages."""

    def version(self) -> int | None:
        """Changes whenever another state is published; None where nothing is."""

    def current(self) -> Manifest:
        """What is published.

        Raises:
            NotPreparedError: Nothing is, or it was made by another version of this program.
            BackendError: The record cannot be reached.
        """

    def published(self) -> Manifest | None:
        """What is published, or None where nothing usable is."""

    def lock(self) -> AbstractContextManager[None]:
        """Only one process prepares at a time; others wait. The lock ends with its process, and taking it takes away
        what killed processes have left.
        """

    def publish(self, current: Manifest) -> None:
        """Serve these parts from now on. Only with the lock."""

    def close(self) -> None:
        """Close what is kept open."""
