"""The models that train quickly on a catalogue of a given size, by estimate."""

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_server.recommender.training.costs import Shape, collective_fits, cost_of

ALL_FAST = "all-fast"
"""Stands for these models where models are named."""

MOST_SECONDS = 60

CANDIDATES = ("CEASE", "CKNN", "ALS", "EASE", "ItemKNN", "SLIMElastic", "ADMMSLIM", "BPR", "Pop")
"""Models that may train quickly: each has an estimate in ``cost_of``."""


@dataclass(frozen=True)
class Choice:
    """The models that train quickly, and those that do not."""

    shape: Shape
    models: Sequence[str]
    left_out: dict[str, str]
    """Reasons by models."""

    def __str__(self) -> str:
        names = ", ".join(self.models) or "none"
        said = f"{ALL_FAST}, by estimate at most {MOST_SECONDS} s each on {self.shape}: {names}"
        others = "; ".join(f"{model} ({why})" for model, why in self.left_out.items())
        return f"{said}. Left out: {others}" if others else said


def choose_quick(shape: Shape) -> Choice:
    """The candidates that take at most MOST_SECONDS each, and why the others are left out."""
    why = {model: _why_not(model, shape) for model in CANDIDATES}
    return Choice(
        shape,
        [model for model, reason in why.items() if reason is None],
        {model: reason for model, reason in why.items() if reason is not None},
    )


def _why_not(model: str, shape: Shape) -> str | None:
    """The reason for which a model is left out; None where it is not."""
    if model == "CEASE" and not collective_fits(shape):
        return "too many items"
    cost = cost_of(model, shape)
    assert cost is not None
    if cost.seconds <= MOST_SECONDS:
        return None
    return f"about {cost.seconds:,.0f} s" if cost.seconds < 600 else f"about {cost.seconds / 60:,.0f} min"
