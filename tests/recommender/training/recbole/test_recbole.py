"""Training with RecBole: what is served ranks as RecBole itself would, and RecBole leaves nothing behind."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcp_server.dataset.records import Dataset, Interactions
from mcp_server.dataset.spec import find_spec_file
from mcp_server.errors import InvalidInputError, TrainingError
from mcp_server.reading.files import DatasetFiles
from mcp_server.recommender.artifact import ServedIds, load_artifact, read_header
from mcp_server.recommender.model import Recommender
from mcp_server.recommender.ranker import rank
from mcp_server.recommender.training.jobs import TrainJob, run_job, write_interactions
from tests.conftest import SHOP, Rating
from tests.reading.records import read_dataset

FINGERPRINT = "f00d"


@dataclass
class Trained:
    """A job that has run."""

    folder: Path
    """Folder of the artifact."""
    result: dict[str, Any]
    n_users: int
    n_items: int
    events: list[tuple[str, int, int, float | None]] = field(default_factory=list)

    @property
    def model(self) -> Recommender:
        served = ServedIds(self.n_items, self.n_users, {}, lambda side: [])
        return load_artifact(self.folder, fingerprint=FINGERPRINT, served=served)


def _train(folder: Path, interactions: Interactions, n_users: int, n_items: int, model: str, **options: Any) -> Trained:
    output, scratch = folder / "artifact", folder / "scratch"
    output.mkdir()
    scratch.mkdir()
    job = TrainJob(
        model=model,
        n_users=n_users,
        n_items=n_items,
        dataset="any",
        fingerprint=FINGERPRINT,
        output=str(output),
        **options,
    )
    events: list[tuple[str, int, int, float | None]] = []
    result = run_job(job, interactions, scratch, lambda *event: events.append(event))
    return Trained(output, result, n_users, n_items, events)


def _histories(interactions: Interactions, n_users: int) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
    """Each user's items, once."""
    items: list[set[int]] = [set() for _ in range(n_users)]
    for user, item in zip(interactions.user.tolist(), interactions.item.tolist(), strict=True):
        items[user].add(item)
    return [np.array(sorted(history), dtype=np.int64) for history in items]


# MovieLens: the same ten films as RecBole's own full ranking


@pytest.fixture(scope="module")
def movielens() -> Dataset:
    return read_dataset(DatasetFiles.find(find_spec_file("ml-100k"), None))


# Trains as the job does, then ranks with the model's own full_sort_predict.
RECBOLE_RANKING = """
import json, sys
from pathlib import Path

request = json.load(sys.stdin)
sys.argv = ["recbole"]
from mcp_server.recommender.training.recbole.process import Session, TrainJob
import numpy as np, torch
from recbole.data.interaction import Interaction

job = TrainJob(model="", n_users=0, n_items=0, dataset="any", fingerprint="", output="")
answer = {}
for model, settings in request["models"].items():
    network, dataset = Session(job, Path.cwd(), lambda event: None).fit_all(model, settings)
    network.eval()
    seen = dataset.inter_matrix(form="csr")
    users = dataset.id2token(dataset.uid_field, np.arange(1, dataset.user_num))
    top = {}
    for number, user in enumerate(users, start=1):
        with torch.no_grad():
            scores = network.full_sort_predict(Interaction({dataset.uid_field: torch.tensor([number])}))
        scores = scores.reshape(-1)[: dataset.item_num].clone()
        scores[0] = scores[seen[number].indices] = -torch.inf
        best = torch.topk(scores, 10).indices.numpy()
        top[user] = [int(item) for item in dataset.id2token(dataset.iid_field, best)]
    answer[model] = top
Path("ranking.json").write_text(json.dumps(answer))
"""

MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "EASE": ("item_item", {"reg_weight": 300}),
    "BPR": ("factors", {"epochs": 3}),
}


@pytest.fixture(scope="module")
def trained(movielens: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    """Both models, trained on all of MovieLens."""
    sizes = (len(movielens.users), len(movielens.items))
    return {
        model: _train(tmp_path_factory.mktemp(model), movielens.interactions, *sizes, model, settings=MODELS[model][1])
        for model in MODELS
    }


@pytest.fixture(scope="module")
def recboles(
    movielens: Dataset, trained: dict[str, Trained], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, list[int]]]:
    """RecBole's best ten unseen items by model and user, all as positions."""
    folder = tmp_path_factory.mktemp("recbole")
    write_interactions(movielens.interactions.user, movielens.interactions.item, folder)
    request = {"models": {model: read_header(done.folder).settings for model, done in trained.items()}}
    subprocess.run(
        [sys.executable, "-c", RECBOLE_RANKING],
        input=json.dumps(request),
        cwd=folder,
        check=True,
        text=True,
        capture_output=True,
    )
    rankings: dict[str, dict[str, list[int]]] = json.loads((folder / "ranking.json").read_text(encoding="utf-8"))
    return rankings


