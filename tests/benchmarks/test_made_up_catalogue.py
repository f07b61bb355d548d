"""The made-up catalogue: its sizes, and that it has something to learn."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.made_up_catalogue import OF_ALL, MadeUpItems, MadeUpUsers, Shape, make_interactions, write_catalogue
from mcp_server.dataset.records import Dataset
from mcp_server.reading.files import DatasetFiles
from tests.reading.records import as_dicts, read_dataset

SHAPE = Shape(n_items=2_000, n_users=500, n_interactions=20_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made-up")
    write_catalogue(SHAPE, folder, seed=3)
    return folder


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Dataset:
    return read_dataset(DatasetFiles.find(folder / "dataset.yaml", None))


def test_it_has_the_size_that_was_asked_for_and_each_pair_once(dataset: Dataset) -> None:
    assert (len(dataset.items), len(dataset.users)) == (SHAPE.n_items, SHAPE.n_users)
    pairs = set(zip(dataset.interactions.user.tolist(), dataset.interactions.item.tolist(), strict=True))
    assert len(pairs) == len(dataset.interactions) == SHAPE.n_interactions
    assert (dataset.n_dropped, dataset.notes) == (0, [])


def test_counts_are_read_as_counts(tmp_path: Path) -> None:
    write_catalogue(Shape(300, 40, 1_000, counts=True), tmp_path, seed=3)
    found = read_dataset(DatasetFiles.find(tmp_path / "dataset.yaml", None))
    assert found.spec.interactions.kind == "counts"
    assert found.interactions.value is not None
    assert found.interactions.value.min() >= 1
    assert found.interactions.value.max() > 10


def test_users_who_have_most_that_there_is_are_filled_up(tmp_path: Path) -> None:
    write_catalogue(Shape(40, 30, 290), tmp_path, seed=3)
    found = read_dataset(DatasetFiles.find(tmp_path / "dataset.yaml", None))
    assert len(found.interactions) == 290
    assert np.bincount(found.interactions.user).max() == 10


def test_more_than_there_can_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at most 10 interactions each"):
        write_catalogue(Shape(40, 30, 301), tmp_path, seed=3)


def test_the_same_seed_makes_the_same_files_and_another_one_others(folder: Path, tmp_path: Path) -> None:
    def digests(of: Path) -> dict[str, str]:
        files = sorted(path for path in of.rglob("*") if path.is_file())
        return {str(path.relative_to(of)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    write_catalogue(SHAPE, tmp_path / "same", seed=3)
    write_catalogue(SHAPE, tmp_path / "other", seed=4)
    assert digests(tmp_path / "same") == digests(folder)
    other = digests(tmp_path / "other")
    assert {name for name, digest in digests(folder).items() if other[name] == digest} == {"dataset.yaml"}


def test_popularity_has_a_long_tail_and_new_items_have_none(dataset: Dataset) -> None:
    n = np.sort(np.bincount(dataset.interactions.item, minlength=SHAPE.n_items))[::-1]
    assert n[: SHAPE.n_items // 10].sum() > 3 * n.sum() / 10
    assert np.count_nonzero(n == 0) >= SHAPE.n_items // 50


def test_users_choose_what_suits_their_tastes(dataset: Dataset) -> None:
    """Each user's most frequent genre has a far larger share of the user's items than of all items."""
    genres = [set(item["genres"]) for item in as_dicts(dataset.items)]
    shares = []
    for user in range(SHAPE.n_users):
        mine = [genres[item] for item in dataset.interactions.item[dataset.interactions.user == user]]
        if len(mine) < 20:
            continue
        counts: dict[str, int] = {}
        for genre in [genre for found in mine for genre in found]:
            counts[genre] = counts.get(genre, 0) + 1
        favourite = max(counts, key=lambda genre: counts[genre])
        everywhere = sum(favourite in found for found in genres) / len(genres)
        shares.append(counts[favourite] / len(mine) / everywhere)
    assert np.median(shares) > 3


def test_items_of_a_taste_are_rated_better_by_who_has_it() -> None:
    chance = np.random.default_rng(3)
    items, users = MadeUpItems(SHAPE, chance), MadeUpUsers(SHAPE, chance)
    (found,) = make_interactions(SHAPE, items, users, chance)
    mine = users.tastes[found["user_id"] - 1]
    its = items.tastes[found["item_id"] - 1]
    fits = np.array([bool({*some} & {*others} - {-1}) for some, others in zip(mine, its, strict=True)])
    assert found["rating"][fits].mean() > found["rating"][~fits].mean() + 0.5


def test_an_item_is_drawn_from_the_list_that_is_asked_for() -> None:
    items = MadeUpItems(SHAPE, np.random.default_rng(3))
    drawn = items.draw(np.repeat([5, OF_ALL], 2_000), np.random.default_rng(4))
    assert all(5 in items.tastes[item] for item in drawn[:2_000])
    assert len(np.unique(drawn[2_000:])) > len(np.unique(drawn[:2_000]))
