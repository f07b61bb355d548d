"""Jobs for RecBole: describing them, running them in a child process, reporting their progress.

This side knows nothing of recbole or torch; ``recbole.process`` and ``own.process`` are the other side.
"""

import contextlib
import importlib.util
import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from mcp_server import PYTHON
from mcp_server.dataset.records import Interactions
from mcp_server.errors import TrainingError
from mcp_server.recommender.artifact import ArtifactHeader
from mcp_server.recommender.training.costs import Shape, check_room, free_memory
from mcp_server.recommender.training.failures import NO_WORDS, explain_failure
from mcp_server.types import IntArray

if TYPE_CHECKING:
    from mcp_server.recommender.training.learned_from import LearnedFrom

DATASET_NAME = "interactions"
METRICS = ["NDCG", "Recall", "Hit", "MRR"]
RANKING_LENGTHS = (5, 10)
"""Lengths of the rankings that are measured."""

AUTO = "auto"
"""Stands for the model that suits the size of a catalogue."""

OWN_MODELS = ("CEASE", "CKNN", "ALS")
"""Names of our own models, beside those of RecBole."""

GIB = 2**30

LAST_WORDS_SECONDS = 5.0
"""Time allowed for a failed process to say why."""


class TooLittleError(TrainingError):
    """There is too little to learn from, whatever the model."""


class _Job(BaseModel):
    model_config = ConfigDict(frozen=True, protected_namespaces=())

    model: str
    """Name of the model."""
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
    or_else: tuple[str, ...] = ()
    """Other models of ours: the one that ranks best on the validation split is trained."""
    dataset: str
    fingerprint: str
    output: str

    def header(self, **of_model: Any) -> ArtifactHeader:
        """The header of the model that this job trains.

        Args:
            of_model: What the training has found, by the names of the header.
        """
        of_job = self.model_dump(include={"model", "dataset", "fingerprint", "n_users", "n_items"})
        return ArtifactHeader(**{**of_job, **of_model})


Split = Literal["random", "time"]
"""random: RecBole's default, 10% of each user's interactions by chance. time: each user's last 10%."""


class EvaluateJob(_Job):
    """A model to train and test on held-out interactions."""

    task: Literal["evaluate"] = "evaluate"
    split: Split = "random"
    all_speaks: bool = True
    """Our own models rank by all that a user interacted with, as RecBole's other models do; otherwise, as they are
    served, by what is liked alone."""


Progress = Callable[[str, int, int, float | None], None]
"""A callback that gets a label, the steps done, their total (or upper bound), and the validation metric."""

_JOB = TypeAdapter[TrainJob | EvaluateJob](Annotated[TrainJob | EvaluateJob, Field(discriminator="task")])
_EVENT = TypeAdapter(dict[str, Any])


def parse_job(text: str) -> TrainJob | EvaluateJob:
    """Read a job from its JSON."""
    return _JOB.validate_json(text)


def leave_out_complete(user: IntArray, item: IntArray) -> IntArray:
    """Leave out users who have interacted with every item. There is nothing to recommend to them, and RecBole refuses
    them, because it could not draw an item that they have left.

    Args:
        user: (n_pairs,), positions of users.
        item: (n_pairs,), positions of items. Each pair occurs once.

    Returns:
        Positions of the pairs that are left.
    """
    rows = np.arange(len(user))
    while len(rows):
        complete = np.bincount(user[rows]) == np.count_nonzero(np.bincount(item[rows]))
        if not complete.any():
            break
        rows = rows[~complete[user[rows]]]  # some items may be left without interactions, and others be complete now
    return rows


def learnable_rows(interactions: Interactions) -> IntArray:
    """Positions of the interactions that a model can be learned from.

    Raises:
        TooLittleError: Fewer than two users or two items are left.
    """
    rows = leave_out_complete(interactions.user, interactions.item)
    sides = (interactions.user, interactions.item)
    if not len(rows) or min(np.count_nonzero(np.bincount(side[rows])) for side in sides) < 2:
        raise TooLittleError(
            "there is too little to learn from: a model needs at least two users and two items with interactions, "
            "besides users who have interacted with everything"
        )
    return rows


