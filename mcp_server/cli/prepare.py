"""`prepare`: a state made so that it can be served."""

import contextlib
import time
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

from mcp_server.cli.dataset_files import find_dataset_files
from mcp_server.cli.options import Data, Dataset, EnvFile, Sources, State, make_settings
from mcp_server.settings import Settings
from recsys_shared.plain_text import one_line
from recsys_shared.terminal import PlainConsole

if TYPE_CHECKING:
    from mcp_server.preparation.prepare import Outcome, Wish
    from mcp_server.state.open_state import OpenState


def prepare(
    retrain: Annotated[
        Literal["auto", "always", "never"] | None,
        typer.Option(
            help="When to train again. auto: once 5% of the interactions or items are new, or after a week; always: "
            "whenever anything has changed; never: only if there is no model. [model.retrain of the dataset]"
        ),
    ] = None,
    dataset: Dataset = None,
    state: State = None,
    data: Data = None,
    source: Sources = None,
    env_file: EnvFile = None,
) -> None:
    """Read the dataset, load the catalogue, embed the texts, train the model.

    Does only what is missing or out of date, and says beforehand whether it trains. What is new is served before
    training begins. You may interrupt it at any time: the next run continues.
    """
    from mcp_server.preparation.prepare import Wish

    settings = make_settings(dataset=dataset, state=state, data=data, sources=source, env_file=env_file)
    prepare_and_report(settings, Wish(retrain=retrain))


def prepare_and_report(settings: Settings, wish: "Wish | None" = None) -> None:
    """Prepare, and say on stderr what was made."""
    from mcp_server.state.open_state import OpenState

    started = time.monotonic()
    console = PlainConsole(stderr=True)
    with contextlib.closing(OpenState(settings)) as state:
        outcome = _prepare(state, settings, console, wish)
        _report(outcome, state, console, time.monotonic() - started)


def prepare_with_progress(settings: Settings, console: Console, wish: "Wish | None" = None) -> "Outcome":
    """Prepare, with progress bars on the console."""
    from mcp_server.state.open_state import OpenState

    with contextlib.closing(OpenState(settings)) as state:
        return _prepare(state, settings, console, wish)


def _prepare(state: "OpenState", settings: Settings, console: Console, wish: "Wish | None") -> "Outcome":
    from mcp_server.preparation.prepare import Wish, prepare
    from mcp_server.preparation.progress_bars import Progress

    with Progress(console, state.folder.progress_file) as progress:
        files = find_dataset_files(settings, progress)
        return prepare(state, files, settings.embedding_model, progress, wish or Wish())


def _report(outcome: "Outcome", state: "OpenState", console: PlainConsole, seconds: float) -> None:
    manifest = outcome.manifest
    nouns, card = manifest.spec.nouns, manifest.card
    model = state.parts.model_header(manifest)
    shown = ", ".join(f"{name}={value}" for name, value in model.settings.items())
    what = "made: " + ", ".join(outcome.made) if outcome.made else "everything was up to date"
    counts = (
        f"{card.n_items:,} {nouns.items}, {card.n_users:,} {nouns.users}, {card.n_interactions:,} {nouns.interactions}"
    )
    console.print(Text.assemble((one_line(manifest.spec.name), "bold"), f" is ready ({what}; {seconds:.1f} s)"))
    for line in (counts, f"model {model.model}{f' ({shown})' if shown else ''}", state.describe()):
        console.print(f"  {one_line(line)}")
    if outcome.made and manifest.spec.licence:
        console.print(f"  licence: {one_line(manifest.spec.licence)}")
    for note in card.notes:
        console.print(f"  {one_line(note)}", style="yellow")
