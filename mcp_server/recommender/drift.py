"""The difference between a catalogue and what its model was trained on. Part of every manifest, so nothing heavy is
imported here.
"""

from dataclasses import dataclass
from typing import Literal

Side = Literal["items", "users"]


@dataclass(frozen=True)
class Drift:
    """The difference between a catalogue and what its model was trained on."""

    n_interactions: int
    """Interactions of the catalogue that a model would be trained on."""
    n_trained: int
    """Interactions that the model was trained on."""
    n_new: int
    """Interactions that are not among those."""
    n_gone: int
    """Interactions of the training that the catalogue no longer has."""
    n_new_items: int
    """Items that the catalogue did not have at the training."""
    n_trained_items: int
    """Items that the catalogue had at the training."""

    @classmethod
    def none(cls, n_interactions: int, n_items: int) -> "Drift":
        """The drift of a model that was trained on just what the catalogue has."""
        return cls(n_interactions, n_interactions, 0, 0, 0, n_items)

    @property
    def is_none(self) -> bool:
        """True if the catalogue has nothing that the model does not know, and the other way round."""
        return not (self.n_new or self.n_gone or self.n_new_items)

    @property
    def share_of_interactions(self) -> float:
        """Interactions that are new or gone, relative to those of the training."""
        return (self.n_new + self.n_gone) / max(self.n_trained, 1)

    @property
    def share_of_items(self) -> float:
        """New items, relative to those of the training."""
        return self.n_new_items / max(self.n_trained_items, 1)
