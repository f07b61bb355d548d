"""A model of our own: chosen on a validation split, then learned from everything, in the form in which it is served."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp_server.recommender.history_weighting import HistoryWeighting
from mcp_server.recommender.model import Recommender
from mcp_server.recommender.model_arrays import ArtifactKind, build_model


@dataclass(frozen=True)
class Learned:
    """A model's arrays, and all that serving it takes."""

    model: str
    kind: ArtifactKind
    arrays: dict[str, Any]
    settings: dict[str, float]
    weighting: HistoryWeighting
    cold_items: bool
    """True where items without interactions are scored."""

    @property
    def n_bytes(self) -> int:
        """Size of what is served."""
        return sum(array.nbytes for array in self.arrays.values())

    def recommender(self) -> Recommender:
        """The model as it is served."""
        return build_model(self.kind, self.arrays, self.model)


@dataclass(frozen=True)
class Chosen:
    """A model whose settings have been chosen."""

    ndcg: float
    """Its mean NDCG on the validation split; 0 where there is none."""
    tried: dict[str, float]
    """Mean NDCG of all that was tried."""
    learn: Callable[[], Learned]
    """Learns from everything by these settings."""


def settings_told(settings: Any, given: dict[str, float]) -> dict[str, float]:
    """The settings that a record names: those that weigh something, or were given."""
    return {name: value for name, value in vars(settings).items() if name in given or value}
