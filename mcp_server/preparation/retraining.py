"""When a preparation trains again, and the sentence that says so beforehand.

A model serves a catalogue that is newer than its training, so training can wait until it is worth its time.
"""

import datetime
from dataclasses import dataclass
from typing import Literal

from mcp_server.dataset.spec import Nouns
from mcp_server.recommender.drift import Drift

Retrain = Literal["auto", "always", "never"]

NEW_SHARE = 0.05
"""Share of interactions that are new or gone, and of items that are new, from which on ``auto`` trains again."""

OLD_DAYS = 7
"""Age of a model, in days, from which on ``auto`` trains again if anything has changed."""

DAY = 86_400


@dataclass(frozen=True)
class PresentModel:
    """The model that is served, beside the catalogue of now."""

    is_wanted: bool
    """True if it was trained as the dataset or the user now asks."""
    trained_at: int | None
    """Time of its training, in seconds since 1970; None where that is not known."""
    drift: Drift


@dataclass(frozen=True)
class Decision:
    """Whether to train, and why."""

    train: bool
    sentence: str


def decide(policy: Retrain, model: PresentModel | None, nouns: Nouns, now: float) -> Decision:
    """Decide whether to train.

    Args:
        model: None where there is no model that could serve the catalogue.
        now: In seconds since 1970.
    """
    if model is None:
        return Decision(True, "training: there is no model that knows this catalogue")
    changes = _describe(model.drift, nouns)
    if policy != "never":
        reason = _reason(policy, model, changes, now)
        if reason is not None:
            return Decision(True, f"training again: {reason}")
    kept = "keeping the model" if model.trained_at is None else f"keeping the model of {_date(model.trained_at)}"
    if not model.is_wanted:
        return Decision(False, f"{kept}, although another one is asked for: `recsys-mcp train` trains it")
    if model.drift.is_none:
        return Decision(False, f"{kept}: no {nouns.interactions} or {nouns.items} are new or gone")
    return Decision(False, f"{kept}: {changes}; `recsys-mcp prepare --retrain always` trains now")


def _reason(policy: Retrain, model: PresentModel, changes: str, now: float) -> str | None:
    """The reason to train, or None where there is none."""
    if not model.is_wanted:
        return "another model or other settings are asked for"
    if model.drift.is_none:
        return None
    if policy == "always" or max(model.drift.share_of_interactions, model.drift.share_of_items) >= NEW_SHARE:
        return changes
    days = None if model.trained_at is None else (now - model.trained_at) / DAY
    if days is not None and days >= OLD_DAYS:
        return f"the model is {days:.0f} days old, and {changes}"
    return None


def _describe(drift: Drift, nouns: Nouns) -> str:
    """The changes since the training, as a clause."""
    found = []
    if drift.n_new or drift.n_gone:
        how = " or ".join(word for word, count in (("new", drift.n_new), ("gone", drift.n_gone)) if count)
        found.append(f"{_percent(drift.share_of_interactions)} of the {nouns.interactions} are {how}")
    if drift.n_new_items:
        found.append(f"{_percent(drift.share_of_items)} of the {nouns.items} are new")
    return " and ".join(found)


def _percent(share: float) -> str:
    percent = 100 * share
    if percent < 0.001:
        return "less than 0.001%"
    return f"{percent:.0f}%" if percent >= 10 else f"{percent:.1f}%" if percent >= 1 else f"{percent:.1g}%"


def _date(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().isoformat()
