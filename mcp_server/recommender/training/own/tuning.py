"""The choice of a model's settings on a validation split: one pass over them, one after the other."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from mcp_server.recommender.training.hyper_parameters import HyperParameterError, check_settings
from mcp_server.recommender.training.own.validation import Report
from mcp_server.types import DoubleArray

CLEAR = 2.0
"""Standard errors of a paired difference, beyond which it is no chance."""

SettingsT = TypeVar("SettingsT", bound=Any)
"""A frozen dataclass of numbers, whose defaults are the usual settings."""

Grid = Mapping[str, Sequence[float]]
"""Values to choose from, by the name of a setting."""


def check_own_settings(model: str, settings: type, given: Mapping[str, Any]) -> dict[str, float]:
    """Check settings that a user gives to one of our own models.

    Args:
        model: Name of the model, for messages.
        settings: The dataclass of its settings.

    Raises:
        HyperParameterError: There is no such setting, or it cannot have this value.
    """
    checked = check_settings(model, given, {each.name: each.default for each in fields(settings)}, training={})
    above_0 = getattr(settings, "ABOVE_0", ())
    for name, value in checked.items():
        if value < 0 or (name in above_0 and not value):
            limit = "above 0" if name in above_0 else "from 0 on"
            raise HyperParameterError(f"{name} is a number {limit}; {value:g} is not")
    return checked


def trials(settings: Any, given: Iterable[str], grid: Grid) -> list[tuple[str, float]]:
    """The settings and values to try: not those that are given, nor what the data does not have."""
    usual = type(settings)()
    return [
        (name, value)
        for name, values in grid.items()
        if name not in given and not (getattr(settings, name) == 0 and getattr(usual, name) != 0)
        for value in values
    ]


def ascend(
    settings: SettingsT,
    tries: Sequence[tuple[str, float]],
    measure: Callable[[SettingsT], DoubleArray],
    report: Report,
    *,
    steps_done: int = 0,
) -> tuple[SettingsT, dict[str, float], float]:
    """Try values one after the other, and keep each that is clearly better.

    A value is taken if its gain, averaged over users, is more than CLEAR standard errors. So what was found on other
    data stays where the validation cannot tell.

    Args:
        measure: Measures the NDCG of each user: (n_users,).
        steps_done: Steps that were reported before.

    Returns:
        The settings, the mean NDCG of all that were tried, and that of those that were kept.
    """
    total = steps_done + 1 + len(tries)
    best = measure(settings)
    tried = {"defaults": round(float(best.mean()), 4)}
    report("defaults", steps_done + 1, total, float(best.mean()))
    for number, (name, value) in enumerate(tries, start=steps_done + 2):
        if getattr(settings, name) != value:
            candidate = replace(settings, **{name: value})
            found = measure(candidate)
            tried[f"{name} {value:g}"] = round(float(found.mean()), 4)
            gain = found - best
            if gain.mean() > CLEAR * gain.std() / math.sqrt(len(gain)):
                best, settings = found, candidate
        report(f"{name} {value:g}", number, total, float(best.mean()))
    return settings, tried, float(best.mean())
