"""`evaluate`: models compared on held-out interactions."""

import contextlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from mcp_server.cli.dataset_files import find_dataset_files
from mcp_server.cli.hyper_parameters import RecboleConfig, SettingPairs, read_hyper_parameters
from mcp_server.cli.options import AsJson, Data, Dataset, EnvFile, Sources, State, make_settings
from mcp_server.cli.rendering import wide_console
from mcp_server.errors import InvalidInputError
from mcp_server.settings import Settings
from recsys_shared.plain_text import json_text
from recsys_shared.terminal import PlainConsole


def evaluate(
    models: Annotated[str, typer.Option(help="Models to compare, separated by commas.")] = "EASE,BPR,LightGCN",
    setting: SettingPairs = None,
    config: RecboleConfig = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write the JSON report to. [evaluation.json in the state folder]")
    ] = None,
    as_json: AsJson = False,
    dataset: Dataset = None,
    state: State = None,
    data: Data = None,
    source: Sources = None,
    env_file: EnvFile = None,
) -> None:
    """Compare models on RecBole's default split: 80% of each user's interactions to train, 10% to test.

    Ranks all items; prints NDCG, Recall, Hit and MRR at 5 and 10. Nothing that is served changes.
    """
    settings = make_settings(dataset=dataset, state=state, data=data, sources=source, env_file=env_file)
    names = [name.strip() for name in models.split(",") if name.strip()]
    _evaluate(settings, names, setting or [], config, output, as_json)


def _evaluate(
    settings: Settings, models: list[str], pairs: list[str], config: Path | None, output: Path | None, as_json: bool
) -> None:
    from mcp_server.files.atomic import write_atomically
    from mcp_server.preparation.progress_bars import Progress
    from mcp_server.reading.dataset import open_dataset
    from mcp_server.recommender.training.jobs import EvaluateJob, run_job
    from mcp_server.recommender.training.trainable import trainable
    from mcp_server.state.folder import StateFolder

    if not models:
        raise InvalidInputError("--models is empty: name at least one, such as --models EASE,BPR")
    hyper_parameters = read_hyper_parameters(pairs, config)
    state = StateFolder(settings.state_folder)
    console = PlainConsole(stderr=True)
    results = []
    with Progress(console) as progress, state.lock("evaluating"), contextlib.ExitStack() as opened:
        files = find_dataset_files(settings, progress)
        with progress.step("Reading the dataset"):
            dataset = opened.enter_context(open_dataset(files))
        interactions = trainable(dataset.interactions, dataset.spec.interactions.kind)
        for model in models:
            job = EvaluateJob(
                model=model, settings=hyper_parameters, n_users=len(dataset.users), n_items=len(dataset.items)
            )
            with progress.step(f"Training {model}") as step, state.scratch("evaluating") as scratch:
                results.append(
                    run_job(
                        job,
                        interactions,
                        Path(scratch),
                        lambda label, done, total, score, step=step: step.update(done, total, f"Training {label}"),  # type: ignore[misc]
                    )
                )
    report = {"dataset": dataset.spec.name, "split": "RecBole default: RS 0.8/0.1/0.1 by user", "models": results}
    target = output or state.folder / "evaluation.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, json.dumps(report, ensure_ascii=False))
    if as_json:
        print(json_text(report, indent=1))
    else:
        wide_console().print(_table(results))
        console.print(f"written to {target}")


def _table(results: list[dict[str, Any]]) -> Table:
    from mcp_server.recommender.training.jobs import METRICS

    columns = [f"{metric}@{k}" for metric in METRICS for k in (5, 10)]
    table = Table(title="Ranking of all items, test split")
    table.add_column("model")
    for name in [*columns, "train s", "artifact MB"]:
        table.add_column(name, justify="right")
    for result in results:
        metrics = [f"{result['metrics'][name.lower()]:.4f}" for name in columns]
        size = f"{result['artifact_bytes'] / 1e6:.1f}"
        table.add_row(result["model"], *metrics, f"{result['train_seconds']:.1f}", size)
    return table
