"""`prepare` and `train`: make a state that can be served."""

import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from mcp_server.dataset.records import DatasetFiles
from mcp_server.dataset.spec import ModelSpec, find_spec_file
from mcp_server.errors import InvalidInputError
from mcp_server.files.yaml_text import YamlTextError, read_yaml, read_yaml_file
from mcp_server.preparation.prepare import Outcome, prepare
from mcp_server.preparation.progress_bars import Progress
from mcp_server.settings import Settings
from mcp_server.state.open_state import Storage
from recsys_shared.plain_text import one_line
from recsys_shared.terminal import PlainConsole


def run_prepare(settings: Settings) -> None:
    started = time.monotonic()
    console = PlainConsole(stderr=True)
    outcome = prepare_with_progress(settings, console)
    _report(outcome, settings, console, time.monotonic() - started)


def run_train(settings: Settings, model: str | None, pairs: list[str], config: Path | None) -> None:
    if model is None and (pairs or config):
        raise InvalidInputError("--set and --config belong to a model: name it with --model")
    started = time.monotonic()
    console = PlainConsole(stderr=True)
    chosen = None if model is None else ModelSpec(name=model, settings=read_model_settings(pairs, config))
    outcome = prepare_with_progress(settings, console, choose_model=chosen, keep_model=False)
    _report(outcome, settings, console, time.monotonic() - started)


def prepare_with_progress(
    settings: Settings, console: Console, *, choose_model: ModelSpec | None = None, keep_model: bool = True
) -> Outcome:
    """Prepare, with bars on the console."""
    storage = Storage(settings)
    files = DatasetFiles.find(find_spec_file(settings.dataset), settings.data)
    with Progress(console, storage.folder.progress_file) as progress:
        return prepare(
            storage, files, settings.embedding_model, progress, choose_model=choose_model, keep_model=keep_model
        )


def read_model_settings(pairs: list[str], config: Path | None) -> dict[str, Any]:
    """Hyper-parameters from ``--set`` and ``--config``.

    Raises:
        InvalidInputError: Not KEY=VALUE, or not a YAML file of keys and values.
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


def _report(outcome: Outcome, settings: Settings, console: PlainConsole, seconds: float) -> None:
    current = outcome.current
    nouns, card = current.spec.nouns, current.card
    storage = Storage(settings)
    model = storage.models.header(current)
    shown = ", ".join(f"{name}={value}" for name, value in model.settings.items())
    what = "made: " + ", ".join(outcome.made) if outcome.made else "everything was up to date"
    counts = (
        f"{card.n_items:,} {nouns.items}, {card.n_users:,} {nouns.users}, {card.n_interactions:,} {nouns.interactions}"
    )
    console.print(Text.assemble((one_line(current.spec.name), "bold"), f" is ready ({what}; {seconds:.1f} s)"))
    for line in (counts, f"model {model.model}{f' ({shown})' if shown else ''}", storage.describe()):
        console.print(f"  {one_line(line)}")
    if outcome.made and current.spec.licence:
        console.print(f"  licence: {one_line(current.spec.licence)}")
    if card.n_dropped:
        dropped = f"{card.n_dropped:,} {nouns.interactions} name an unknown {nouns.item} or {nouns.user}"
        console.print(f"  {one_line(dropped)} and were left out", style="yellow")
