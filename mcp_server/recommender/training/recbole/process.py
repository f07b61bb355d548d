"""Training with RecBole, in a ``child_process`` that ``jobs`` starts in a scratch folder.

RecBole parses sys.argv, logs to stdout, and writes log/, log_tensorboard/ and saved/ into the working directory;
all of that ends with the process.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_server.errors import quoted
from mcp_server.recommender.artifact import save_artifact
from mcp_server.recommender.training.hyper_parameters import check_settings
from mcp_server.recommender.training.jobs import (
    DATASET_NAME,
    METRICS,
    OWN_MODELS,
    EvaluateJob,
    TrainJob,
)
from mcp_server.recommender.training.recbole.compat import (
    Config,
    ModelType,
    create_dataset,
    create_samplers,
    data_preparation,
    general_recommenders,
    get_dataloader,
    get_model,
    get_trainer,
    init_seed,
    own_hyper_parameters,
    torch,
)
from mcp_server.recommender.training.recbole.export import Exporter
from mcp_server.recommender.training.recbole.own_models import RECBOLE_CLASSES, OwnRecommender
from mcp_server.recommender.training.recbole.rankings import rank_test_users
from mcp_server.recommender.training.reporting import Emit, UnsuitableError, progress_event

EASE_REG_WEIGHTS = [50.0, 100.0, 200.0, 300.0, 500.0, 750.0, 1000.0]
"""Values of EASE's regularisation to choose from on the validation split, where none is given."""


@dataclass(frozen=True)
class Fit:
    """A model trained on the training split of RecBole's default evaluation setting."""

    model: Any
    trainer: Any
    dataset: Any
    """RecBole's dataset of the training split."""
    held_out: tuple[Any, Any]
    """RecBole's datasets of the validation and of the test split."""
    valid_score: float
    best_epoch: int
    """Number of the epoch with the best validation metric. The first is 1."""

    def load_best(self) -> None:
        """Go back to the epoch with the best validation metric."""
        if self.trainer.epochs > 1:
            checkpoint = torch.load(self.trainer.saved_model_file, map_location=self.model.device)
            self.model.load_state_dict(checkpoint["state_dict"])
            self.model.load_other_parameter(checkpoint.get("other_parameter"))


class Session:
    """Training runs on one file of interactions.

    Args:
        folder: The folder that holds DATASET_NAME/DATASET_NAME.inter.
    """

    def __init__(self, job: TrainJob | EvaluateJob, folder: Path, emit: Emit) -> None:
        self._job, self._folder, self._emit = job, folder, emit
        self.validation_metric = job.validation_metric

    def configure(self, model: str, settings: Mapping[str, Any]) -> Any:
        """RecBole's configuration of a run.

        Raises:
            UnsuitableError: RecBole has no such general recommender, or the model no such hyper-parameter.
        """
        own = {
            "data_path": str(self._folder),
            "load_col": {"inter": ["user_id", "item_id"]},
            "show_progress": False,
            "metrics": METRICS,
            "topk": list(self._job.ranking_lengths),
            "valid_metric": self.validation_metric,
        }
        if isinstance(self._job, EvaluateJob) and self._job.split == "time":
            own["load_col"] = {"inter": ["user_id", "item_id", "timestamp"]}
            own["eval_args"] = {"split": {"RS": [0.8, 0.1, 0.1]}, "order": "TO", "group_by": "user", "mode": "full"}
        if model in OWN_MODELS:
            return self._configure_own(model, own, settings)
        if model not in general_recommenders():
            names = ", ".join([*OWN_MODELS, *general_recommenders()])
            raise UnsuitableError(f"there is no general recommender {quoted(model)}. There are: {names}")
        plain = Config(model=model, dataset=DATASET_NAME, config_dict=dict(own))
        checked = check_settings(model, settings, own_hyper_parameters(plain))
        return Config(model=model, dataset=DATASET_NAME, config_dict={**own, **checked})

    def _configure_own(self, model: str, own: dict[str, Any], settings: Mapping[str, Any]) -> Any:
        assert isinstance(self._job, EvaluateJob)
        more = {
            "learned_from": str(self._folder),
            "by_time": self._job.split == "time",
            "all_speaks": self._job.all_speaks,
            "given": dict(settings),
        }
        return Config(model=RECBOLE_CLASSES[model], dataset=DATASET_NAME, config_dict={**own, **more})

    def fit_split(self, model: str, settings: Mapping[str, Any]) -> Fit:
        """Train on the training split, and stop early by the validation split."""
        config = self.configure(model, settings)
        init_seed(config["seed"], config["reproducibility"])
        dataset = create_dataset(config)
        train_data, valid_data, test_data = data_preparation(config, dataset)
        init_seed(config["seed"], config["reproducibility"])
        make = RECBOLE_CLASSES[model] if model in OWN_MODELS else get_model(model)
        network = make(config, train_data.dataset).to(config["device"])
        trainer = get_trainer(config["MODEL_TYPE"], model)(config, network)
        scores: dict[int, float] = {}

        def after_epoch(epoch: int, score: float) -> None:
            scores[epoch + 1] = float(score)
            if trainer.epochs > 1:
                label = f"{model}, loss {trainer.train_loss_dict[epoch]:.4g}"
                self.progress(label, epoch + 1, trainer.epochs, score)

        several = trainer.epochs > 1  # of which the best one is loaded again
        valid_score, _ = trainer.fit(train_data, valid_data, verbose=False, saved=several, callback_fn=after_epoch)
        best_epoch = max(scores, key=lambda epoch: scores[epoch], default=1)
        held_out = (valid_data.dataset, test_data.dataset)
        return Fit(network, trainer, train_data.dataset, held_out, float(valid_score), best_epoch)

    def fit_all(self, model: str, settings: Mapping[str, Any]) -> tuple[Any, Any]:
        """Train on all interactions, for a fixed number of epochs.

        Returns:
            The model and RecBole's dataset.
        """
        config = self.configure(model, settings)
        init_seed(config["seed"], config["reproducibility"])
        dataset = create_dataset(config)
        # The same as Dataset.build, without the split.
        dataset._change_feat_format()
        sampler, _, _ = create_samplers(config, dataset, [dataset, dataset, dataset])
        data = get_dataloader(config, "train")(config, dataset, sampler, shuffle=config["shuffle"])
        network = get_model(model)(config, dataset).to(config["device"])
        trainer = get_trainer(config["MODEL_TYPE"], model)(config, network)
        train_epoch, epochs = trainer._train_epoch, trainer.epochs

        def reporting(data: Any, epoch: int, *args: Any, **kwargs: Any) -> Any:
            loss = train_epoch(data, epoch, *args, **kwargs)
            total = sum(loss) if isinstance(loss, tuple) else loss
            told = f", loss {total:.4g}" if epochs > 1 else ""
            self.progress(f"{model} on all interactions{told}", epoch + 1, epochs, None)
            return loss

        trainer._train_epoch = reporting
        trainer.fit(data, None, verbose=False, saved=False)
        return network, dataset

    def progress(self, label: str, done: int, total: int, score: float | None) -> None:
        self._emit(progress_event(label, done, total, score))


