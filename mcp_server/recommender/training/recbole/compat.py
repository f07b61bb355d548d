"""RecBole and torch, made to run with today's NumPy, SciPy and torch. No other module imports them.

No installed file is changed; each workaround is a setting of this process. NumPy 2 dropped names that RecBole's Config
reads. SciPy dropped a method with which RecBole's graph models build. torch refuses to reload RecBole's checkpoints by
default. ``recbole.quick_start`` imports ray, so it is not used. RecBole's Config evaluates every string among its
settings as a Python expression; ours keeps strings as they are.
"""

# ruff: noqa: E402  (the order of the lines is the point)

import inspect
import os
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

for _gone, _now in {"float_": "float64", "complex_": "complex128", "unicode_": "str_", "bool8": "bool_"}.items():
    if not hasattr(np, _gone):
        setattr(np, _gone, getattr(np, _now))
if not hasattr(scipy.sparse.dok_matrix, "_update"):
    scipy.sparse.dok_matrix._update = lambda matrix, entries: matrix._dict.update(entries)
os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # the checkpoints are this process's own

import recbole.config
import torch
import yaml
from recbole.data import create_dataset, data_preparation
from recbole.data.interaction import Interaction
from recbole.data.utils import create_samplers, get_dataloader
from recbole.model import general_recommender
from recbole.model.abstract_recommender import GeneralRecommender
from recbole.utils import InputType, ModelType, get_model, get_trainer, init_seed

from mcp_server.types import IntArray

__all__ = [
    "Config",
    "GeneralRecommender",
    "InputType",
    "Interaction",
    "ModelType",
    "create_dataset",
    "create_samplers",
    "data_preparation",
    "general_recommenders",
    "get_dataloader",
    "get_model",
    "get_trainer",
    "init_seed",
    "own_hyper_parameters",
    "own_positions",
    "torch",
]


class Config(recbole.config.Config):  # type: ignore[misc]
    """The configuration of a run, in which strings are not evaluated."""

    def _convert_config_dict(self, config_dict: dict[str, Any]) -> dict[str, Any]:
        return config_dict


def own_hyper_parameters(config: Any) -> dict[str, Any]:
    """The hyper-parameters of a model itself, with RecBole's defaults.

    Args:
        config: Configuration of a run of the model with nothing else set.
    """
    file = Path(recbole.config.__file__).parent.parent / "properties" / "model" / f"{config['model']}.yaml"
    names = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None
    return {name: config[name] for name in names or {}}


def general_recommenders() -> list[str]:
    """Names of RecBole's general recommenders."""
    return sorted(name for name, value in vars(general_recommender).items() if inspect.isclass(value))


def own_positions(dataset: Any, field: str) -> IntArray:
    """Our positions, (n,), of RecBole's numbers from 1 on. Number 0 is its padding."""
    return np.asarray(dataset.id2token(field, np.arange(1, dataset.num(field)))).astype(np.int64)
