"""Estimates of the time and memory that a training takes, and the choice of a model that the machine has room for.

How fast this machine multiplies is measured at once on a small matrix; all else is in constants that were measured on
two cores of a server, and is good to a factor of two.
"""

import functools
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from mcp_server.dataset.spec import Nouns
from mcp_server.errors import TrainingError
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own.collective_ease import fit_steps, inverts_rows, stacked_rows
from mcp_server.recommender.training.own.collective_tuning import MOST_STEPS
from mcp_server.recommender.training.own.precision import invert
from mcp_server.recommender.training.own.validation import BLOCK_SCORES, most_users
from mcp_server.recommender.training.own.with_content import MOST_TUNED_PAIRS

MOST_DENSE_ITEMS = 12_000
"""Items up to which the matrix of items is inverted: 576 MB, several times."""

MOST_LOW_RANK_NUMBERS = 100_000_000
"""Numbers of the low-rank form up to which it is served: 400 MB, which are multiplied at each call."""

SAMPLED_MATRIX = 700
"""Rows and columns of the matrix that is inverted to see how fast this machine is."""

SAMPLES = 4
"""Times that it is inverted."""

GAIN_PER_CORE, MOST_CORES = 0.8, 8
"""The gain in speed of an inversion by each core, and the number of cores up to which there is one."""

RANKED_PER_SECOND = 20e6
"""Scores that are ranked when a model is measured on the validation split."""

MULTIPLIED_PER_SECOND = 60e6
"""Products of two interactions of a user that are summed up while neighbours are sought."""

SOLVED_PER_SECOND = 80e6
"""Interactions times factors of one iteration of alternating least squares."""

START_SECONDS = 2.0
"""Time in which SciPy is loaded and the data is handed over."""

FITS, FEW_FITS, TRIALS = 18, 4, 28
"""Fits of CEASE with the choice of all its settings, or of few of them; and settings by which users are ranked."""

RECBOLE_SECONDS = 6.0
"""Time in which PyTorch and RecBole are loaded."""

RECBOLE_BYTES = 900e6
"""Memory of PyTorch and RecBole."""

BASE_BYTES = 300e6
"""Memory of Python and its libraries."""

PAIR_BYTES = 150
"""Memory of an interaction while a model is learned from it."""

SHARE_OF_FREE = 0.9
"""Share of the free memory that a training may take."""

CONTROL_GROUP = Path("/sys/fs/cgroup")
"""Folder in which Linux says how much memory a container may use."""

FORMS = {
    "CEASE": "collective EASE",
    "CKNN": "sparse item-item (CKNN)",
    "ALS": "factors (ALS)",
}
"""Our own models in the words that are said before they are trained."""


@dataclass(frozen=True)
class Shape:
    """The size of what is learned from."""

    n_items: int
    n_users: int
    n_pairs: int
    n_rows: int
    """Rows that collective EASE stacks."""
    n_products: int
    """Pairs of items that a user has, summed over users."""

    @classmethod
    def of(cls, data: LearnedFrom) -> "Shape":
        """The size of data."""
        n_each = np.bincount(data.user).astype(np.int64)
        n_users = int(np.count_nonzero(n_each))
        return cls(data.n_items, n_users, len(data.user), stacked_rows(n_users, data), int((n_each**2).sum()))

    def __str__(self) -> str:
        return f"{self.n_users:,} users, {self.n_items:,} items, {self.n_pairs:,} interactions"

    @property
    def n_ranked(self) -> int:
        """Scores that are ranked when a model is measured once."""
        return self.n_items * min(self.n_users, most_users(self.n_items))


@dataclass(frozen=True)
class Cost:
    """The time and memory of a training."""

    seconds: float
    n_bytes: float

    def __str__(self) -> str:
        memory = f"{self.n_bytes / 1e9:.1f} GB" if self.n_bytes >= 1e9 else f"{self.n_bytes / 1e6:.0f} MB"
        return f"about {_duration(self.seconds)} and {memory}"

    def and_then(self, other: "Cost") -> "Cost":
        """The cost of two trainings, one after the other."""
        return Cost(self.seconds + other.seconds, max(self.n_bytes, other.n_bytes))


@dataclass(frozen=True)
class Plan:
    """The models to compare, of which the better one is served."""

    models: tuple[str, ...]
    sentence: str
    """A sentence about the training and its cost."""


def cost_of(model: str, shape: Shape) -> Cost | None:
    """The cost of training a model; None where nobody has measured it."""
    data = BASE_BYTES + PAIR_BYTES * shape.n_pairs
    ranking = shape.n_ranked / RANKED_PER_SECOND
    n_fits = 12 if shape.n_pairs <= MOST_TUNED_PAIRS else 2
    if model == "CEASE":
        return Cost(START_SECONDS + _collective_seconds(shape) + TRIALS * ranking, data + _collective_bytes(shape))
    if model == "CKNN":
        fit = shape.n_products / MULTIPLIED_PER_SECOND + shape.n_pairs / 5e6
        return Cost(START_SECONDS + n_fits * (0.3 * fit + 2 * ranking) + fit, data + 1_600 * shape.n_items)
    if model == "ALS":
        fit = 12 * 64 * (2 * shape.n_pairs + 10 * (shape.n_users + shape.n_items)) / (40 * SOLVED_PER_SECOND)
        return Cost(START_SECONDS + n_fits * (fit + 2 * ranking), data + 600 * (shape.n_users + shape.n_items))
    return _recbole_cost(model, shape)


