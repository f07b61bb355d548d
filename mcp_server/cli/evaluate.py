"""`evaluate`: models compared on held-out interactions."""

import contextlib
import functools
import json
from collections.abc import Iterator
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

SPLITS = {
    "random": "10% of each user's interactions by chance (RecBole's default: RS 0.8/0.1/0.1 by user)",
    "time": "each user's last 10%, the 10% before them for validation",
}
"""Descriptions of the splits."""


def evaluate(
    models: Annotated[str, typer.Option(help="Models to compare, separated by commas.")] = "CEASE,EASE,BPR,LightGCN",
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
    """Compare models on held-out interactions: 10% of each user's by chance, and each user's last 10%.

    The first is RecBole's default, and comparable with papers. The second, for datasets with times, is nearer to what a
    recommender is for. Ranks all items; prints NDCG, Recall, Hit and MRR at 5 and 10. Nothing that is served changes.
    """
    settings = make_settings(dataset=dataset, state=state, data=data, sources=source, env_file=env_file)
    names = [name.strip() for name in models.split(",") if name.strip()]
    _evaluate(settings, names, setting or [], config, output, as_json)


def _evaluate(
    settings: Settings, models: list[str], pairs: list[str], config: Path | None, output: Path | None, as_json: bool
) -> None:
    from mcp_server.files.atomic import write_atomically
    from mcp_server.preparation.embedding import vectors_of_items
    from mcp_server.preparation.progress_bars import Progress
    from mcp_server.reading.dataset import open_dataset
    from mcp_server.recommender.training.jobs import COLLECTIVE, EvaluateJob, Split, run_job
    from mcp_server.recommender.training.learned_from import LearnedFrom
    from mcp_server.recommender.training.trainable import trainable
    from mcp_server.state.folder import StateFolder
    from mcp_server.vectors.texts import item_texts

    if not models:
        raise InvalidInputError("--models is empty: name at least one, such as --models CEASE,BPR")
    hyper_parameters = read_hyper_parameters(pairs, config)
    state = StateFolder(settings.state_folder)
    console = PlainConsole(stderr=True)
    with Progress(console) as progress, state.lock("evaluating"), contextlib.ExitStack() as opened:
        files = find_dataset_files(settings, progress)
        with progress.step("Reading the dataset"):
            dataset = opened.enter_context(open_dataset(files))
        interactions = trainable(dataset.interactions, dataset.spec.interactions.kind)

        @functools.cache  # of all models
        def learned_from() -> LearnedFrom:
            texts, n_items = item_texts(dataset), len(dataset.items)
            vectors = vectors_of_items(state.folder, settings.embedding_model, texts, n_items)
            return LearnedFrom.of(dataset, interactions, vectors)

        def measure(model: str, split: Split, *, all_speaks: bool) -> dict[str, Any]:
            job = EvaluateJob(
                model=model,
                settings=hyper_parameters,
                n_users=len(dataset.users),
                n_items=len(dataset.items),
                split=split,
                all_speaks=all_speaks,
            )
            with progress.step(f"Training {model}") as step, state.scratch("evaluating") as scratch:

                def report(label: str, done: int, total: int, score: float | None) -> None:
                    step.update(done, total, f"Training {label}")

                found = run_job(job, interactions, Path(scratch), report, learned_from)
            return found if all_speaks else {**found, "model": f"{model} as served"}

        def measure_all(split: Split) -> Iterator[dict[str, Any]]:
            for model in models:
                yield measure(model, split, all_speaks=True)
                if model == COLLECTIVE and dataset.spec.interactions.kind == "ratings":
                    yield measure(model, split, all_speaks=False)

        splits: list[Split] = ["random", "time"] if interactions.timestamp is not None else ["random"]
        results = {split: list(measure_all(split)) for split in splits}
    report = {
        "dataset": dataset.spec.name,
        "split": SPLITS["random"],
        "models": results["random"],
        **({"by_time": {"split": SPLITS["time"], "models": results["time"]}} if "time" in results else {}),
    }
    target = output or state.folder / "evaluation.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, json.dumps(report, ensure_ascii=False))
    if as_json:
        print(json_text(report, indent=1))
    else:
        for split, found in results.items():
            wide_console().print(_table(SPLITS[split], found))
        console.print(f"written to {target}")


def _table(title: str, results: list[dict[str, Any]]) -> Table:
    from mcp_server.recommender.training.jobs import METRICS

    columns = [f"{metric}@{k}" for metric in METRICS for k in (5, 10)]
    table = Table(title=f"Ranking of all items; test: {title}")
    table.add_column("model")
    for name in [*columns, "train s", "artifact MB"]:
        table.add_column(name, justify="right")
    for result in results:
        metrics = [f"{result['metrics'][name.lower()]:.4f}" for name in columns]
        size = f"{result['artifact_bytes'] / 1e6:.1f}"
        table.add_row(result["model"], *metrics, f"{result['train_seconds']:.1f}", size)
    return table