def write_interactions(user: IntArray, item: IntArray, folder: Path, times: IntArray | None = None) -> None:
    """Write RecBole's atomic file: positions as tokens, and times by their order, because RecBole rounds seconds."""
    target = folder / DATASET_NAME / f"{DATASET_NAME}.inter"
    target.parent.mkdir()
    columns, header = [user, item], "user_id:token\titem_id:token"
    if times is not None:
        columns.append(np.unique(times, return_inverse=True)[1])
        header += "\ttimestamp:float"
    np.savetxt(target, np.stack(columns, axis=1), fmt="%d", delimiter="\t", header=header, comments="")


def run_job(
    job: TrainJob | EvaluateJob,
    interactions: Interactions,
    scratch: Path,
    progress: Progress,
    learned_from: "Callable[[], LearnedFrom] | None" = None,
) -> dict[str, Any]:
    """Run a job to its end.

    Args:
        scratch: An empty folder for everything that RecBole writes.
        learned_from: Makes what our own models learn from; no other model needs it.

    Raises:
        TooLittleError: Fewer than two users or two items have interactions.
        TrainingError: RecBole is not installed, refuses the job, or fails, or there is too little memory; the text says
            why.
    """
    if importlib.util.find_spec("recbole") is None or importlib.util.find_spec("torch") is None:
        raise TrainingError("training needs RecBole and PyTorch: pip install 'recsys-mcp[train]'")
    rows = learnable_rows(interactions)
    job = _fitted(job, int(np.count_nonzero(np.bincount(interactions.item[rows]))))
    process = "recbole.process"
    if job.model in OWN_MODELS and learned_from is not None:
        data = learned_from()
        check_room(job.model, Shape.of(data), free_memory())
        data.save(scratch)
        process = "own.process" if isinstance(job, TrainJob) else process
    if process == "recbole.process":
        by_time = isinstance(job, EvaluateJob) and job.split == "time"
        times = interactions.timestamp if by_time else None
        user, item = interactions.user[rows], interactions.item[rows]
        write_interactions(user, item, scratch, None if times is None else times[rows])
    said: deque[str] = deque(maxlen=1)
    with subprocess.Popen(
        [*PYTHON, "-m", "mcp_server.recommender.training.child_process", process],
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
            outcome = _read_events(child.stdout, progress, partial(_explain, job))
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
        raise TrainingError(_explain(job, said[0] if said else NO_WORDS))
    return outcome


def _fitted(job: TrainJob | EvaluateJob, n_items: int) -> TrainJob | EvaluateJob:
    """The job with rankings that are shorter than the list of items.

    Raises:
        TooLittleError: There are too few items.
    """
    lengths = tuple(dict.fromkeys(min(length, n_items - 1) for length in RANKING_LENGTHS))
    if isinstance(job, EvaluateJob) and lengths != RANKING_LENGTHS:
        raise TooLittleError(
            f"models are compared by rankings of {max(RANKING_LENGTHS)} items, and only {n_items} items have "
            "interactions of users who have not interacted with everything"
        )
    return job.model_copy(update={"ranking_lengths": lengths})


def _explain(job: TrainJob | EvaluateJob, said: str) -> str:
    """One sentence about a training that failed, made of its exception, or of the last words of its process."""
    where = "" if job.model in OWN_MODELS else " in RecBole"
    return explain_failure(job.model, job.settings, said, where=where)


def _keep_last_line(lines: Iterable[str], said: deque[str]) -> None:
    """Read all lines, and keep the last one that is not empty."""
    said.extend(line.strip() for line in lines if line.strip())


def _read_events(events: Any, progress: Progress, explain: Callable[[str], str]) -> dict[str, Any] | None:
    """Read events until the result, or None where the child ended without one.

    Args:
        explain: Makes a sentence of the last line of an exception.

    Raises:
        TrainingError: The job has failed.
    """
    for line in events:
        event = _EVENT.validate_json(line)
        if event["event"] == "progress":
            progress(event["label"], event["done"], event["total"], event["score"])
        elif event["event"] == "refused":
            raise TrainingError(event["text"])
        elif event["event"] == "failed":
            raise TrainingError(explain(event["text"].splitlines()[-1]))
        else:
            result: dict[str, Any] = event["result"]
            return result
    return None
