"""Trained models as parts."""

from mcp_server.current import Current
from mcp_server.errors import ArtifactError, DamagedPartError
from mcp_server.recommender.artifact import ArtifactHeader, load_artifact, read_header
from mcp_server.recommender.protocol import Recommender
from mcp_server.storage.parts import FolderParts


class Models:
    """Args:
    parts: Where their files are.
    """

    def __init__(self, parts: FolderParts) -> None:
        self.parts = parts

    def open(self, current: Current) -> Recommender:
        """Raises:
        ArtifactError: It is missing, corrupt, foreign or outdated.
        BackendError: The database that keeps it cannot be reached.
        """
        try:
            return self._load(current)
        except ArtifactError:
            if not self.parts.renew(current.model):
                raise
            return self._load(current)

    def _load(self, current: Current) -> Recommender:
        return load_artifact(
            self.parts.path(current.model),
            fingerprint=current.training_fingerprint,
            n_users=current.card.n_users,
            n_items=current.card.n_items,
        )

    def header(self, current: Current) -> ArtifactHeader:
        """What the model says of itself. Raises: ArtifactError: it cannot be read."""
        return read_header(self.parts.path(current.model))

    def is_damaged(self, current: Current) -> bool:
        try:
            self.open(current)
            return not self.parts.is_whole(current.model)
        except (ArtifactError, DamagedPartError):
            return True
