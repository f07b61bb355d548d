"""Hyper-parameters of a model, as the commands that train take them."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mcp_server.errors import InvalidInputError, quoted
from mcp_server.files.yaml_text import YamlTextError, read_yaml, read_yaml_file

SettingPairs = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A hyper-parameter of the model. May be repeated."),
]
SettingPairsOfModels = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="[MODEL.]KEY=VALUE",
        help="A hyper-parameter of all models, or of one: EASE.reg_weight=300. May be repeated.",
    ),
]
RecboleConfig = Annotated[
    Path | None,
    typer.Option("--config", help="A RecBole YAML file of hyper-parameters; --set takes precedence over it."),
]


def read_hyper_parameters(pairs: list[str], config: Path | None) -> dict[str, Any]:
    """Hyper-parameters from ``--set`` and ``--config``.

    Raises:
        InvalidInputError: A pair is not KEY=VALUE, or the file is not a YAML file of keys and values.
    """
    settings: dict[str, Any] = {}
    if config is not None:
        try:
            content = read_yaml_file(config)
        except (FileNotFoundError, YamlTextError) as error:
            raise InvalidInputError(f"{config} cannot be read as YAML: {error}") from error
        if not isinstance(content, dict):
            raise InvalidInputError(f"{config} is not a YAML file of keys and values")
        settings.update(content)
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not key or not separator:
            raise InvalidInputError(f"--set {pair!r}: KEY=VALUE was expected, such as --set embedding_size=128")
        try:
            settings[key] = read_yaml(value)
        except YamlTextError as error:
            raise InvalidInputError(f"--set {pair!r}: the value is not YAML") from error
    return settings


def settings_of_model(model: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The hyper-parameters for one of several models: those of all, KEY, and its own, MODEL.KEY, which take precedence.

    Args:
        settings: Those of all models.
    """
    of_all = {key: value for key, value in settings.items() if "." not in key}
    start = f"{model}."
    return of_all | {key.removeprefix(start): value for key, value in settings.items() if key.startswith(start)}


def check_models_of(settings: Mapping[str, Any], models: Collection[str]) -> None:
    """Check that each MODEL.KEY is of a model that is trained.

    Raises:
        InvalidInputError: One is not.
    """
    for key in settings:
        model, dot, _ = key.partition(".")
        if dot and model not in models:
            raise InvalidInputError(f"--set {key}: {quoted(model)} is not among the models: {', '.join(models)}")
