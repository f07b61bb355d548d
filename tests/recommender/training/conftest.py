"""Interactions that models are learned from."""

import numpy as np
import pytest
import scipy.sparse

from mcp_server.recommender.training.learned_from import LearnedFrom

N_USERS, N_ITEMS, N_NAMES = 40, 15, 6


@pytest.fixture
def data() -> LearnedFrom:
    """Users with ratings and times, items with names and vectors."""
    chance = np.random.default_rng(7)
    pairs = np.unique(chance.integers(0, (N_USERS, N_ITEMS), size=(260, 2)), axis=0)
    chance.shuffle(pairs)
    ratings = chance.integers(1, 6, len(pairs)).astype(np.float64)
    vectors = chance.normal(size=(N_ITEMS, 8)).astype(np.float32)
    return LearnedFrom(
        n_users=N_USERS,
        n_items=N_ITEMS,
        user=pairs[:, 0],
        item=pairs[:, 1],
        liked=ratings >= 4,
        ratings=ratings,
        times=chance.permutation(len(pairs)),
        middle=3.5,
        names=scipy.sparse.csr_matrix(chance.random((N_ITEMS, N_NAMES)) * (chance.random((N_ITEMS, N_NAMES)) > 0.5)),
        vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
    )
