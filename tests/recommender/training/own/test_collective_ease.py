"""Collective EASE: its closed form, what it is compared by, and how it ranks."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from mcp_server.catalog.liked_history import LikedHistory
from mcp_server.errors import TrainingError
from mcp_server.recommender.artifact import ServedIds, load_artifact, read_header
from mcp_server.recommender.ranker import Ranker
from mcp_server.recommender.training.jobs import TrainJob, run_job
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own.collective_ease import CollectiveEase, ItemWeights, Settings
from mcp_server.recommender.training.own.collective_tuning import choose
from mcp_server.recommender.training.own.precision import BLOCK, DensePrecision, LowRankPrecision, invert
from mcp_server.recommender.training.trainable import trainable
from tests.conftest import SHOP
from tests.reading.records import read_folder

N_USERS, N_ITEMS, N_NAMES = 40, 15, 6


def quiet(*_: object) -> None:
    """Progress that nobody looks at."""


def whole(weights: ItemWeights) -> np.ndarray[Any, Any]:
    """All weights: the scores of histories of one item each."""
    return weights.score(scipy.sparse.identity(N_ITEMS, dtype=np.float32, format="csr"))


# The closed form


def test_weights_are_those_of_the_closed_form(data: LearnedFrom) -> None:
    chosen = Settings(activity=0.5, co_liking=0.3, categories=0.7, texts=0.6, regularization=3.0, sharpness=0.9)
    x, q = np.zeros((N_USERS, N_ITEMS)), np.zeros((N_USERS, N_ITEMS))
    x[data.user, data.item], q[data.user, data.item] = 1, data.ratings - 3.5
    n_each = x.sum(axis=1)
    w = np.where(n_each > 0, (np.maximum(n_each, 1) / n_each[n_each > 0].mean()) ** -0.5, 0)
    first = x.T @ np.diag(w) @ x
    mu = np.diag(first).mean()
    names, vectors = data.names.toarray(), data.vectors
    gram = first + 0.3 * q.T @ np.diag(w) @ q + mu * (0.7 * names @ names.T + 0.6 * vectors @ vectors.T)
    inverse = np.linalg.inv(gram + 3.0 * mu * np.eye(N_ITEMS))
    expected = -inverse / np.diag(inverse)[None, :] ** 0.9
    np.fill_diagonal(expected, 0)
    model = CollectiveEase(data, np.arange(len(data.user)))
    np.testing.assert_allclose(whole(model.weights(chosen)), expected, rtol=1e-3, atol=1e-6)
    model.weights(Settings())  # what is kept for other settings changes nothing
    np.testing.assert_allclose(whole(model.weights(chosen)), expected, rtol=1e-3, atol=1e-6)


def test_of_large_catalogues_nothing_is_kept_and_the_weights_are_the_same(
    data: LearnedFrom, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.arange(len(data.user))
    kept = whole(CollectiveEase(data, rows).weights(Settings()))
    monkeypatch.setattr("mcp_server.recommender.training.own.collective_ease.MOST_KEPT_ITEMS", N_ITEMS - 1)
    np.testing.assert_array_equal(whole(CollectiveEase(data, rows).weights(Settings())), kept)


def test_either_side_of_the_matrix_gives_the_same_weights(data: LearnedFrom, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.flatnonzero(data.item != 3)  # and one item without interactions
    by_items = CollectiveEase(data, rows).weights(Settings())
    monkeypatch.setattr("mcp_server.recommender.training.own.collective_ease.ROWS_SHARE", 100)
    by_rows = CollectiveEase(data, rows).weights(Settings())
    assert isinstance(by_items.precision, DensePrecision)
    assert isinstance(by_rows.precision, LowRankPrecision)
    np.testing.assert_allclose(whole(by_rows), whole(by_items), rtol=2e-3, atol=1e-5)


def test_an_item_without_interactions_is_reached_by_what_is_known_of_it(data: LearnedFrom) -> None:
    rows = np.flatnonzero(data.item != 3)
    model = CollectiveEase(data, rows)
    plain, doubled = (whole(model.weights(Settings(cold_items=factor))) for factor in (1.0, 2.0))
    assert np.abs(plain[:, 3]).max() > 0
    np.testing.assert_allclose(doubled[:, 3], 2 * plain[:, 3], rtol=1e-5)
    others = np.arange(N_ITEMS) != 3
    np.testing.assert_array_equal(doubled[:, others], plain[:, others])
    bare = replace(data, names=None, vectors=None)
    assert not whole(CollectiveEase(bare, rows).weights(Settings().for_data(bare)))[:, 3].any()


@pytest.mark.parametrize("n", [1, 7, BLOCK, BLOCK + 300])
def test_inverses_are_whole(n: int) -> None:
    root = np.random.default_rng(n).normal(size=(n, n)).astype(np.float32)
    matrix = root @ root.T / n + np.eye(n, dtype=np.float32)
    inverse = invert(matrix.copy())
    np.testing.assert_allclose(inverse @ matrix, np.eye(n), atol=2e-3)
    np.testing.assert_array_equal(inverse, inverse.T)


def test_what_is_no_gram_matrix_is_refused() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        invert(-np.eye(3, dtype=np.float32))


# What is learned from


def test_what_is_learned_from_is_handed_over_whole(data: LearnedFrom, tmp_path: Path) -> None:
    data.save(tmp_path)
    found = LearnedFrom.load(tmp_path)
    for name, value in vars(data).items():
        if name == "names":
            assert (found.names != data.names).nnz == 0
        else:
            np.testing.assert_array_equal(getattr(found, name), value)
    replace(data, ratings=None, times=None, names=None, vectors=None).save(tmp_path)
    found = LearnedFrom.load(tmp_path)
    assert (found.ratings, found.times, found.names, found.vectors) == (None, None, None, None)


def test_names_that_several_products_share_are_learned_from() -> None:
    dataset = read_folder(SHOP)
    found = LearnedFrom.of(dataset, dataset.interactions, None)
    lengths = np.sqrt(np.asarray(found.names.multiply(found.names).sum(axis=1)).ravel())
    np.testing.assert_allclose(lengths[lengths > 0], 1, rtol=1e-6)
    assert (found.ratings, found.times, found.vectors) == (None, None, None)
    assert Settings().for_data(found) == Settings(co_liking=0, per_rating=0, recency=0, texts=0)


# The choice of settings


def test_settings_that_are_given_stay_and_others_are_tried(data: LearnedFrom) -> None:
    choice = choose(data, {"texts": 0.7, "recency": 0.0}, quiet)
    settings = choice.learn().settings
    assert (settings["texts"], settings["recency"]) == (0.7, 0.0)
    assert not any(name.startswith(("texts", "recency")) for name in choice.tried)
    assert {"defaults", "co_liking 0", "regularization 32"} <= choice.tried.keys()


def test_without_anything_to_compare_by_the_defaults_stay(data: LearnedFrom) -> None:
    few = data.part(np.unique(data.user, return_index=True)[1])  # one interaction of each user
    assert choose(few, {}, quiet).learn().settings == vars(Settings())
    nothing_liked = replace(data, liked=np.zeros_like(data.liked))
    assert choose(nothing_liked, {}, quiet).tried == {}


# Trained and served


@pytest.fixture(scope="module")
def rated_shop(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The corner shop, where a customer rates the products of two departments."""
    folder = tmp_path_factory.mktemp("rated")
    for file in SHOP.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    with (folder / "dataset.yaml").open("a", encoding="utf-8") as stream:
        stream.write("  rating: stars\n  like_threshold: 4\n")
    header, *lines = (folder / "purchases.csv").read_text(encoding="utf-8").splitlines()
    rated = [f"{header},stars", *(f"{line},{number % 5 + 1}" for number, line in enumerate(lines))]
    (folder / "purchases.csv").write_text("\n".join(rated) + "\n", encoding="utf-8")
    return read_folder(folder)


