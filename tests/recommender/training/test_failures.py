"""Sentences about trainings that fail: real ones, on tiny data."""

import contextlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from mcp_server.dataset.records import Interactions
from mcp_server.errors import TrainingError
from mcp_server.recommender.training.failures import explain_failure
from mcp_server.recommender.training.jobs import EvaluateJob, run_job

N_USERS, N_ITEMS = 40, 25


def _interactions(pairs: set[tuple[int, int]]) -> Interactions:
    user, item = np.array(sorted(pairs), dtype=np.int64).T
    return Interactions(user, item, None, None, None, np.ones(len(user), dtype=bool))


@pytest.fixture
def interactions() -> Interactions:
    drawn = np.random.default_rng(0).integers(0, (N_USERS, N_ITEMS), size=(400, 2))
    return _interactions({(int(user), int(item)) for user, item in drawn})


def _failure(folder: Path, interactions: Interactions, model: str, settings: dict[str, Any]) -> str:
    job = EvaluateJob(model=model, settings=settings, n_users=N_USERS, n_items=N_ITEMS)
    with pytest.raises(TrainingError) as failed:
        run_job(job, interactions, folder, lambda *event: None)
    return str(failed.value)


@pytest.mark.parametrize(
    ("model", "settings", "said"),
    [
        (
            "BPR",
            {"embedding_size": 2**31},
            "training BPR takes more memory than there is: choose a model that takes less",
        ),
        (
            "MultiVAE",
            {"learning_rate": 1e12, "epochs": 20},
            "training MultiVAE does not converge with these settings, because its loss is no number: try others, such "
            "as a lower learning_rate",
        ),
        (
            "EASE",
            {"reg_weight": 0},
            "training EASE has to invert a matrix that has no inverse: set more regularisation",
        ),
        (
            "DGCF",
            {"epochs": 1},
            "training DGCF draws more users or items at a time than there are: set a lower train_batch_size, at which "
            "it draws fewer",
        ),
        (
            "DGCF",
            {"epochs": 1, "n_factors": 3},
            "training DGCF failed in RecBole with epochs=1, n_factors=3 (AssertionError): change these settings",
        ),
    ],
)
def test_an_error_of_a_library_is_said_in_words_of_the_user(
    tmp_path: Path, interactions: Interactions, model: str, settings: dict[str, Any], said: str
) -> None:
    assert _failure(tmp_path, interactions, model, settings) == said


@pytest.mark.skipif(importlib.util.find_spec("faiss") is not None, reason="faiss is installed")
def test_a_package_that_a_model_needs_is_named(tmp_path: Path, interactions: Interactions) -> None:
    said = _failure(tmp_path, interactions, "NCL", {})
    assert said == "training NCL needs the package faiss, which is not installed: pip install faiss-cpu"


def test_the_remedy_for_what_draws_too_much_helps(tmp_path: Path, interactions: Interactions) -> None:
    job = EvaluateJob(model="DGCF", settings={"epochs": 1, "train_batch_size": 100}, n_users=N_USERS, n_items=N_ITEMS)
    assert run_job(job, interactions, tmp_path, lambda *event: None)["model"] == "DGCF"


def test_nothing_can_be_measured_where_nobody_has_two_interactions(tmp_path: Path) -> None:
    single = _interactions({(user, user % N_ITEMS) for user in range(N_USERS)})
    assert "no user has two interactions" in _failure(tmp_path, single, "ItemKNN", {})


def test_a_process_that_is_ended_from_outside_is_not_said_to_be_recboles_failure(
    tmp_path: Path, interactions: Interactions
) -> None:
    def kill(*event: object) -> None:
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.ZombieProcess):  # events that it had sent before are still on their way
                if any("child_process" in word for word in child.cmdline()):
                    child.kill()

    job = EvaluateJob(model="BPR", settings={"epochs": 1000}, n_users=N_USERS, n_items=N_ITEMS)
    with pytest.raises(TrainingError, match=r"training BPR ended without a word.* memory"):
        run_job(job, interactions, tmp_path, kill)


@pytest.mark.parametrize(
    ("last_words", "said"),
    [
        (
            "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 1.16 TiB for an array with shape "
            "(400000, 400000) and data type float64",
            "training SLIM takes more memory than there is (1.16 TiB at once): choose a model that takes less",
        ),
        ("MemoryError", "training SLIM takes more memory than there is: choose a model that takes less"),
        (
            "ModuleNotFoundError: No module named 'scipy.sparse'",
            "training SLIM needs the package scipy, which is not installed: pip install 'recsys-mcp[train]'",
        ),
        (
            "OSError: [Errno 28] No space left on device",
            "training SLIM needs more space than there is on the disk of the state folder",
        ),
        (
            "IndexError: list index out of range",
            "training SLIM failed in RecBole (IndexError: list index out of range): this model does not suit these "
            "interactions, another one may",
        ),
    ],
)
def test_what_cannot_be_made_to_fail_here_is_told_by_its_words(last_words: str, said: str) -> None:
    assert explain_failure("SLIM", {}, last_words, where=" in RecBole") == said