def test_recbole_gets_each_pair_of_user_and_item_of_the_raw_data(
    movielens: Dataset, ratings: list[Rating], tmp_path: Path
) -> None:
    write_interactions(movielens.interactions.user, movielens.interactions.item, tmp_path)
    [path] = [path for path in tmp_path.rglob("*") if path.is_file()]
    header, *lines = path.read_text(encoding="ascii").splitlines()
    assert header == "user_id:token\titem_id:token"
    pairs = [tuple(map(int, line.split("\t"))) for line in lines]
    written = [(movielens.users.ids[user], movielens.items.ids[item]) for user, item in pairs]
    assert written == list(dict.fromkeys((rating.user, rating.item) for rating in ratings))


@pytest.mark.parametrize("model", MODELS)
def test_what_is_served_ranks_as_recbole_does(
    movielens: Dataset, trained: dict[str, Trained], recboles: dict[str, dict[str, list[int]]], model: str
) -> None:
    served = trained[model].model
    histories = _histories(movielens.interactions, len(movielens.users))
    assert len(recboles[model]) == 943
    for user, expected in recboles[model].items():
        history = histories[int(user)]
        ours = rank(served.score(int(user), history), None, history, 10)
        assert (user, ours.tolist()) == (user, expected)


@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_served_in_its_smallest_form(trained: dict[str, Trained], model: str) -> None:
    done = trained[model]
    header = read_header(done.folder)
    assert done.result["kind"] == header.kind == MODELS[model][0]
    assert (header.model, header.fingerprint) == (model, FINGERPRINT)
    assert done.result["settings"] == header.settings


def test_settings_that_are_given_are_kept(trained: dict[str, Trained]) -> None:
    header = read_header(trained["EASE"].folder)
    assert (header.settings, header.chosen_by) == ({"reg_weight": 300}, {})


def test_the_epoch_that_was_best_on_the_validation_split_is_the_last_on_all_interactions(
    trained: dict[str, Trained],
) -> None:
    done = trained["BPR"]
    measured = {epoch: score for _, epoch, _, score in done.events if score is not None}
    assert sorted(measured) == [1, 2, 3]
    best = max(measured, key=lambda epoch: measured[epoch])
    assert read_header(done.folder).settings == {"epochs": best}
    assert [(epoch, total) for _, epoch, total, score in done.events if score is None] == [
        (epoch, best) for epoch in range(1, best + 1)
    ]


# Small data


@pytest.fixture(scope="module")
def shop_data() -> Dataset:
    return read_dataset(DatasetFiles.find(SHOP / "dataset.yaml", None))


def _train_shop(folder: Path, data: Dataset, model: str, **options: Any) -> Trained:
    return _train(folder, data.interactions, len(data.users), len(data.items), model, **options)


def test_the_regularisation_that_was_best_on_the_validation_split_is_served(shop_data: Dataset, tmp_path: Path) -> None:
    header = read_header(_train_shop(tmp_path, shop_data, "EASE").folder)
    [tried] = header.chosen_by.values()
    assert len(tried) > 3
    assert header.settings["reg_weight"] == float(max(tried, key=lambda weight: tried[weight]))


def test_a_model_that_is_neither_item_item_nor_factors_is_served_from_a_table(
    shop_data: Dataset, tmp_path: Path
) -> None:
    # RecBole's Pop counts an item once a batch, and negative samples too.
    settings = {"train_batch_size": 1, "train_neg_sample_args": None}
    done = _train_shop(tmp_path, shop_data, "Pop", settings=settings)
    assert done.result["kind"] == read_header(done.folder).kind == "score_table"
    n_buyers = np.zeros(len(shop_data.items))
    histories = _histories(shop_data.interactions, len(shop_data.users))
    for history in histories:
        n_buyers[history] += 1
    for user, history in enumerate(histories):
        if len(history):
            scores = done.model.score(user, history)
            np.testing.assert_allclose(scores / scores.max(), n_buyers / n_buyers.max(), rtol=1e-5)
    with pytest.raises(InvalidInputError, match=r"Pop.*EASE"):
        done.model.score(None, np.array([0]))


def test_a_table_that_would_be_too_large_is_refused_with_models_that_need_none(
    shop_data: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"Pop can only be served from a table.*EASE.*BPR"):
        _train_shop(tmp_path, shop_data, "Pop", max_table_bytes=10)
    assert list((tmp_path / "artifact").iterdir()) == []


