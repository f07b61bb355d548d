"""Training with RecBole. The one module that imports recbole and torch; runs as a process of its own.

RecBole parses sys.argv, logs to stdout, writes log/, log_tensorboard/ and saved/ into the working directory,
reads names that NumPy 2 has dropped, and reloads checkpoints in a way that torch now refuses by default. So
``training`` starts this module as a child process in a scratch folder, and all of that ends with the process.
What is here is worked around by settings of the process, not by changing installed files.

Protocol: the first line of stdin is the job (JSON); stdin then stays open, and when it closes, the parent is
gone and this process ends. Events are JSON lines on the original stdout; all else that prints goes to stderr.
"""

import dataclasses
import inspect
import json
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

for _gone, _now in {"float_": "float64", "complex_": "complex128", "unicode_": "str_", "bool8": "bool_"}.items():
    if not hasattr(np, _gone):  # NumPy 2 dropped them; RecBole's Config reads them
        setattr(np, _gone, getattr(np, _now))
os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # the checkpoints are this process's own

import scipy.sparse

if not hasattr(scipy.sparse.dok_matrix, "_update"):  # SciPy dropped it; RecBole's graph models build with it
    scipy.sparse.dok_matrix._update = lambda matrix, entries: matrix._dict.update(entries)

import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.data.interaction import Interaction
from recbole.data.utils import create_samplers, get_dataloader
from recbole.utils import ModelType, get_model, get_trainer, init_seed

from mcp_server.recommender.artifact import ArtifactHeader, ArtifactKind, save_artifact
from mcp_server.recommender.training import (
    DATASET_NAME,
    METRICS,
    VALIDATION_METRIC,
    EvaluateJob,
    TrainJob,
    parse_job,
)

EASE_REG_WEIGHTS = [50.0, 100.0, 200.0, 300.0, 500.0, 750.0, 1000.0]
"""Regularisations among which the validation split chooses, where none is given."""

N_CHECKED_USERS = 64
"""An export is used only if it gives RecBole's own scores for so many users."""

Emit = Callable[[Mapping[str, Any]], None]


class UnsuitableError(Exception):
    """The job cannot be done as asked; the text is for the user."""


@dataclasses.dataclass(frozen=True)
class Fit:
    """A model trained on the training split of RecBole's default evaluation setting."""

    model: Any
    trainer: Any
    test_data: Any
    dataset: Any
    """RecBole's dataset of the training split."""
    valid_score: float
    best_epoch: int
    """1 for the first; the one with the best validation metric."""
    seconds: float


class Session:
    """Training runs on one file of interactions.

    Args:
        folder: Holds DATASET_NAME/DATASET_NAME.inter.
    """

    def __init__(self, job: TrainJob | EvaluateJob, folder: Path, emit: Emit) -> None:
        self._job, self._folder, self._emit = job, folder, emit

    def configure(self, model: str, settings: Mapping[str, Any]) -> Any:
        """RecBole's configuration of a run.

        Raises:
            UnsuitableError: RecBole has no such general recommender, or no such hyper-parameter.
        """
        own = {
            "data_path": str(self._folder),
            "load_col": {"inter": ["user_id", "item_id"]},
            "show_progress": False,
            "metrics": METRICS,
            "topk": [5, 10],
            "valid_metric": VALIDATION_METRIC,
        }
        if model not in general_recommenders():
            names = ", ".join(general_recommenders())
            raise UnsuitableError(f"RecBole has no general recommender {model!r}. It has: {names}")
        plain = Config(model=model, dataset=DATASET_NAME, config_dict=dict(own))
        unknown = [name for name in settings if name not in plain.final_config_dict]
        if unknown:
            mine = sorted(_own_parameters(plain))
            raise UnsuitableError(f"{model} has no setting {unknown[0]!r}; its own are: {', '.join(mine) or 'none'}")
        return Config(model=model, dataset=DATASET_NAME, config_dict={**own, **settings})

    def fit_split(self, model: str, settings: Mapping[str, Any], label: str) -> Fit:
        """Train on the training split; the validation split stops the training early."""
        config = self.configure(model, settings)
        init_seed(config["seed"], config["reproducibility"])
        started = time.perf_counter()
        dataset = create_dataset(config)
        train_data, valid_data, test_data = data_preparation(config, dataset)
        init_seed(config["seed"], config["reproducibility"])
        network = get_model(model)(config, train_data.dataset).to(config["device"])
        trainer = get_trainer(config["MODEL_TYPE"], model)(config, network)
        scores: dict[int, float] = {}

        def after_epoch(epoch: int, score: float) -> None:
            scores[epoch + 1] = float(score)
            self._progress(label, epoch + 1, config["epochs"], score)

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
        # What Dataset.build does, but for the split.
        dataset._change_feat_format()
        sampler, _, _ = create_samplers(config, dataset, [dataset, dataset, dataset])
        data = get_dataloader(config, "train")(config, dataset, sampler, shuffle=config["shuffle"])
        network = get_model(model)(config, dataset).to(config["device"])
        trainer = get_trainer(config["MODEL_TYPE"], model)(config, network)
        train_epoch, epochs = trainer._train_epoch, config["epochs"]

        def reporting(data: Any, epoch: int, *args: Any, **kwargs: Any) -> Any:
            loss = train_epoch(data, epoch, *args, **kwargs)
            self._progress(f"{model} on all interactions", epoch + 1, epochs, None)
            return loss

        trainer._train_epoch = reporting
        trainer.fit(data, None, verbose=False, saved=False)
        return network, dataset

    def _progress(self, label: str, epoch: int, epochs: int, score: float | None) -> None:
        self._emit({"event": "progress", "label": label, "done": epoch, "total": epochs, "score": score})


