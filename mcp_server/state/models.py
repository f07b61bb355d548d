"""Trained models as parts."""

from functools import partial
from pathlib import Path

from mcp_server.recommender.artifact import ArtifactHeader, load_artifact, read_header
from mcp_server.recommender.model import Recommender
from mcp_server.state.manifest import Manifest
from mcp_server.state.parts import FolderParts


class Models:
    """Args:
    parts: Where their files are.
    """

    def __init__(self, parts: FolderParts) -> None:
        self.parts = parts

    def open(self, current: Manifest) -> Recommender:
        """Raises:
        ArtifactError: It is missing, corrupt, foreign or outdated.
        BackendError: The database that keeps it cannot be reached.
        """
        return self.parts.read(current.model, partial(_load, current), current.digests_of(current.model))

    def header(self, current: Manifest) -> ArtifactHeader:
        """What the model says of itself. Raises: ArtifactError: it cannot be read."""
        return read_header(self.parts.path(current.model))

    def check(self, current: Manifest) -> None:
        """Raises: DamagedPartError: it is missing, or not what it should be."""
        self.parts.check_part(current.model, partial(_load, current), current.digests_of(current.model))


def _load(current: Manifest, folder: Path) -> Recommender:
    card = current.card
    return load_artifact(folder, fingerprint=current.training_fingerprint, n_users=card.n_users, n_items=card.n_items)
