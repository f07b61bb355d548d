"""Interactions that are held out, and NDCG, by which models are compared."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_server.recommender.history_weighting import ALL_ALIKE
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own.validation import Validation, hold_out, ndcg

N_USERS = 40


def test_the_last_interactions_of_each_user_are_held_out(data: LearnedFrom) -> None:
    held = hold_out(data, share=0.25)
    for user in range(N_USERS):
        own = np.flatnonzero(data.user == user)
        newest_first = own[np.argsort(-data.times[own])]
        n = 0 if len(own) < 3 else max(len(own) // 4, 1)
        assert set(newest_first[:n]) == set(own[held[own]])
    by_chance = hold_out(replace(data, times=None), share=0.25)
    assert by_chance.sum() == held.sum()


@settings(max_examples=60)
@given(st.integers(0, 2**31), st.integers(1, 14))
def test_ndcg_is_that_of_a_plain_loop(seed: int, length: int) -> None:
    chance = np.random.default_rng(seed)
    scores = chance.permutation(5 * 12).reshape(5, 12).astype(np.float32)
    wanted = chance.random((5, 12)) < 0.3
    wanted[np.arange(5), chance.integers(0, 12, 5)] = True
    expected = []
    for row, good in zip(scores, wanted, strict=True):
        ranking = np.argsort(-row)[:length]
        gain = sum(1 / np.log2(place + 2) for place, item in enumerate(ranking) if good[item])
        expected.append(gain / sum(1 / np.log2(place + 2) for place in range(min(good.sum(), length, 12))))
    np.testing.assert_allclose(ndcg(scores, scipy.sparse.csr_matrix(wanted), length), expected)


def test_users_are_ranked_in_blocks_as_they_are_at_once(data: LearnedFrom, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = np.random.default_rng(3).normal(size=(data.n_items, data.n_items)).astype(np.float32)
    validation = Validation(data, hold_out(data))
    at_once = validation.ndcg(lambda histories: histories @ weights, ALL_ALIKE)
    monkeypatch.setattr("mcp_server.recommender.training.own.validation.BLOCK_SCORES", 3 * data.n_items)
    np.testing.assert_array_equal(validation.ndcg(lambda histories: histories @ weights, ALL_ALIKE), at_once)


def test_what_was_seen_before_is_never_ranked(data: LearnedFrom) -> None:
    held = hold_out(data)
    validation = Validation(data, held)
    seen = np.zeros((N_USERS, data.n_items), dtype=bool)
    seen[data.user[~held], data.item[~held]] = True
    users = np.unique(data.user[held & data.liked])
    adored = np.where(seen[users], np.float32(1e6), np.float32(0))  # scores that would put them first
    wanted = np.zeros_like(seen)
    wanted[data.user[held & data.liked], data.item[held & data.liked]] = True
    expected = ndcg(np.where(seen[users], -np.inf, 0).astype(np.float32), scipy.sparse.csr_matrix(wanted[users]))
    np.testing.assert_array_equal(validation.ndcg(lambda histories: adored.copy(), ALL_ALIKE), expected)
