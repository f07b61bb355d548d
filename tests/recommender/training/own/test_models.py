"""Our models for large catalogues: neighbours, factors, and what is known of the items beside them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from mcp_server.recommender.training.jobs import OWN_MODELS
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own.collective_ease import CollectiveEase, Settings
from mcp_server.recommender.training.own.item_knn import KnnSettings
from mcp_server.recommender.training.own.item_knn import fit as fit_neighbours
from mcp_server.recommender.training.own.learned import Learned
from mcp_server.recommender.training.own.least_squares import FactorSettings
from mcp_server.recommender.training.own.least_squares import fit as fit_factors
from mcp_server.recommender.training.own.models import BY_NAME, choose_best, choose_settings
from mcp_server.recommender.training.own.precision import DensePrecision
from mcp_server.recommender.training.own.pruning import prune

Arrays = np.ndarray[Any, Any]


def quiet(*_: object) -> None:
    """Progress that nobody looks at."""


def interactions(data: LearnedFrom) -> Arrays:
    found = np.zeros((data.n_users, data.n_items))
    found[data.user, data.item] = 1
    return found


# Neighbours


def similarities(data: LearnedFrom, settings: KnnSettings) -> Arrays:
    """All of them, by the formula."""
    x = interactions(data)
    weights = np.maximum(x.sum(axis=1), 1) ** -settings.activity
    together = x.T @ np.diag(weights) @ x
    own = np.diag(together)
    scale = np.outer(own**-settings.history_popularity, own**-settings.item_popularity)
    found: Arrays = together * scale
    np.fill_diagonal(found, 0)
    return found


def test_neighbours_are_those_of_the_formula_where_none_is_pruned(data: LearnedFrom) -> None:
    settings = KnnSettings(neighbours=data.n_items, activity=0.4)
    served = fit_neighbours(data, settings, quiet)
    np.testing.assert_allclose(
        served.score(scipy.sparse.identity(data.n_items, dtype=np.float32, format="csr")),
        similarities(data, settings),
        rtol=1e-4,
    )


def test_the_greatest_similarities_towards_each_item_are_kept(data: LearnedFrom) -> None:
    kept = fit_neighbours(data, KnnSettings(neighbours=3), quiet).score(
        scipy.sparse.identity(data.n_items, format="csr")
    )
    every = similarities(data, KnnSettings())
    for item in range(data.n_items):
        best = np.argsort(-every[:, item])[:3]
        np.testing.assert_array_equal(np.flatnonzero(kept[:, item]), np.sort(best))


# Factors


def test_factors_are_a_fixed_point_of_the_two_half_steps(data: LearnedFrom) -> None:
    settings = FactorSettings(factors=4, regularization=0.5, confidence=2.0, iterations=300)
    items = fit_factors(data, settings, quiet).arrays["item_factors"].astype(np.float64)
    x = interactions(data)

    def half_step(fixed: Arrays, rows: Arrays) -> Arrays:
        def solved(row: Arrays) -> Arrays:
            gram = fixed.T @ np.diag(1 + 2.0 * row) @ fixed + 0.5 * np.eye(4)
            return np.linalg.solve(gram, fixed.T @ ((1 + 2.0) * row))

        return np.stack([solved(row) for row in rows])

    users = half_step(items, x)
    np.testing.assert_allclose(half_step(users, x.T), items, atol=0.02)


# Beside what is known of the items


@pytest.fixture(params=sorted(BY_NAME))
def learned(request: pytest.FixtureRequest, data: LearnedFrom) -> Learned:
    """A model in which item 3 has no interactions."""
    part = data.part(np.flatnonzero(data.item != 3))
    return choose_settings(request.param, part, {}, quiet).learn()


def test_contributions_sum_to_the_score(learned: Learned) -> None:
    model, history = learned.recommender(), np.array([0, 5, 7, 11])
    for weights in (None, np.array([1.0, 0.3, 2.0, 0.7], dtype=np.float32)):
        scores = model.score(None, history, weights)
        shares = [model.contributions(history, item, weights) for item in range(len(scores))]
        np.testing.assert_allclose(np.sum(shares, axis=1), scores, rtol=1e-3, atol=1e-5)


def test_new_interactions_change_the_ranking_at_once(learned: Learned) -> None:
    model = learned.recommender()
    before, after = model.score(7, np.array([0, 5])), model.score(7, np.array([0, 5, 9]))
    assert np.abs(after - before).max() > 1e-4


def test_an_item_without_interactions_is_reached_and_speaks_for_others(learned: Learned, data: LearnedFrom) -> None:
    assert learned.cold_items
    model, cold = learned.recommender(), 3
    alike = np.asarray((data.names @ data.names.T).todense()) + data.vectors @ data.vectors.T
    most, least = (int(pick(np.delete(alike[cold], cold))) for pick in (np.argmax, np.argmin))
    most, least = (place + (place >= cold) for place in (most, least))
    assert model.score(None, np.array([most]))[cold] > model.score(None, np.array([least]))[cold]
    assert model.score(None, np.array([cold])).any()


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_without_categories_and_texts_items_without_interactions_are_not_claimed(name: str, data: LearnedFrom) -> None:
    bare = replace(data, names=None, vectors=None)
    found = choose_settings(name, bare.part(np.flatnonzero(bare.item != 3)), {}, quiet).learn()
    assert not found.cold_items
    assert found.recommender().score(None, np.array([0, 5]))[3] == 0


def test_the_better_model_is_learned(data: LearnedFrom) -> None:
    each = {name: choose_settings(name, data, {}, quiet).ndcg for name in ("CKNN", "ALS")}
    best = choose_best(["CKNN", "ALS"], data, {}, quiet)
    assert best.learn().model == max(each, key=lambda name: each[name])
    assert {what.split(":")[0] for what in best.tried} == {"CKNN", "ALS"}


def test_all_models_of_our_own_can_be_named_in_a_job() -> None:
    assert tuple(BY_NAME) == OWN_MODELS


def test_settings_that_are_given_are_kept(data: LearnedFrom) -> None:
    found = choose_settings("ALS", data, {"factors": 5, "content": 0.0}, quiet).learn()
    assert (found.settings["factors"], found.settings["content"]) == (5, 0.0)
    assert found.arrays["item_factors"].shape == (data.n_items, 5)


# Pruned weights


@pytest.mark.parametrize(("most_loss", "kind"), [(1.0, "item_item_sparse"), (-1.0, "item_item")])
def test_weights_are_pruned_where_that_loses_little(
    data: LearnedFrom, monkeypatch: pytest.MonkeyPatch, most_loss: float, kind: str
) -> None:
    for name, value in {"SMALL_ITEMS": 0, "MOST_SHARE": 1, "KEPT": (6,), "MOST_LOSS": most_loss}.items():
        monkeypatch.setattr(f"mcp_server.recommender.training.own.pruning.{name}", value)
    found = choose_settings("CEASE", data, {}, quiet).learn()
    assert found.kind == kind
    if kind == "item_item_sparse":
        assert np.bincount(found.arrays["indices"], minlength=data.n_items).max() == 6


def test_pruned_weights_are_the_strongest_and_all_of_them_where_none_is_pruned(data: LearnedFrom) -> None:
    weights = CollectiveEase(data, np.arange(len(data.user))).weights(Settings())
    assert isinstance(weights.precision, DensePrecision)
    every = weights.score(scipy.sparse.identity(data.n_items, dtype=np.float32, format="csr"))
    np.testing.assert_allclose(prune(weights.precision, weights.scale, data.n_items).toarray(), every, rtol=1e-5)
    kept = prune(weights.precision, weights.scale, 4).toarray()
    for item in range(data.n_items):
        strongest = np.sort(np.argsort(-np.abs(every[:, item]))[:4])
        np.testing.assert_array_equal(np.flatnonzero(kept[:, item]), strongest)
        np.testing.assert_allclose(kept[strongest, item], every[strongest, item], rtol=1e-5)