Train = Callable[..., Ranker]


@pytest.fixture
def train(rated_shop: Any, tmp_path: Path) -> Train:
    """Trains on the shop in a process of its own, and opens the artifact."""

    def trained(**given: float) -> Ranker:
        output, scratch = tmp_path / "artifact", tmp_path / "scratch"
        output.mkdir()
        scratch.mkdir()
        n_users, n_items = len(rated_shop.users), len(rated_shop.items)
        job = TrainJob(
            model="CEASE", settings=given, n_users=n_users, n_items=n_items, dataset="shop", fingerprint="f",
            output=str(output),
        )  # fmt: skip
        interactions = trainable(rated_shop.interactions, "ratings")
        run_job(job, interactions, scratch, quiet, lambda: LearnedFrom.of(rated_shop, interactions, None))
        served = ServedIds(n_items, n_users, {}, lambda side: [])
        return Ranker(load_artifact(output, fingerprint="f", served=served), read_header(output).history)

    return trained


def test_contributions_of_a_history_sum_to_the_score(train: Train, rated_shop: Any) -> None:
    ranker = train(per_rating=0.2)
    history = LikedHistory(np.array([0, 5, 7]), np.array([5.0, 4.0, 4.0]))
    scores = ranker.scores(None, history)
    alone = [ranker.scores(None, LikedHistory(history.items[:n], history.ratings[:n])) for n in range(4)]
    assert not alone[0].any()
    np.testing.assert_allclose(alone[3], scores)
    for item in range(len(scores)):
        reasons = ranker.reasons(history, item, 3)
        shares = [float(after[item] - before[item]) for before, after in itertools.pairwise(alone)]
        speaking = sorted((place for place in range(3) if shares[place] > 1e-7), key=lambda place: -shares[place])
        assert reasons is not None
        assert set(reasons) >= {int(history.items[place]) for place in speaking}
        assert all(shares[history.items.tolist().index(reason)] > -1e-7 for reason in reasons)


def test_ratings_weigh_in_a_history(train: Train) -> None:
    ranker = train(per_rating=0.2)
    items = np.array([0, 5])
    of_first = ranker.scores(None, LikedHistory(items, np.array([5.0, 4.0])))
    of_second = ranker.scores(None, LikedHistory(items, np.array([4.0, 5.0])))
    each = [ranker.scores(None, LikedHistory(items[n : n + 1])) for n in range(2)]
    middle = (3 + 4) / 2
    of_five, of_four = 1 + 0.2 * (5 - middle), 1 + 0.2 * (4 - middle)
    np.testing.assert_allclose(of_first, of_five * each[0] + of_four * each[1], atol=1e-6)
    np.testing.assert_allclose(of_second, of_four * each[0] + of_five * each[1], atol=1e-6)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reg_weight": 100.0}, "CEASE has no setting 'reg_weight'.*Its own settings are: activity, categories"),
        ({"epochs": 3.0}, "CEASE has no setting 'epochs'"),
        ({"texts": -1.0}, "texts is a number from 0 on; -1 is not"),
        ({"regularization": 0.0}, "regularization is a number above 0; 0 is not"),
    ],
)
def test_wrong_settings_are_named(train: Train, given: dict[str, float], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        train(**given)


def test_a_training_that_fails_says_so_by_the_models_name(train: Train) -> None:
    with pytest.raises(TrainingError, match=r"training CEASE .*invert a matrix that has no inverse"):
        train(regularization=1e-9, categories=1e9, activity=0.0)
