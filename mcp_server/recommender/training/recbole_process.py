"""Training with RecBole, in a ``child_process`` that ``jobs`` starts in a scratch folder.

RecBole parses sys.argv, logs to stdout, and writes log/, log_tensorboard/ and saved/ into the working directory;
all of that ends with the process.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_server.errors import quoted
from mcp_server.recommender.artifact import save_artifact
from mcp_server.recommender.training.cease import CEASE
from mcp_server.recommender.training.collective_ease import check_own_settings
from mcp_server.recommender.training.hyper_parameters import check_settings
from mcp_server.recommender.training.jobs import (
    COLLECTIVE,
    DATASET_NAME,
    METRICS,
    EvaluateJob,
    TrainJob,
)
from mcp_server.recommender.training.recbole_compat import (
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
)
from mcp_server.recommender.training.recbole_export import Exporter
from mcp_server.recommender.training.reporting import Emit, UnsuitableError, progress_event

EASE_REG_WEIGHTS = [50.0, 100.0, 200.0, 300.0, 500.0, 750.0, 1000.0]
"""Values of EASE's regularisation to choose from on the validation split, where none is given."""


@dataclass(frozen=True)
class Fit:
    """A model trained on the training split of RecBole's default evaluation setting."""

    model: Any
    trainer: Any
    test_data: Any
    dataset: Any
    """RecBole's dataset of the training split."""
    valid_score: float
    best_epoch: int
    """Number of the epoch with the best validation metric. The first is 1."""
    seconds: float


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
        if model == COLLECTIVE:
            return self._configure_collective(own, settings)
        if model not in general_recommenders():
            names = ", ".join([COLLECTIVE, *general_recommenders()])
            raise UnsuitableError(f"there is no general recommender {quoted(model)}. There are: {names}")
        plain = Config(model=model, dataset=DATASET_NAME, config_dict=dict(own))
        checked = check_settings(model, settings, own_hyper_parameters(plain))
        return Config(model=model, dataset=DATASET_NAME, config_dict={**own, **checked})

    def _configure_collective(self, own: dict[str, Any], settings: Mapping[str, Any]) -> Any:
        assert isinstance(self._job, EvaluateJob)
        more = {
            "learned_from": str(self._folder),
            "by_time": self._job.split == "time",
            "all_speaks": self._job.all_speaks,
            "given": check_own_settings(COLLECTIVE, settings),
        }
        return Config(model=CEASE, dataset=DATASET_NAME, config_dict={**own, **more})

    def fit_split(self, model: str, settings: Mapping[str, Any]) -> Fit:
        """Train on the training split, and stop early by the validation split."""
        config = self.configure(model, settings)
        init_seed(config["seed"], config["reproducibility"])
        started = time.perf_counter()
        dataset = create_dataset(config)
        train_data, valid_data, test_data = data_preparation(config, dataset)
        init_seed(config["seed"], config["reproducibility"])
        make = CEASE if model == COLLECTIVE else get_model(model)
        network = make(config, train_data.dataset).to(config["device"])
        trainer = get_trainer(config["MODEL_TYPE"], model)(config, network)
        scores: dict[int, float] = {}

        def after_epoch(epoch: int, score: float) -> None:
            scores[epoch + 1] = float(score)
            if trainer.epochs > 1:
                self.progress(model, epoch + 1, trainer.epochs, score)

        valid_score, _ = trainer.fit(train_data, valid_data, verbose=False, callback_fn=after_epoch)
        best_epoch = max(scores, key=lambda epoch: scores[epoch], default=1)
        seconds = time.perf_counter() - started
        return Fit(network, trainer, test_data, train_data.dataset, float(valid_score), best_epoch, seconds)

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
            self.progress(f"{model} on all interactions", epoch + 1, epochs, None)
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
    """Train on the training split and measure on the test split."""
    session = Session(job, folder, emit)
    settings = dict(job.settings)
    if job.model == "EASE":
        settings, _ = choose(session, job.model, settings)
    fit = session.fit_split(job.model, settings)
    if isinstance(fit.model, CEASE):
        settings = vars(fit.model.settings)
    epochs = fit.trainer.epochs
    result = fit.trainer.evaluate(fit.test_data, load_best_model=epochs > 1, show_progress=False)
    if isinstance(fit.model, CEASE):
        kind, n_bytes = "item_item", fit.model.n_bytes
    else:
        export = Exporter(fit.model, fit.dataset, job).export()
        kind, n_bytes = export.kind, export.n_bytes
    return {
        "model": job.model,
        "settings": settings,
        "metrics": {name: float(value) for name, value in result.items()},
        "valid_score": fit.valid_score,
        "epochs": fit.best_epoch,
        "train_seconds": round(fit.seconds, 2),
        "kind": kind,
        "artifact_bytes": n_bytes,
    }


def run(job: TrainJob | EvaluateJob, folder: Path, emit: Emit) -> dict[str, Any]:
    """Run a job of any model of RecBole, or of ours among them."""
    return train(job, folder, emit) if isinstance(job, TrainJob) else evaluate(job, folder, emit)