def test_an_unknown_model_is_refused_with_those_there_are(shop_data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="'EAZE'") as refused:
        _train_shop(tmp_path, shop_data, "EAZE")
    for name in ("EASE", "BPR", "LightGCN", "ItemKNN", "MultiVAE", "SLIMElastic"):
        assert name in str(refused.value)
    assert "Traceback" not in str(refused.value)


def test_an_unknown_setting_is_refused_with_the_models_own(shop_data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"EASE has no setting 'regweight'.*reg_weight") as refused:
        _train_shop(tmp_path, shop_data, "EASE", settings={"regweight": 3})
    assert "embedding_size" not in str(refused.value)


def _clusters() -> tuple[Interactions, int, int]:
    """Six kinds of things, three of each; nobody buys of two kinds. The last item and user take no part."""
    pairs = [
        (2 * kind + buyer, 3 * kind + thing)
        for kind in range(6)
        for buyer in range(2)
        for thing in range(3)
        if (buyer, thing) != (1, kind % 3)
    ]
    users, items = np.array(pairs, dtype=np.int64).T
    return Interactions(users, items, None, None, None, np.ones(len(users), dtype=bool)), 13, 19


def test_a_matrix_that_is_pruned_to_all_its_weights_gives_the_same_scores(tmp_path: Path) -> None:
    interactions, n_users, n_items = _clusters()
    trained = {}
    for name, options in {"dense": {}, "pruned": {"max_dense_items": 2, "neighbours": 3}}.items():
        (tmp_path / name).mkdir()
        settings = {"reg_weight": 1.0}
        trained[name] = _train(tmp_path / name, interactions, n_users, n_items, "EASE", settings=settings, **options)
    assert {name: done.result["kind"] for name, done in trained.items()} == {
        "dense": "item_item",
        "pruned": "item_item_sparse",
    }
    dense, pruned = trained["dense"].model, trained["pruned"].model
    for user, history in enumerate(_histories(interactions, n_users)):
        scores = dense.score(user, history)
        assert np.ptp(scores) > 0 or user == 12
        np.testing.assert_allclose(pruned.score(user, history), scores, atol=1e-6)
        assert scores[18] == 0


# A job, in a process that can be watched from outside
WATCHED = """
import json, sys
from pathlib import Path
from mcp_server.reading.dataset import open_dataset
from mcp_server.reading.files import DatasetFiles
from mcp_server.recommender.training.jobs import TrainJob, run_job

spec, scratch, output, reading = map(Path, sys.argv[1:])
with open_dataset(DatasetFiles.find(spec, None), scratch=reading) as data:
    job = TrainJob(
        model="BPR", settings={"epochs": 2}, n_users=len(data.users), n_items=len(data.items),
        dataset="any", fingerprint="any", output=str(output),
    )
    result = run_job(job, data.interactions, scratch, lambda *event: None)
assert "torch" not in sys.modules and "recbole" not in sys.modules
"""


@dataclass
class Watched:
    """Files that a training process has left behind."""

    done: subprocess.CompletedProcess[str]
    left: dict[str, list[str]]
    """The names in each folder."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    folders = {name: tmp_path_factory.mktemp(name) for name in ("cwd", "home", "tmp", "scratch", "artifact", "reading")}
    places = {"HOME": folders["home"], "XDG_CACHE_HOME": folders["home"], "TMPDIR": folders["tmp"]}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            WATCHED,
            str(SHOP / "dataset.yaml"),
            folders["scratch"],
            folders["artifact"],
            folders["reading"],
        ],
        cwd=folders["cwd"],
        env={**os.environ, **{name: str(folder) for name, folder in places.items()}},
        capture_output=True,
        text=True,
    )
    left = {name: sorted(path.name for path in folder.iterdir()) for name, folder in folders.items()}
    return Watched(done, left)


def test_training_prints_nothing_and_loads_neither_recbole_nor_torch_here(watched: Watched) -> None:
    assert (watched.done.returncode, watched.done.stdout, watched.done.stderr) == (0, "", "")


def test_training_writes_only_into_its_own_folders(watched: Watched) -> None:
    assert watched.left["artifact"] == ["artifact.json", "artifact.safetensors"]
    assert {"interactions", "saved"} <= set(watched.left["scratch"])
    assert (watched.left["cwd"], watched.left["home"]) == ([], [])


def test_training_leaves_nothing_among_the_systems_temporary_files(watched: Watched) -> None:
    assert watched.left["tmp"] == []