def train(job: TrainJob, folder: Path, emit: Emit) -> dict[str, Any]:
    """Choose open settings on the validation split, train on all interactions, and write the artifact."""
    session = Session(job, folder, emit)
    started = time.perf_counter()
    settings, chosen_by = choose(session, job.model, job.settings)
    network, dataset = session.fit_all(job.model, settings)
    export = Exporter(network, dataset, job).export()
    header = job.header(
        kind=export.kind,
        settings=settings,
        chosen_by=chosen_by,
        train_seconds=round(time.perf_counter() - started, 2),
    )
    save_artifact(Path(job.output), header, export.arrays)
    return {"kind": export.kind, "settings": settings}


def choose(session: Session, model: str, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings for training on all interactions, and how they were chosen.

    The validation split chooses EASE's regularisation, where it is not given, and the number of epochs of models that
    are trained in epochs.
    """
    config = session.configure(model, settings)
    if model == "EASE" and "reg_weight" not in settings:
        tried = {}
        for number, weight in enumerate(EASE_REG_WEIGHTS, start=1):
            fit = session.fit_split(model, {**settings, "reg_weight": weight})
            tried[weight] = round(fit.valid_score, 4)
            session.progress(f"EASE, reg_weight {weight:g}", number, len(EASE_REG_WEIGHTS), fit.valid_score)
        best = max(tried, key=lambda weight: tried[weight])
        return {**settings, "reg_weight": best}, {f"reg_weight by {session.validation_metric}": tried}
    if config["MODEL_TYPE"] == ModelType.TRADITIONAL:
        return dict(settings), {}
    fit = session.fit_split(model, settings)
    chosen = {f"epochs by {session.validation_metric}": {fit.best_epoch: round(fit.valid_score, 4)}}
    return {**settings, "epochs": fit.best_epoch}, chosen


def evaluate(job: EvaluateJob, folder: Path, emit: Emit) -> dict[str, Any]:
    """Train on the training split and measure on the test split.

    The metrics of each test user go to a file in the folder, which ``load_of_users`` reads.
    """
    session = Session(job, folder, emit)
    started = time.perf_counter()
    settings = dict(job.settings)
    if job.model == "EASE":
        settings, _ = choose(session, job.model, settings)
    fit = session.fit_split(job.model, settings)
    train_seconds = time.perf_counter() - started
    fit.load_best()
    if isinstance(fit.model, OwnRecommender):
        learned = fit.model.learned
        settings, kind, n_bytes = learned.settings, learned.kind, learned.n_bytes
    else:
        export = Exporter(fit.model, fit.dataset, job).export()
        kind, n_bytes = export.kind, export.n_bytes
    length = max(job.ranking_lengths)
    rankings = rank_test_users(fit.model, fit.dataset, *fit.held_out, length=length, n_items=job.n_items)
    measured = rankings.measure(job.ranking_lengths)
    measured.save(folder)
    return {
        "model": job.model,
        "settings": settings,
        **measured.report(),
        "valid_score": fit.valid_score if math.isfinite(fit.valid_score) else None,
        "epochs": fit.best_epoch,
        "train_seconds": round(train_seconds, 2),
        "kind": kind,
        "artifact_bytes": n_bytes,
    }


def run(job: TrainJob | EvaluateJob, folder: Path, emit: Emit) -> dict[str, Any]:
    """Run a job of any model of RecBole, or of ours among them."""
    return train(job, folder, emit) if isinstance(job, TrainJob) else evaluate(job, folder, emit)
