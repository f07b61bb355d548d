"""The hyper-parameters of RecBole's models that a user may set: the model's own and some of its training, each typed.

Settings may come from a stranger's dataset.yaml. In the same place RecBole looks for files to read (some of them
pickled) and for folders to write to, so only the names listed here are passed on.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mcp_server.errors import quoted
from mcp_server.recommender.training.reporting import UnsuitableError

LEADS_TO_FILES = ("use_pretrain", "train_method", "train_stage")
"""Settings by which a model loads files of another training. Names that end in "_path" do the same."""

FRACTIONS = ("negative_weight", "w_max")
"""Settings that take any number, although RecBole's default is a whole one."""

LONGEST_LIST = 32

_Whole = Annotated[int, Field(ge=0, le=2**32 - 1)]
_Number = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
_Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]


class NegativeSampling(BaseModel):
    """The way in which items that a user has not interacted with are drawn: RecBole's train_neg_sample_args."""

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
"""Settings of every model's training, with RecBole's defaults, which give the types."""


class HyperParameterError(UnsuitableError):
    """A setting is not one of the model's hyper-parameters, or has a wrong type. The text says what would be right."""


def check_settings(
    model: str, settings: Mapping[str, Any], own: Mapping[str, Any], training: Mapping[str, Any] = TRAINING
) -> dict[str, Any]:
    """Convert settings to the types that the model takes.

    Args:
        settings: Values by name. Numbers may be written as text, such as "1e-3".
        own: The model's own hyper-parameters with their defaults.
        training: Those of its training.

    Raises:
        HyperParameterError: A setting does not exist, or cannot have this value.
    """
    known = {**training, **{name: value for name, value in own.items() if _may_be_set(name)}}
    for name in settings:
        if name not in known:
            mine = ", ".join(sorted(known.keys() - training.keys())) or "none"
            others = f". Settings of its training are: {', '.join(training)}" if training else ""
            raise HyperParameterError(
                f"{model} has no setting {quoted(name)} that can be changed here. Its own settings are: {mine}{others}"
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
