"""The models that are ours, by name, and the better of several of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own import collective_tuning, with_content
from mcp_server.recommender.training.own.collective_ease import Settings
from mcp_server.recommender.training.own.item_knn import CKNN
from mcp_server.recommender.training.own.learned import Chosen
from mcp_server.recommender.training.own.least_squares import ALS
from mcp_server.recommender.training.own.tuning import check_own_settings
from mcp_server.recommender.training.own.validation import Report


@dataclass(frozen=True)
class OwnModel:
    """A model of ours."""

    settings: type
    """The dataclass of its settings."""
    choose: Callable[[LearnedFrom, dict[str, float], Report], Chosen]
    """Chooses the settings that are not given."""


BY_NAME: Mapping[str, OwnModel] = {
    "CEASE": OwnModel(Settings, collective_tuning.choose),
    **{each.name: OwnModel(type(each.usual), partial(with_content.choose, each)) for each in (CKNN, ALS)},
}


def choose_settings(name: str, data: LearnedFrom, given: Mapping[str, Any], report: Report) -> Chosen:
    """Choose the settings of one of our models that are not given.

    Raises:
        HyperParameterError: A setting that is given does not exist, or cannot have its value.
    """
    model = BY_NAME[name]
    checked = check_own_settings(name, model.settings, given)

    def reported(what: str, done: int, total: int, best: float | None) -> None:
        report(f"{name}, {what}", done, total, best)

    return model.choose(data, checked, reported)


def choose_best(names: Sequence[str], data: LearnedFrom, given: Mapping[str, Any], report: Report) -> Chosen:
    """The model that ranks best on the validation split. Of one alone, its settings are still chosen.

    Raises:
        HyperParameterError: A setting that is given does not exist in one of them, or cannot have its value.
    """
    chosen = {name: choose_settings(name, data, given, report) for name in names}
    best = max(chosen.values(), key=lambda each: each.ndcg)
    if len(chosen) == 1:
        return best
    tried = {f"{name}: {what}": ndcg for name, each in chosen.items() for what, ndcg in each.tried.items()}
    return Chosen(best.ndcg, tried, best.learn)
