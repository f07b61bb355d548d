"""Jobs for RecBole: describing them, running them in a child process, reporting their progress.

This side knows nothing of recbole or torch; ``recbole_process`` is the other side.
"""

import contextlib
import importlib.util
import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from mcp_server import PYTHON
from mcp_server.dataset.records import Interactions
from mcp_server.errors import TrainingError
from mcp_server.types import IntArray

DATASET_NAME = "interactions"
METRICS = ["NDCG", "Recall", "Hit", "MRR"]
RANKING_LENGTHS = (5, 10)
"""Lengths of the rankings that are measured."""

GIB = 2**30

LAST_WORDS_SECONDS = 5.0
"""Time allowed for a failed process to say why."""


class TooLittleError(TrainingError):
    """There is too little to learn from, whatever the model."""


class _Job(BaseModel):
    model_config = ConfigDict(frozen=True, protected_namespaces=())

    model: str
    settings: dict[str, Any] = {}
    n_users: int
    n_items: int
    max_dense_items: int = 20_000
    """Number of items above which an item-item matrix is pruned."""
    neighbours: int = 500
    """Number of weights kept in each column of a pruned matrix."""
    max_table_bytes: int = 2 * GIB
    """Largest size of a table of precomputed scores."""
    ranking_lengths: tuple[int, ...] = RANKING_LENGTHS
    """Lengths of the rankings that are measured, each less than the number of items."""

    @property
    def validation_metric(self) -> str:
        """Name of the metric by which settings are chosen."""
        return f"NDCG@{max(self.ranking_lengths)}"


class TrainJob(_Job):
    """A model to train for serving. The artifact goes to the folder ``output``."""

    task: Literal["train"] = "train"
    dataset: str
    fingerprint: str
    output: str


class EvaluateJob(_Job):
    """A model to train and test on RecBole's default split."""

    task: Literal["evaluate"] = "evaluate"


Progress = Callable[[str, int, int, float | None], None]
"""A callback that gets a label, the steps done, their total (or upper bound), and the validation metric."""

_JOB = TypeAdapter[TrainJob | EvaluateJob](Annotated[TrainJob | EvaluateJob, Field(discriminator="task")])
_EVENT = TypeAdapter(dict[str, Any])


def parse_job(text: str) -> TrainJob | EvaluateJob:
    """Read a job from its JSON."""
    return _JOB.validate_json(text)


def leave_out_complete(user: IntArray, item: IntArray) -> tuple[IntArray, IntArray]:
    """Leave out users who have interacted with every item. There is nothing to recommend to them, and RecBole refuses
    them, because it could not draw an item that they have left.

    Args:
        user: (n_pairs,), positions of users.
        item: (n_pairs,), positions of items. Each pair occurs once.
    """
    while len(user):
        complete = np.bincount(user) == len(np.unique(item))
        if not complete.any():
            break
        kept = ~complete[user]
        user, item = user[kept], item[kept]  # some items may be left without interactions, and others be complete now
    return user, item


def write_interactions(user: IntArray, item: IntArray, folder: Path) -> None:
    """Write RecBole's atomic file: positions as tokens."""
    target = folder / DATASET_NAME / f"{DATASET_NAME}.inter"
    target.parent.mkdir()
    np.savetxt(
        target,
        np.stack([user, item], axis=1),
        fmt="%d",
        delimiter="\t",
        header="user_id:token\titem_id:token",
        comments="",
    )


def run_job(
    job: TrainJob | EvaluateJob, interactions: Interactions, scratch: Path, progress: Progress
) -> dict[str, Any]:
    """Run a job to its end.

    Args:
        scratch: An empty folder for everything that RecBole writes.

    Raises:
        TooLittleError: Fewer than two users or two items have interactions.
        TrainingError: RecBole is not installed, refuses the job, or fails; the text says why.
    """
    if importlib.util.find_spec("recbole") is None or importlib.util.find_spec("torch") is None:
        raise TrainingError("training needs RecBole and PyTorch: pip install 'recsys-mcp[train]'")
    user, item = leave_out_complete(interactions.user, interactions.item)
    job = _fitted(job, len(np.unique(user)), len(np.unique(item)))
    write_interactions(user, item, scratch)
    said: deque[str] = deque(maxlen=1)
    with subprocess.Popen(
        [*PYTHON, "-m", "mcp_server.recommender.training.recbole_process"],
        cwd=scratch,
        env={**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        # A pipe, not a file: the last line is needed most where no file can be written.
        listening = threading.Thread(target=_keep_last_line, args=(child.stderr, said), daemon=True)
        try:
            listening.start()
            child.stdin.write(job.model_dump_json() + "\n")
            child.stdin.flush()
            outcome = _read_events(child.stdout, progress)
        except BrokenPipeError:
            outcome = None
        else:
            if outcome is None:  # its reason is on the way
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(LAST_WORDS_SECONDS)
        finally:
            child.kill()  # and with it what the thread reads, which could not be closed meanwhile
            if listening.ident is not None:
                listening.join(LAST_WORDS_SECONDS)
    if outcome is None:
        raise TrainingError(_explain(job, said[0] if said else "no reason given"))
    return outcome


def _fitted(job: TrainJob | EvaluateJob, n_users: int, n_items: int) -> TrainJob | EvaluateJob:
    """The job with rankings that are shorter than the list of items.

    Raises:
        TooLittleError: There are too few users or items.
    """
    if min(n_users, n_items) < 2:
        raise TooLittleError(
            "there is too little to learn from: a model needs at least two users and two items with interactions, "
            "besides users who have interacted with everything"
        )
    lengths = tuple(dict.fromkeys(min(length, n_items - 1) for length in RANKING_LENGTHS))
    if isinstance(job, EvaluateJob) and lengths != RANKING_LENGTHS:
        raise TooLittleError(
            f"models are compared by rankings of {max(RANKING_LENGTHS)} items, and only {n_items} items have "
            "interactions of users who have not interacted with everything"
        )
    return job.model_copy(update={"ranking_lengths": lengths})


def _explain(job: TrainJob | EvaluateJob, said: str) -> str:
    """One sentence about a training that failed, with the last words of its process."""
    if "memory" in said.lower() or "allocate" in said.lower():
        return f"training {job.model} takes more memory than there is ({said}): choose a model that takes less"
    return (
        f"training {job.model} failed in RecBole ({said}): if its settings are right, this model does not suit these "
        "interactions, and another one may: `recsys-mcp train --model NAME`"
    )


def _keep_last_line(lines: Iterable[str], said: deque[str]) -> None:
    """Read all lines, and keep the last one that is not empty."""
    said.extend(line.strip() for line in lines if line.strip())


def _read_events(events: Any, progress: Progress) -> dict[str, Any] | None:
    """Read events until the result, or None where the child ended without one."""
    for line in events:
        event = _EVENT.validate_json(line)
        if event["event"] == "progress":
            progress(event["label"], event["done"], event["total"], event["score"])
        elif event["event"] == "refused":
            raise TrainingError(event["text"])
        else:
            result: dict[str, Any] = event["result"]
            return result
    return None