def general_recommenders() -> list[str]:
    """Names of RecBole's general recommenders."""
    import recbole.model.general_recommender as package

    return sorted(name for name, value in vars(package).items() if inspect.isclass(value))


def _own_parameters(config: Any) -> set[str]:
    common = {name for names in config.parameters.values() for name in names}
    return {name for name in config.final_config_dict if name not in common and name.islower()}


@dataclasses.dataclass(frozen=True)
class Export:
    """Arrays for serving, by the positions of our catalogue."""

    kind: ArtifactKind
    arrays: dict[str, np.ndarray[Any, Any]]

    @property
    def n_bytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())


class Exporter:
    """Finds the smallest form in which a trained model can be served.

    No form is believed because of the model's name: it is used if, for a sample of users, it reproduces the
    scores of the model's own ``full_sort_predict``.
    """

    def __init__(self, model: Any, dataset: Any, job: TrainJob | EvaluateJob) -> None:
        self._model, self._dataset, self._job = model.eval(), dataset, job
        self._items = self._positions(dataset.iid_field)
        self._users = self._positions(dataset.uid_field)

    def _positions(self, field: str) -> np.ndarray[Any, Any]:
        """(n,): our position of each of RecBole's numbers from 1 on; number 0 is its padding."""
        tokens = self._dataset.id2token(field, np.arange(1, self._dataset.num(field)))
        return np.asarray(tokens).astype(np.int64)

    def export(self) -> Export:
        """Raises: UnsuitableError: the model needs a table of scores that is too large."""
        return self._as_item_item() or self._as_factors() or self._as_score_table()

    @cached_property
    def _sample(self) -> np.ndarray[Any, Any]:
        n_users = self._dataset.user_num - 1
        return np.unique(np.linspace(1, n_users, min(n_users, N_CHECKED_USERS)).astype(np.int64))

    @cached_property
    def _sample_scores(self) -> np.ndarray[Any, Any]:
        return self._scores(self._sample)

    def _scores(self, users: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """(n_users, n_items) float32 of RecBole's own scores, without the padding item."""
        n_items = self._dataset.item_num
        device = self._model.device
        with torch.no_grad():
            rows = []
            for user in users:  # one by one: some models flatten their answer
                one = Interaction({self._dataset.uid_field: torch.tensor([int(user)])}).to(device)
                try:
                    scores = self._model.full_sort_predict(one)
                except NotImplementedError:
                    pairs = {
                        self._dataset.uid_field: torch.full((n_items,), int(user)),
                        self._dataset.iid_field: torch.arange(n_items),
                    }
                    scores = self._model.predict(Interaction(pairs).to(device))
                rows.append(scores.reshape(-1).cpu().numpy()[:n_items])
        return np.stack(rows).astype(np.float32)[:, 1:]

    def _reproduces(self, scores: np.ndarray[Any, Any]) -> bool:
        spread = float(np.abs(self._sample_scores).max()) or 1.0
        return bool(np.allclose(scores, self._sample_scores, rtol=1e-3, atol=1e-4 * spread))

    def _as_item_item(self) -> Export | None:
        """Score = history row @ weights + offset."""
        history = self._dataset.inter_matrix(form="csr").astype(np.float32)[:, 1:]
        history.data[:] = 1.0
        for name in ("item_similarity", "w"):
            raw = getattr(self._model, name, None)
            if raw is None or getattr(raw, "shape", None) != (self._dataset.item_num,) * 2:
                continue
            if torch.is_tensor(raw):
                raw = raw.detach().cpu().numpy()
            weights = scipy.sparse.csr_matrix(raw)[1:, 1:] if scipy.sparse.issparse(raw) else np.asarray(raw)[1:, 1:]
            plain = history[self._sample] @ weights
            plain = plain.toarray() if scipy.sparse.issparse(plain) else np.asarray(plain)
            offset = (self._sample_scores - plain).mean(axis=0)
            if self._reproduces(plain + offset):
                negligible = np.abs(offset).max() <= 1e-4 * (np.abs(self._sample_scores).max() or 1.0)
                return self._item_item(weights, np.zeros_like(offset) if negligible else offset)
        return None

    def _item_item(self, weights: Any, offset: np.ndarray[Any, Any]) -> Export:
        n = self._job.n_items
        shifted = np.zeros(n, dtype=np.float32)
        shifted[self._items] = offset
        sparse = scipy.sparse.issparse(weights)
        if n > self._job.max_dense_items and not sparse:
            weights, sparse = _strongest(weights, self._job.neighbours), True
        if sparse and weights.nnz < 0.3 * n * n:
            rows = weights.tocoo()
            moved = scipy.sparse.csr_matrix(
                (rows.data.astype(np.float32), (self._items[rows.row], self._items[rows.col])), shape=(n, n)
            )
            arrays = {
                "indptr": moved.indptr.astype(np.int64),
                "indices": moved.indices.astype(np.int32),
                "values": moved.data.astype(np.float32),
                "offset": shifted,
            }
            return Export("item_item_sparse", arrays)
        dense = np.zeros((n, n), dtype=np.float32)
        dense[np.ix_(self._items, self._items)] = weights.toarray() if sparse else weights
        return Export("item_item", {"weights": dense, "offset": shifted})

    def _as_factors(self) -> Export | None:
        """Score = user vector @ item vector."""
        for users, items in self._factor_candidates():
            if users.shape != (self._dataset.user_num, users.shape[-1]) or items.shape[0] < self._dataset.item_num:
                continue
            items = items[1 : self._dataset.item_num]
            if users.shape[1] == items.shape[1] and self._reproduces(users[self._sample] @ items.T):
                user_factors = np.zeros((self._job.n_users, users.shape[1]), dtype=np.float32)
                item_factors = np.zeros((self._job.n_items, users.shape[1]), dtype=np.float32)
                user_factors[self._users], item_factors[self._items] = users[1:], items
                return Export("factors", {"user_factors": user_factors, "item_factors": item_factors})
        return None

    def _factor_candidates(self) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
        found: list[tuple[Any, Any]] = []
        with torch.no_grad():
            if not inspect.signature(self._model.forward).parameters:
                result = self._model.forward()  # graph models: vectors after propagation
                if isinstance(result, tuple) and len(result) >= 2:
                    found.append((result[0], result[1]))
            layers = [getattr(self._model, f"{side}_embedding", None) for side in ("user", "item")]
            if all(isinstance(layer, torch.nn.Embedding) for layer in layers):
                found.append((layers[0].weight, layers[1].weight))  # type: ignore[union-attr]
        return [
            (users.detach().cpu().numpy(), items.detach().cpu().numpy())
            for users, items in found
            if torch.is_tensor(users) and torch.is_tensor(items) and users.dim() == items.dim() == 2
        ]

    def _as_score_table(self) -> Export:
        n_bytes = 4 * self._job.n_users * self._job.n_items
        if n_bytes > self._job.max_table_bytes:
            raise UnsuitableError(
                f"{type(self._model).__name__} can only be served from a table of all scores, which would take "
                f"{n_bytes / 2**30:.1f} GiB here (limit {self._job.max_table_bytes / 2**30:.1f}). Choose an item-item "
                "model (EASE, ItemKNN, SLIMElastic) or a factor model (BPR, LightGCN)"
            )
        scores = np.zeros((self._job.n_users, self._job.n_items), dtype=np.float32)
        scores[np.ix_(self._users, self._items)] = self._scores(np.arange(1, self._dataset.user_num))
        return Export("score_table", {"scores": scores})


def _strongest(weights: np.ndarray[Any, Any], neighbours: int) -> Any:
    """The weights of largest size in each column, the rest zero; a sparse matrix."""
    n = len(weights)
    keep = min(neighbours, n)
    rows = np.argpartition(-np.abs(weights), keep - 1, axis=0)[:keep]
    columns = np.broadcast_to(np.arange(n), rows.shape)
    values = np.take_along_axis(weights, rows, axis=0)
    return scipy.sparse.csr_matrix((values.ravel(), (rows.ravel(), columns.ravel())), shape=(n, n))


def train(job: TrainJob, folder: Path, emit: Emit) -> dict[str, Any]:
    """Choose what is not given on the validation split, train on all interactions, write the artifact."""
    session = Session(job, folder, emit)
    started = time.perf_counter()
    settings, chosen_by = choose(session, job.model, job.settings, emit)
    network, dataset = session.fit_all(job.model, settings)
    export = Exporter(network, dataset, job).export()
    header = ArtifactHeader(
        kind=export.kind,
        model=job.model,
        settings=settings,
        dataset=job.dataset,
        fingerprint=job.fingerprint,
        n_users=job.n_users,
        n_items=job.n_items,
        chosen_by=chosen_by,
        train_seconds=round(time.perf_counter() - started, 2),
    )
    save_artifact(Path(job.output), header, export.arrays)
    return {"kind": export.kind, "settings": settings}


def choose(
    session: Session, model: str, settings: Mapping[str, Any], emit: Emit
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings for training on all interactions, and how they were chosen.

    EASE's regularisation, where not given, by the validation split; for models trained in epochs, the number
    of epochs that was best there.
    """
    config = session.configure(model, settings)
    if model == "EASE" and "reg_weight" not in settings:
        tried = {}
        for number, weight in enumerate(EASE_REG_WEIGHTS):
            fit = session.fit_split(model, {**settings, "reg_weight": weight}, f"EASE, reg_weight {weight:g}")
            tried[weight] = round(fit.valid_score, 4)
            emit({"event": "progress", "label": "EASE: regularisation", "done": number + 1,
                  "total": len(EASE_REG_WEIGHTS), "score": fit.valid_score})
        best = max(tried, key=lambda weight: tried[weight])
        return {**settings, "reg_weight": best}, {f"reg_weight by {VALIDATION_METRIC}": tried}
    if config["MODEL_TYPE"] == ModelType.TRADITIONAL:
        return dict(settings), {}
    fit = session.fit_split(model, settings, model)
    chosen = {f"epochs by {VALIDATION_METRIC}": {fit.best_epoch: round(fit.valid_score, 4)}}
    return {**settings, "epochs": fit.best_epoch}, chosen


def evaluate(job: EvaluateJob, folder: Path, emit: Emit) -> dict[str, Any]:
    """Train on the training split of RecBole's default setting and measure on its test split."""
    session = Session(job, folder, emit)
    settings = dict(job.settings)
    if job.model == "EASE":
        settings, _ = choose(session, job.model, settings, emit)
    fit = session.fit_split(job.model, settings, job.model)
    epochs = fit.trainer.epochs
    result = fit.trainer.evaluate(fit.test_data, load_best_model=epochs > 1, show_progress=False)
    export = Exporter(fit.model, fit.dataset, job).export()
    return {
        "model": job.model,
        "settings": settings,
        "metrics": {name: float(value) for name, value in result.items()},
        "valid_score": fit.valid_score,
        "epochs": fit.best_epoch,
        "train_seconds": round(fit.seconds, 2),
        "kind": export.kind,
        "artifact_bytes": export.n_bytes,
    }


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever RecBole prints must not mix with the events
    sys.argv = ["recbole"]
    warnings.simplefilter("ignore")
    job = parse_job(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def emit(event: Mapping[str, Any]) -> None:
        events.write(json.dumps(event) + "\n")
        events.flush()

    folder = Path.cwd()
    try:
        result = train(job, folder, emit) if isinstance(job, TrainJob) else evaluate(job, folder, emit)
    except UnsuitableError as error:
        emit({"event": "refused", "text": str(error)})
    else:
        emit({"event": "done", "result": result})
    events.close()
    os._exit(0)  # the thread on stdin, and torch's own, have nothing to finish


if __name__ == "__main__":
    main()