def _recbole_cost(model: str, shape: Shape) -> Cost | None:
    thousands, reading = shape.n_items / 1_000, 1.5 + 1e-5 * shape.n_pairs
    data = RECBOLE_BYTES + 2 * PAIR_BYTES * shape.n_pairs
    found = {
        "EASE": (8 * (reading + 0.1 * thousands**3), 16.0 * shape.n_items**2),  # eight fits, each with an inverse
        "ItemKNN": (reading + 1e-8 * shape.n_items * shape.n_pairs, 1_600.0 * shape.n_items),
        "SLIMElastic": (reading + 3.5e-11 * shape.n_items**2 * shape.n_pairs, 4.0 * shape.n_items**2),
        "ADMMSLIM": (reading + 3 * thousands**3, 32.0 * shape.n_items**2),
        "BPR": (reading + 3e-4 * shape.n_pairs, 1_000.0 * (shape.n_items + shape.n_users)),
        "Pop": (reading, 0.0),
    }.get(model)
    return None if found is None else Cost(RECBOLE_SECONDS + found[0], data + found[1])


def plan(shape: Shape, nouns: Nouns, free: float) -> Plan:
    """Choose the models for some data, by its size and by the memory that is free.

    Raises:
        TrainingError: None of them has room.
    """
    candidates = ("CEASE",) if collective_fits(shape) else ()
    for models in (candidates, ("CKNN", "ALS"), ("CKNN",), ("ALS",)):
        costs = [cost for model in models if (cost := cost_of(model, shape)) is not None]
        if costs and all(cost.n_bytes <= SHARE_OF_FREE * free for cost in costs):
            form = " or ".join(FORMS[model] for model in models)
            both = ", whichever ranks better" if len(models) > 1 else ""
            cost = functools.reduce(Cost.and_then, costs)
            return Plan(models, f"{shape.n_items:,} {nouns.items}: {form}{both}; {cost}")
    least = cost_of("CKNN", shape)
    raise TrainingError(
        f"{shape.n_items:,} {nouns.items} and {shape.n_pairs:,} {nouns.interactions}: training takes {least}, and "
        f"{free / 1e9:.1f} GB of memory are free. Free some, or use a machine with more"
    )


def check_room(model: str, shape: Shape, free: float) -> None:
    """Check that a model of ours that a user names has room.

    Raises:
        TrainingError: It has not; the text says what it would take.
    """
    cost = cost_of(model, shape)
    assert cost is not None
    if cost.n_bytes > SHARE_OF_FREE * free:
        raise TrainingError(
            f"{model} takes {cost} for {shape.n_items:,} items, and {free / 1e9:.1f} GB of memory are free. "
            "`--model auto` chooses what has room"
        )


def collective_fits(shape: Shape) -> bool:
    """True if collective EASE can be trained and served at this size in reasonable time."""
    if inverts_rows(shape.n_rows, shape.n_items):
        return shape.n_rows <= MOST_DENSE_ITEMS and shape.n_rows * shape.n_items <= MOST_LOW_RANK_NUMBERS
    return shape.n_items <= MOST_DENSE_ITEMS


def free_memory() -> float:
    """Bytes of memory that are free for a training: of the machine or, where that is less, of this container."""
    free = float(psutil.virtual_memory().available)
    try:
        most = (CONTROL_GROUP / "memory.max").read_text(encoding="ascii").strip()
        used = int((CONTROL_GROUP / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):  # another system, or no control groups of version 2
        return free
    return free if most == "max" else min(free, float(max(int(most) - used, 0)))


def _collective_seconds(shape: Shape) -> float:
    steps = fit_steps(shape.n_rows, shape.n_items)
    return (FITS if steps <= MOST_STEPS else FEW_FITS) * steps / _steps_per_second()


def _collective_bytes(shape: Shape) -> float:
    ranked = 12.0 * BLOCK_SCORES
    if inverts_rows(shape.n_rows, shape.n_items):
        return ranked + 4.0 * (3 * shape.n_rows * shape.n_items + 2 * shape.n_rows**2)
    return ranked + 16.0 * shape.n_items**2


@functools.cache
def _steps_per_second() -> float:
    """The speed of this machine: multiplications of an inversion per second.

    One thread is measured, at the best of several times: where other programs keep the cores busy, several threads
    that wait for each other take a hundred times as long for a small matrix.
    """
    with threadpool_limits(1, "blas"):
        seconds = min(_seconds_of_sample() for _ in range(SAMPLES))
    return float(SAMPLED_MATRIX**3 / seconds) * max(1.0, GAIN_PER_CORE * min(os.cpu_count() or 1, MOST_CORES))


def _seconds_of_sample() -> float:
    matrix = np.eye(SAMPLED_MATRIX, dtype=np.float32) + np.float32(0.01)
    began = time.perf_counter()
    invert(matrix)
    return time.perf_counter() - began


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
