"""The part of a state that recommends: a model that is trained on a dataset, or what stands in for one."""

import functools
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
from mcp_server.recommender.training.costs import Shape, cost_of, free_memory, plan
from mcp_server.recommender.training.jobs import AUTO, TooLittleError, TrainJob, learnable_rows, run_job
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.trainable import trainable
from mcp_server.state.manifest import fingerprint
from mcp_server.state.open_state import OpenState
from mcp_server.types import FloatArray

TRAINING_VERSION = 2
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

        @functools.cache
        def learned_from() -> LearnedFrom:
            return LearnedFrom.of(self._dataset, self._interactions, vectors())

        def fill(folder: Path) -> None:
            try:
                learnable_rows(self._interactions)
                self._train(model, folder, state, progress, learned_from)
            except TooLittleError:
                self._save_popularity(folder)
            add_trained_on(folder, self.data, int(time.time()))

        state.parts.make_model(name, fill)

    def _train(
        self,
        model: ModelSpec,
        folder: Path,
        state: OpenState,
        progress: Progress,
        learned_from: Callable[[], LearnedFrom],
    ) -> None:
        models = self._announce(model, Shape.of(learned_from()), progress)
        with progress.step(f"Training {' or '.join(models)}") as step, state.folder.scratch() as scratch:

            def report(label: str, done: int, total: int, score: float | None) -> None:
                measured = "" if score is None else f" (validation NDCG {score:.3f})"
                step.update(done, total, f"Training {label}{measured}")

            job = self._job(models[0], folder).model_copy(update={"or_else": models[1:], "settings": model.settings})
            run_job(job, self._interactions, Path(scratch), report, learned_from)

    def _announce(self, model: ModelSpec, shape: Shape, progress: Progress) -> tuple[str, ...]:
        """Say what will be trained and what it takes, as far as that is known.

        Returns:
            The names of the models to compare.

        Raises:
            TrainingError: No model has room.
        """
        nouns = self._dataset.spec.nouns
        if model.name == AUTO:
            chosen = plan(shape, nouns, free_memory())
            progress.say(chosen.sentence)
            return chosen.models
        cost = cost_of(model.name, shape)
        if cost is not None:
            progress.say(f"{shape.n_items:,} {nouns.items}: {model.name}; {cost}")
        return (model.name,)

    def _job(self, model: str, folder: Path) -> TrainJob:
        return TrainJob(
            model=model,
            n_users=len(self._dataset.users),
            n_items=len(self._dataset.items),
            dataset=self._dataset.spec.name,
            fingerprint=self.fingerprint,
            output=str(folder),
        )

    def _save_popularity(self, folder: Path) -> None:
        counts = np.bincount(self._interactions.item, minlength=len(self._dataset.items))
        header = self._job("popularity", folder).header(kind="popularity", settings={}, train_seconds=0)
        save_artifact(folder, header, {"scores": counts.astype(np.float32)})
