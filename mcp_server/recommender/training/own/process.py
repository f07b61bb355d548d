"""Training a model of ours for serving, in a ``child_process`` that ``jobs`` starts. It needs no RecBole."""

import time
from pathlib import Path
from typing import Any

from mcp_server.recommender.artifact import save_artifact
from mcp_server.recommender.training.jobs import EvaluateJob, TrainJob
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own.models import choose_best
from mcp_server.recommender.training.reporting import Emit, progress_event


def run(job: TrainJob | EvaluateJob, folder: Path, emit: Emit) -> dict[str, Any]:
    """Choose model and settings, learn from everything, and write the artifact.

    Raises:
        HyperParameterError: The settings are wrong.
    """
    assert isinstance(job, TrainJob)
    started = time.perf_counter()

    def report(what: str, done: int, total: int, best: float | None) -> None:
        emit(progress_event(what, done, total, best))

    data = LearnedFrom.load(folder)
    chosen = choose_best((job.model, *job.or_else), data, job.settings, report)
    learned = chosen.learn()
    header = job.header(
        model=learned.model,
        kind=learned.kind,
        settings=learned.settings,
        chosen_by={"NDCG@10 of liked items that were held out": chosen.tried} if chosen.tried else {},
        history=learned.weighting,
        cold_items=learned.cold_items,
        train_seconds=round(time.perf_counter() - started, 2),
    )
    save_artifact(Path(job.output), header, learned.arrays)
    return {"kind": learned.kind, "settings": learned.settings}
