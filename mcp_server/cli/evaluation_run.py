"""The trainings and measurements of `evaluate`, one after the other."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from mcp_server.cli.evaluation_report import AS_SERVED, COMPARED_BY, LeftOut, Measured, Report, SplitReport
from mcp_server.cli.hyper_parameters import settings_of_model
from mcp_server.dataset.records import Dataset
from mcp_server.errors import TrainingError
from mcp_server.preparation.embedding import vectors_of_items
from mcp_server.preparation.progress_bars import Progress
from mcp_server.recommender.comparison import OfUsers
from mcp_server.recommender.training.costs import Shape
from mcp_server.recommender.training.jobs import OWN_MODELS, EvaluateJob, Split, TooLittleError, run_job
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.quick_models import Choice, choose_quick
from mcp_server.recommender.training.ranking_metrics import load_of_users
from mcp_server.recommender.training.trainable import trainable
from mcp_server.state.folder import StateFolder
from mcp_server.vectors.texts import item_texts

SPLITS: Mapping[Split, str] = {
    "random": "10% of each user's interactions by chance (RecBole's default: RS 0.8/0.1/0.1 by user)",
    "time": "each user's last 10%, the 10% before them for validation",
}
"""Descriptions of the splits."""


class Evaluation:
    """Models of one dataset, measured on each of its splits.

    Args:
        state: The folder whose scratch folders are used; vectors of texts that it has are used again.
        settings: Hyper-parameters, KEY of all models or MODEL.KEY of one.
    """

    def __init__(
        self,
        dataset: Dataset,
        state: StateFolder,
        progress: Progress,
        *,
        settings: Mapping[str, Any],
        embedding_model: str,
    ) -> None:
        self._dataset, self._state, self._progress = dataset, state, progress
        self._settings, self._embedding_model = dict(settings), embedding_model
        self._interactions = trainable(dataset.interactions, dataset.spec.interactions.kind)
        splits: list[Split] = ["random", "time"] if self._interactions.timestamp is not None else ["random"]
        self._measured: dict[Split, list[Measured]] = {split: [] for split in splits}
        self._failed: dict[Split, list[LeftOut]] = {split: [] for split in splits}
        self._is_interrupted = False

    def quick_models(self) -> Choice:
        """The models that train quickly on this dataset."""
        return choose_quick(Shape.of(self._learned_from))

    def run(self, models: Sequence[str]) -> None:
        """Train and measure models. What has been measured is kept if the user interrupts, or if a model fails.

        Raises:
            TooLittleError: There is too little to learn from, whatever the model.
            TrainingError: No model at all could be measured.
            KeyboardInterrupt: The user interrupted before any model was measured.
        """
        try:
            for split in self._measured:
                for model in models:
                    self._try(model, split)
        except KeyboardInterrupt:
            if not self._has_any:
                raise
            self._is_interrupted = True
        if not self._has_any:
            reasons = {each.why: each.model for failed in self._failed.values() for each in failed}
            first = next(iter(reasons))
            if len(reasons) == 1:
                raise TrainingError(first)
            each = "; ".join(f"{model}: {why}" for why, model in reasons.items())
            raise TrainingError(f"no model could be measured. {each}")

    def report(self, left_out: Sequence[LeftOut]) -> Report:
        """Compare what has been measured."""
        parts = {
            split: SplitReport.of(SPLITS[split], measured, self._failed[split])
            for split, measured in self._measured.items()
        }
        return Report(
            **dict(parts["random"]),
            dataset=self._dataset.spec.name,
            by_time=parts.get("time"),
            left_out=list(left_out),
            interrupted=self._is_interrupted,
        )

    @property
    def _has_any(self) -> bool:
        return any(self._measured.values())

    def _try(self, model: str, split: Split) -> None:
        variants = [True]
        if model in OWN_MODELS and self._dataset.spec.interactions.kind == "ratings":
            variants.append(False)
        for all_speaks in variants:
            name = model if all_speaks else f"{model}{AS_SERVED}"
            try:
                self._measured[split].append(self._measure(name, model, split, all_speaks=all_speaks))
            except TooLittleError:
                raise
            except TrainingError as error:
                self._failed[split].append(LeftOut(model=name, why=str(error)))
                self._progress.say(f"{name} could not be measured: {error}")

    def _measure(self, name: str, model: str, split: Split, *, all_speaks: bool) -> Measured:
        job = EvaluateJob(
            model=model,
            settings=settings_of_model(model, self._settings),
            n_users=len(self._dataset.users),
            n_items=len(self._dataset.items),
            split=split,
            all_speaks=all_speaks,
        )
        label = f"Split {'at random' if split == 'random' else 'by time'}, {name}"
        with self._progress.step(label) as step, self._state.scratch("evaluating") as scratch:

            def report(what: str, done: int, total: int, score: float | None) -> None:
                step.update(done, total, label if what == model else f"{label}: {what}")

            result = run_job(job, self._interactions, Path(scratch), report, lambda: self._learned_from)
            positions, of_users = load_of_users(Path(scratch))
        ids = [self._dataset.users.ids[position] for position in positions.tolist()]
        return Measured({**result, "model": name}, OfUsers(ids, of_users[COMPARED_BY]))

    @cached_property  # of all models
    def _learned_from(self) -> LearnedFrom:
        texts, n_items = item_texts(self._dataset), len(self._dataset.items)
        vectors = vectors_of_items(self._state.folder, self._embedding_model, texts, n_items)
        return LearnedFrom.of(self._dataset, self._interactions, vectors)
