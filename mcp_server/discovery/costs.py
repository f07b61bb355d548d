"""Estimates of what preparing a dataset costs: time, memory and disk.

How fast this machine embeds and multiplies is measured at once on small samples; all else is in constants that were
measured on 2 cores of a server, and is good to a factor of two.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mcp_server.dataset.records import Dataset
from mcp_server.recommender.training.collective_ease import MOST_KEPT_ITEMS, invert
from mcp_server.recommender.training.collective_tuning import MOST_USERS
from mcp_server.recommender.training.jobs import COLLECTIVE, fitting_model
from mcp_server.types import FloatArray
from mcp_server.vectors.embedder import Embedder
from mcp_server.vectors.texts import item_texts

N_SAMPLED_TEXTS = 24

SAMPLED_MATRIX = 700
"""Rows and columns of the matrix that is inverted to see how fast this machine is."""

READ_ROWS_PER_SECOND = 400_000
"""Rows of CSV that are read and checked."""

LOADED_ROWS_PER_SECOND = 100_000
"""Rows that are written into the catalogue."""

EASE_FITS = 8
"""EASE is fitted with seven values of its regularisation, then once with the best of them."""

COLLECTIVE_FITS, FEW_COLLECTIVE_FITS = 20, 2
"""CEASE is fitted with some twenty settings in a small catalogue; in others with the usual ones, then for serving."""

COLLECTIVE_TRIALS = 30
"""Settings of CEASE by which the validation is ranked."""

COLLECTIVE_MATRICES = 4
"""Matrices of items by items that CEASE keeps at a time, at least."""

RANKED_PER_SECOND = 20e6
"""Scores that are ranked when a model is measured on the validation split."""

TRAINING_START_SECONDS = 8.0
"""Time in which PyTorch and RecBole are loaded and the interactions are divided."""

COLLECTIVE_START_SECONDS = 1.0
"""Time in which SciPy is loaded and the data is handed over."""

BYTES_PER_INTERACTION = 90
"""Bytes of an interaction in the catalogue, with its indexes."""

BYTES_PER_VECTOR = 4_500
"""Bytes of an embedded text: its vector in the store and in the cache of vectors."""

STORE_BYTES = 140e6
"""Bytes of a vector store that is nearly empty: the engine allots its files in advance."""

BASE_MEMORY = 600e6
"""Memory of PyTorch, the embedding model and the reading."""

LARGEST_DENSE = 20_000
"""Items beyond which weights between items are kept sparse."""

SPARSE_WEIGHTS = 200
"""Weights that are kept of each item in that case."""


@dataclass(frozen=True)
class Costs:
    """Costs of a whole preparation, if nothing of it has been done before."""

    model: str
    seconds: dict[str, float]
    """By step: reading, loading, embedding, training. None is known for the training of models but CEASE and EASE."""
    n_texts: int
    texts_per_second: float
    memory_bytes: float
    disk_bytes: float

    @property
    def total_seconds(self) -> float:
        return sum(self.seconds.values())


def estimate(dataset: Dataset, n_rows: int, embedder: Embedder) -> Costs:
    """Estimate the costs of preparing a dataset.

    Args:
        n_rows: Rows of all sources.
    """
    texts = item_texts(dataset)
    pieces = list(dict.fromkeys(piece for text in texts for piece in [text.whole, *text.sentences]))
    speed = _texts_per_second(pieces, embedder)
    n_items, n_users = len(np.unique(dataset.interactions.item)), len(np.unique(dataset.interactions.user))
    n_interactions, model = len(dataset.interactions), fitting_model(dataset.spec.model.name, len(dataset.items))
    seconds = {
        "reading": n_rows / READ_ROWS_PER_SECOND,
        "loading": (n_interactions + len(dataset.items)) / LOADED_ROWS_PER_SECOND,
        "embedding": len(pieces) / speed if pieces else 0.0,
    }
    if model == "EASE":
        seconds["training"] = ease_seconds(n_items, n_users)
    elif model == COLLECTIVE:
        seconds["training"] = collective_seconds(len(dataset.items), n_users)
    dense = n_items**2 if n_items <= LARGEST_DENSE else 2 * SPARSE_WEIGHTS * n_items
    vectors = STORE_BYTES + BYTES_PER_VECTOR * (len(pieces) + len(texts)) if pieces else 0.0
    return Costs(
        model=model,
        seconds=seconds,
        n_texts=len(pieces),
        texts_per_second=speed,
        memory_bytes=BASE_MEMORY + _memory_of_training(model, n_items, len(dataset.items)),
        disk_bytes=4.0 * dense + BYTES_PER_INTERACTION * (n_interactions + len(dataset.items)) + vectors,
    )


def _memory_of_training(model: str, n_ranked: int, n_items: int) -> float:
    if model == "EASE":
        return ease_memory(n_ranked)
    return 4.0 * COLLECTIVE_MATRICES * n_items**2 if model == COLLECTIVE else 0.0


def ease_memory(n_items: int) -> float:
    """Bytes that EASE needs: the matrix of items, its inverse, and copies, of n² float32 each."""
    return 2.0 * n_items**2 * 8


def ease_seconds(n_items: int, n_users: int) -> float:
    """Time to train EASE: an inversion takes n³ steps, and ranking takes one for each user and item."""
    inversion = _seconds_of_sample(np.linalg.inv) * (n_items / SAMPLED_MATRIX) ** 3
    ranking = n_items * n_users / RANKED_PER_SECOND
    return TRAINING_START_SECONDS + EASE_FITS * (inversion + ranking)


def collective_seconds(n_items: int, n_users: int) -> float:
    """Time to train CEASE, whose matrices have all items, and whose settings are compared by some of the users."""
    inversion = _seconds_of_sample(invert) * (n_items / SAMPLED_MATRIX) ** 3
    ranking = n_items * min(n_users, MOST_USERS) / RANKED_PER_SECOND
    n_fits = COLLECTIVE_FITS if n_items <= MOST_KEPT_ITEMS else FEW_COLLECTIVE_FITS
    return COLLECTIVE_START_SECONDS + n_fits * inversion + COLLECTIVE_TRIALS * ranking


def _seconds_of_sample(invert_: Callable[[FloatArray], FloatArray]) -> float:
    matrix = np.eye(SAMPLED_MATRIX, dtype=np.float32) + np.float32(0.01)
    began = time.perf_counter()
    invert_(matrix)
    return time.perf_counter() - began


def _texts_per_second(pieces: list[str], embedder: Embedder) -> float:
    """The speed of the embedding model, measured on a few of the texts."""
    if not pieces:
        return 0.0
    sample = sorted(pieces, key=len)[:: max(1, len(pieces) // N_SAMPLED_TEXTS)][:N_SAMPLED_TEXTS]
    embedder.embed_query("a test")  # loads the model
    began = time.perf_counter()
    embedder.embed(sample, lambda n: None)
    return len(sample) / (time.perf_counter() - began)
