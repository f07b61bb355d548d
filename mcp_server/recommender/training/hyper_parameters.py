"""Hyper-parameters of RecBole's models, as whoever chooses a model may set them: the model's own and some of its
training's, each of the type that RecBole gives it.

Settings may come from a stranger's dataset.yaml. RecBole takes everything else from the same place, such as files that
it reads (some by unpickling them) and folders that it writes to, so only what is known here goes on.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mcp_server.errors import quoted

LEADS_TO_FILES = ("use_pretrain", "train_method", "train_stage")
"""With these, and with names that end in "_path", a model loads what another training has written."""

FRACTIONS = ("negative_weight", "w_max")
"""Whole in RecBole's defaults, though any number will do."""

LONGEST_LIST = 32

_Whole = Annotated[int, Field(ge=0, le=2**32 - 1)]
_Number = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
_Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]


class NegativeSampling(BaseModel):
    """How items that a user has not interacted with are drawn for training, as RecBole's train_neg_sample_args."""

    model_config = ConfigDict(extra="forbid")

    distribution: Literal["uniform", "popularity"] = "uniform"
    sample_num: int = Field(1, ge=1, le=1000)
    alpha: _Number = 1.0
    dynamic: bool = False
    candidate_num: int = Field(0, ge=0, le=1000)


_TYPES: dict[type, tuple[Any, str]] = {
    bool: (bool, "true or false"),
    int: (_Whole, "a whole number"),
    float: (_Number, "a number"),
    str: (_Word, "a word"),
    NegativeSampling: (NegativeSampling | None, "null, or an object of " + ", ".join(NegativeSampling.model_fields)),
}


TRAINING: Mapping[str, Any] = {
    "epochs": 300,
    "learning_rate": 0.001,
    "learner": "adam",
    "weight_decay": 0.0,
    "train_batch_size": 2048,
    "eval_batch_size": 4096,
    "eval_step": 1,
    "stopping_step": 10,
    "train_neg_sample_args": NegativeSampling(),
    "require_pow": False,
    "seed": 2020,
}
"""Of every model, with RecBole's defaults, which say the types."""


class HyperParameterError(ValueError):
    """A setting is none of the model's hyper-parameters, or not of its type; the text says what would be right."""


def check_settings(model: str, settings: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as the model takes them.

    Args:
        settings: By name; numbers may be written as text, such as "1e-3".
        own: The model's own hyper-parameters with RecBole's defaults.

    Raises:
        HyperParameterError: One of them cannot be set, or not to this value.
    """
    known = {**TRAINING, **{name: value for name, value in own.items() if _may_be_set(name)}}
    for name in settings:
        if name not in known:
            mine = ", ".join(sorted(known.keys() - TRAINING.keys())) or "none"
            raise HyperParameterError(
                f"{model} has no setting {quoted(name)} that can be changed here; its own are: {mine}; those of its "
                f"training: {', '.join(TRAINING)}"
            )
    return {name: _typed(name, value, known[name]) for name, value in settings.items()}


def _may_be_set(name: str) -> bool:
    return not name.endswith("_path") and name not in LEADS_TO_FILES


def _typed(name: str, value: Any, default: Any) -> Any:
    if isinstance(default, list):
        kind, what = _type_of(name, default[0] if default else 0)
        if not isinstance(value, list) or len(value) > LONGEST_LIST:
            raise HyperParameterError(f"{name} is a list of at most {LONGEST_LIST} values, each {what}, as {default}")
        return [_converted(name, each, kind, f"a list of values that are each {what}", default) for each in value]
    kind, what = _type_of(name, default)
    return _converted(name, value, kind, what, default)


def _type_of(name: str, default: Any) -> tuple[Any, str]:
    return _TYPES[float if name in FRACTIONS else type(default)]


def _converted(name: str, value: Any, kind: Any, what: str, default: Any) -> Any:
    try:
        if isinstance(value, bool) and kind is not bool:
            raise ValueError
        converted = TypeAdapter[Any](kind).validate_python(value)
        return converted.model_dump() if isinstance(converted, BaseModel) else converted
    except (ValidationError, ValueError):
        raise HyperParameterError(f"{name} is {what}, such as {default}; {quoted(value)} is not") from None
