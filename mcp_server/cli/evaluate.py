"""`evaluate`: models compared on held-out interactions."""

import contextlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mcp_server.cli.dataset_files import find_dataset_files
from mcp_server.cli.hyper_parameters import (
    RecboleConfig,
    SettingPairsOfModels,
    check_models_of,
    read_hyper_parameters,
)
from mcp_server.cli.options import AsJson, Data, Dataset, EnvFile, Sources, State, make_settings
from mcp_server.cli.rendering import wide_console
from mcp_server.errors import InvalidInputError
from mcp_server.settings import Settings
from recsys_shared.plain_text import json_text
from recsys_shared.terminal import PlainConsole

EXIT_INTERRUPTED = 130

TABLE_WIDTH = 120
"""Width of the tables where stdout is not a terminal."""


def evaluate(
    models: Annotated[
        str,
        typer.Option(
            help="Models to compare, separated by commas. all-fast stands for those of CEASE, CKNN, ALS, EASE, "
            "ItemKNN, SLIMElastic, ADMMSLIM, BPR and Pop that by estimate train within a minute each on this "
            "catalogue; which ones, and why not the others, is said first."
        ),
    ] = "CEASE,EASE,BPR,LightGCN",
    setting: SettingPairsOfModels = None,
    config: RecboleConfig = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write the JSON report to. [evaluation.json in the state folder]")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="File (.png or .svg) for a plot of NDCG@10 against the time to train. Needs the extra `plot`."
        ),
    ] = None,
    as_json: AsJson = False,
    dataset: Dataset = None,
    state: State = None,
    data: Data = None,
    source: Sources = None,
    env_file: EnvFile = None,
) -> None:
    """Compare models on held-out interactions: 10% of each user's by chance, and each user's last 10%.

    The first is RecBole's default, and comparable with papers. The second, for datasets with times, is nearer to what a
    recommender is for. Ranks all items; a table for each split has as many as fit of NDCG, Recall, Hit and MRR,
    differences from the best model with bootstrap intervals, coverage of the catalogue, novelty, hits among items that
    have no training interactions, time to train and size. The JSON report has all. Nothing that is served changes.

    A model that fails is named below the table, and Ctrl-C shows what has been measured so far.

    Example: recsys-mcp evaluate --models all-fast,LightGCN --set LightGCN.epochs=50 --plot models.png
    """
    settings = make_settings(dataset=dataset, state=state, data=data, sources=source, env_file=env_file)
    names = [name.strip() for name in models.split(",") if name.strip()]
    _evaluate(settings, names, read_hyper_parameters(setting or [], config), output, plot, as_json)


def _evaluate(
    settings: Settings,
    models: list[str],
    hyper_parameters: dict[str, Any],
    output: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    from mcp_server.cli.evaluation_plot import check_plot, draw
    from mcp_server.cli.evaluation_report import LeftOut
    from mcp_server.cli.evaluation_run import Evaluation
    from mcp_server.cli.evaluation_table import render_report
    from mcp_server.files.atomic import write_atomically
    from mcp_server.preparation.progress_bars import Progress
    from mcp_server.reading.dataset import open_dataset
    from mcp_server.recommender.training.quick_models import ALL_FAST
    from mcp_server.state.folder import StateFolder

    if not models:
        raise InvalidInputError("--models is empty: name at least one, such as --models CEASE,BPR")
    if plot is not None:
        check_plot(plot)
    state = StateFolder(settings.state_folder)
    console = PlainConsole(stderr=True)
    with Progress(console) as progress, state.lock("evaluating"), contextlib.ExitStack() as opened:
        files = find_dataset_files(settings, progress)
        with progress.step("Reading the dataset"):
            dataset = opened.enter_context(open_dataset(files))
        evaluation = Evaluation(
            dataset, state, progress, settings=hyper_parameters, embedding_model=settings.embedding_model
        )
        too_slow: dict[str, str] = {}
        if ALL_FAST in models:
            choice = evaluation.quick_models()
            progress.say(str(choice))
            at = models.index(ALL_FAST)
            models = [*models[:at], *choice.models, *models[at + 1 :]]
            too_slow = choice.left_out
            if not models:
                raise InvalidInputError(f"{choice}. Name the models to compare: --models CKNN,Pop")
        models = list(dict.fromkeys(models))
        check_models_of(hyper_parameters, models)
        evaluation.run(models)
    report = evaluation.report(
        [LeftOut(model=model, why=why) for model, why in too_slow.items() if model not in models]
    )
    text = report.model_dump_json(exclude_none=True)
    target = output or state.folder / "evaluation.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, text)
    if as_json:
        print(json_text(json.loads(text), indent=1))
    else:
        on_stdout = wide_console(TABLE_WIDTH)
        on_stdout.print(render_report(report, on_stdout))
        console.print(f"written to {target}")
    if plot is not None:
        draw(report, plot)
        console.print(f"plotted to {plot}")
    if report.interrupted:
        console.print("interrupted: these are the models that had been measured")
        raise typer.Exit(EXIT_INTERRUPTED)
