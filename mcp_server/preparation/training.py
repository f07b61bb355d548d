"""The part of a state that recommends: a model that is trained on a dataset, or what stands in for one."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mcp_server.dataset.records import Dataset
from mcp_server.dataset.spec import ModelSpec
from mcp_server.preparation.progress_bars import Progress
from mcp_server.recommender.artifact import add_trained_on, save_artifact
from mcp_server.recommender.trained_on import TrainedOn
from mcp_server.recommender.training.jobs import TooLittleError, TrainJob, run_job
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.trainable import trainable
from mcp_server.state.manifest import fingerprint
from mcp_server.state.open_state import OpenState
from mcp_server.types import FloatArray

TRAINING_VERSION = 1
"""A number in the fingerprint of models. Raise it when training changes."""


def model_name(training_fingerprint: str, model: ModelSpec) -> str:
    """Name of the part that is a model trained on certain interactions."""
    how = model.model_dump(exclude={"retrain"})
    return f"model-{fingerprint(training_fingerprint, how, TRAINING_VERSION)}"


class Training:
    """The training of a model on a dataset, which may never take place."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._interactions = trainable(dataset.interactions, dataset.spec.interactions.kind)
        pairs = self._interactions.user, self._interactions.item
        ratings = self._interactions.value if dataset.spec.interactions.kind == "ratings" else None
        self.data = TrainedOn.of(dataset.items.ids, dataset.users.ids, pairs, ratings)
        digest = hashlib.sha256(pairs[0].tobytes() + pairs[1].tobytes())
        if ratings is not None:
            digest.update(ratings.tobytes())
        self.fingerprint = fingerprint(dataset.items.ids, dataset.users.ids, digest.hexdigest())
        """Fingerprint of everything that a model learns from."""

    def make(
        self,
        state: OpenState,
        name: str,
        model: ModelSpec,
        progress: Progress,
        vectors: Callable[[], FloatArray | None],
    ) -> None:
        """Train, and make the part. Where there is too little to learn from, the part is popularity.

        Args:
            vectors: Finds the vectors of the items' texts, for models that learn from them.
        """

        def learned_from() -> LearnedFrom:
            return LearnedFrom.of(self._dataset, self._interactions, vectors())

        def fill(folder: Path) -> None:
            with progress.step(f"Training {model.name}") as step, state.folder.scratch() as scratch:

                def report(label: str, done: int, total: int, score: float | None) -> None:
                    measured = "" if score is None else f" (validation NDCG {score:.3f})"
                    step.update(done, total, f"Training {label}{measured}")

                job = self._job(model, folder)
                try:
                    run_job(job, self._interactions, Path(scratch), report, learned_from)
                except TooLittleError:
                    self._save_popularity(job, folder)
            add_trained_on(folder, self.data, int(time.time()))

        state.parts.make_model(name, fill)

    def _job(self, model: ModelSpec, folder: Path) -> TrainJob:
        return TrainJob(
            model=model.name,
            settings=model.settings,
            n_users=len(self._dataset.users),
            n_items=len(self._dataset.items),
            dataset=self._dataset.spec.name,
            fingerprint=self.fingerprint,
            output=str(folder),
        )

    def _save_popularity(self, job: TrainJob, folder: Path) -> None:
        counts = np.bincount(self._interactions.item, minlength=len(self._dataset.items))
        header = job.header(kind="popularity", model="popularity", settings={}, train_seconds=0)
        save_artifact(folder, header, {"scores": counts.astype(np.float32)})
