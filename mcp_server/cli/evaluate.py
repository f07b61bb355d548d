"""`evaluate`: compare models on held-out interactions."""

from pathlib import Path
from typing import Any

from rich.table import Table

from mcp_server.cli.prepare import read_model_settings
from mcp_server.cli.rendering import wide_console
from mcp_server.dataset.records import DatasetFiles, read_dataset
from mcp_server.dataset.spec import find_spec_file
from mcp_server.errors import InvalidInputError
from mcp_server.preparation.progress_bars import Progress
from mcp_server.recommender.training.jobs import METRICS, EvaluateJob, run_job
from mcp_server.settings import Settings
from mcp_server.files.atomic import write_atomically
from mcp_server.state.folder import StateFolder
from recsys_shared.plain_text import json_text
from recsys_shared.terminal import PlainConsole

COLUMNS = [f"{metric}@{k}" for metric in METRICS for k in (5, 10)]


def run_evaluate(
    settings: Settings,
    models: list[str],
    pairs: list[str],
    config: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    if not models:
        raise InvalidInputError("--models is empty: name at least one, such as --models EASE,BPR")
    hyper_parameters = read_model_settings(pairs, config)
    state = StateFolder(settings.state_folder)
    console = PlainConsole(stderr=True)
    results = []
    with Progress(console) as progress, state.lock("evaluating"):
        with progress.step("Reading the dataset"):
            dataset = read_dataset(DatasetFiles.find(find_spec_file(settings.dataset), settings.data))
        for model in models:
            job = EvaluateJob(
                model=model, settings=hyper_parameters, n_users=len(dataset.users), n_items=len(dataset.items)
            )
            with progress.step(f"Training {model}") as step, state.scratch("evaluating") as scratch:
                results.append(
                    run_job(
                        job,
                        dataset.interactions,
                        Path(scratch),
                        lambda label, done, total, score, step=step: step.update(done, total, f"Training {label}"),  # type: ignore[misc]
                    )
                )
    report = {
        "dataset": dataset.spec.name,
        "split": "RecBole default: RS 0.8/0.1/0.1 by user",
        "models": results,
    }
    target = output or state.folder / "evaluation.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_json(target, report)
    if as_json:
        print(json_text(report, indent=1))
    else:
        wide_console().print(_table(results))
        console.print(f"written to {target}")


def _table(results: list[dict[str, Any]]) -> Table:
    table = Table(title="Ranking of all items, test split")
    table.add_column("model")
    for name in [*COLUMNS, "train s", "artifact MB"]:
        table.add_column(name, justify="right")
    for result in results:
        metrics = [f"{result['metrics'][name.lower()]:.4f}" for name in COLUMNS]
        size = f"{result['artifact_bytes'] / 1e6:.1f}"
        table.add_row(result["model"], *metrics, f"{result['train_seconds']:.1f}", size)
    return table
