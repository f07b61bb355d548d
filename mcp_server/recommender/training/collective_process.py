"""Training collective EASE for serving, in a ``child_process`` that ``jobs`` starts. It needs no RecBole."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from mcp_server.recommender.artifact import save_artifact
from mcp_server.recommender.training.collective_ease import CollectiveEase, check_own_settings
from mcp_server.recommender.training.collective_tuning import choose, weighting_of
from mcp_server.recommender.training.jobs import EvaluateJob, TrainJob
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.reporting import Emit, progress_event


def run(job: TrainJob | EvaluateJob, folder: Path, emit: Emit) -> dict[str, Any]:
    """Choose settings, learn from everything, and write the artifact.

    Raises:
        HyperParameterError: The settings are wrong.
    """
    assert isinstance(job, TrainJob)
    started = time.perf_counter()
    given = check_own_settings(job.model, job.settings)
    data = LearnedFrom.load(folder)
    choice = choose(
        data, given, lambda what, done, total, best: emit(progress_event(f"{job.model}, {what}", done, total, best))
    )
    weights = CollectiveEase(data, np.arange(len(data.user))).weights(choice.settings)
    settings = {name: value for name, value in vars(choice.settings).items() if name in given or value}
    header = job.header(
        kind="item_item",
        settings=settings,
        chosen_by={"settings by NDCG@10 of liked items that were held out": choice.tried} if choice.tried else {},
        history=weighting_of(choice.settings, data),
        train_seconds=round(time.perf_counter() - started, 2),
    )
    offset = np.zeros(job.n_items, dtype=np.float32)
    save_artifact(Path(job.output), header, {"weights": weights, "offset": offset})
    return {"kind": "item_item", "settings": settings}
