"""The report of `evaluate`: what it writes as JSON, and what its tables and its plot show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer

from mcp_server.recommender.comparison import Comparison, Interval, OfUsers, compare

COMPARED_BY = "ndcg@10"
"""Name of the metric by which a model is the best."""

AS_SERVED = " as served"
"""Ends the name of a model of ours that ranks by what is liked alone."""


@dataclass(frozen=True)
class Measured:
    """A model that was trained and measured."""

    result: dict[str, Any]
    """Figures from the training process, by the names of ``ModelReport``."""
    of_users: OfUsers
    """COMPARED_BY of each test user."""


Rounded = Annotated[float, PlainSerializer(lambda value: round(value, 6))]


class _Part(BaseModel):
    model_config = ConfigDict(protected_namespaces=())


class ColdItems(_Part):
    """Test interactions with items that have none in the training part."""

    interactions: int
    hits: int
    """The number of them that are in the user's ten."""


class AgainstBest(_Part):
    """The difference from the best model in COMPARED_BY, over the same users."""

    difference: Rounded
    low: Rounded
    high: Rounded
    """Ends of its bootstrap interval."""
    may_be_chance: bool
    """The interval contains 0."""


class ModelReport(_Part):
    """One model, measured on one split."""

    model: str
    settings: dict[str, Any]
    metrics: dict[str, Rounded]
    """Means over users, by names such as "ndcg@10"."""
    interval: tuple[Rounded, Rounded]
    """Bootstrap interval of COMPARED_BY."""
    against_best: AgainstBest | None
    """None for the best model itself."""
    coverage: Rounded
    """Share of the catalogue's items that are in anybody's ten."""
    novelty: Rounded
    """Mean self-information of the items in the tens, in bits."""
    cold_items: ColdItems
    users: int
    """Users who were measured."""
    test_users: int
    """Users with test interactions."""
    valid_score: Rounded | None
    epochs: int
    train_seconds: float
    """From the interactions to the fitted model, the choice of its settings included."""
    kind: str
    artifact_bytes: int


class LeftOut(_Part):
    """A model that was not measured."""

    model: str
    why: str


class SplitReport(_Part):
    """All models on one split."""

    split: str
    """A phrase about the test interactions."""
    models: list[ModelReport]
    failed: list[LeftOut]

    @classmethod
    def of(cls, split: str, measured: Sequence[Measured], failed: Sequence[LeftOut]) -> "SplitReport":
        """Compare the models that were measured."""
        return cls(split=split, models=_compared(measured), failed=list(failed))

    @property
    def best(self) -> str | None:
        """Name of the best model; None where none was measured."""
        return next((model.model for model in self.models if model.against_best is None), None)


class Report(SplitReport):
    """The split at random, and beside it the split by time where there are times."""

    dataset: str
    by_time: SplitReport | None
    left_out: list[LeftOut]
    """Models that were not tried because they take too long."""
    interrupted: bool
    """The user stopped before all was measured."""

    @property
    def splits(self) -> list[SplitReport]:
        """All splits on which something was tried."""
        return [self] if self.by_time is None else [self, self.by_time]


def _compared(measured: Sequence[Measured]) -> list[ModelReport]:
    if not measured:
        return []
    comparison = compare({each.result["model"]: each.of_users for each in measured})
    return [ModelReport(**each.result, **_of_comparison(each.result["model"], comparison)) for each in measured]


def _of_comparison(model: str, comparison: Comparison) -> Mapping[str, Any]:
    mean, difference = comparison.means[model], comparison.differences.get(model)
    return {"interval": (mean.low, mean.high), "against_best": None if difference is None else _against(difference)}


def _against(difference: Interval) -> AgainstBest:
    return AgainstBest(
        difference=difference.mean, low=difference.low, high=difference.high, may_be_chance=difference.has_zero
    )
