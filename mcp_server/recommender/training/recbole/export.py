"""Exporting a model that RecBole has trained as arrays that are served without RecBole."""

import inspect
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse

from mcp_server.recommender.model_arrays import ArtifactKind
from mcp_server.recommender.training.jobs import EvaluateJob, TrainJob
from mcp_server.recommender.training.recbole.compat import own_positions, torch
from mcp_server.recommender.training.recbole.rankings import scores_of
from mcp_server.recommender.training.reporting import UnsuitableError

N_CHECKED_USERS = 64
"""Number of users for whom a form must reproduce RecBole's own scores."""


@dataclass(frozen=True)
class Export:
    """Arrays for serving, by the positions of our catalogue."""

    kind: ArtifactKind
    arrays: dict[str, np.ndarray[Any, Any]]

    @property
    def n_bytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())


class Exporter:
    """Finds the smallest form in which a trained model can be served.

    The name of a model decides nothing. A form is used if it reproduces, for a sample of users, the scores of the
    model's own ``full_sort_predict``.
    """

    def __init__(self, model: Any, dataset: Any, job: TrainJob | EvaluateJob) -> None:
        self._model, self._dataset, self._job = model.eval(), dataset, job
        self._items = own_positions(dataset, dataset.iid_field)
        self._users = own_positions(dataset, dataset.uid_field)

    def export(self) -> Export:
        """Export the model in the first form that reproduces its scores.

        Raises:
            UnsuitableError: The scores are not finite numbers, or need a table that would be too large.
        """
        export = self._as_item_item() or self._as_factors() or self._as_score_table()
        if not all(np.isfinite(array).all() for array in export.arrays.values()):
            raise UnsuitableError(
                f"the scores of {type(self._model).__name__} are not finite numbers: its training does not "
                "converge with these settings. Try others, such as a lower learning_rate"
            )
        return export

    @cached_property
    def _sample(self) -> np.ndarray[Any, Any]:
        n_users = self._dataset.user_num - 1
        return np.unique(np.linspace(1, n_users, min(n_users, N_CHECKED_USERS)).astype(np.int64))

    @cached_property
    def _sample_scores(self) -> np.ndarray[Any, Any]:
        return self._scores(self._sample)

    def _scores(self, users: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """RecBole's own scores, (n_users, n_items) float32, without the padding item."""
        one_by_one = [scores_of(self._model, self._dataset, users[n : n + 1]).numpy() for n in range(len(users))]
        return np.concatenate(one_by_one).astype(np.float32)[:, 1:]

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
        lowest = np.finfo(np.float32).min  # for items that a model never recommends, and scores with minus infinity
        scores[np.ix_(self._users, self._items)] = np.maximum(
            self._scores(np.arange(1, self._dataset.user_num)), lowest
        )
        return Export("score_table", {"scores": scores})


def _strongest(weights: np.ndarray[Any, Any], neighbours: int) -> Any:
    """Keep the largest weights of each column, as a sparse matrix."""
    n = len(weights)
    keep = min(neighbours, n)
    rows = np.argpartition(-np.abs(weights), keep - 1, axis=0)[:keep]
    columns = np.broadcast_to(np.arange(n), rows.shape)
    values = np.take_along_axis(weights, rows, axis=0)
    return scipy.sparse.csr_matrix((values.ravel(), (rows.ravel(), columns.ravel())), shape=(n, n))
