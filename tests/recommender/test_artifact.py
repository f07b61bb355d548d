"""Trained models as files: they come back as they were, or say what is wrong and what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from mcp_server.errors import ArtifactError
from mcp_server.recommender.artifact import (
    ArtifactHeader,
    ServedIds,
    add_trained_on,
    check_artifact,
    load_artifact,
    read_header,
    read_trained_on,
    save_artifact,
)
from mcp_server.recommender.drift import Side
from mcp_server.recommender.factors import FactorModel, ImplicitFactorModel
from mcp_server.recommender.item_item import ItemItemModel, LowRankItemItemModel, SparseItemItemModel
from mcp_server.recommender.model import Recommender
from mcp_server.recommender.model_arrays import ArtifactKind
from mcp_server.recommender.popularity_model import PopularityModel
from mcp_server.recommender.score_table import ScoreTable
from mcp_server.recommender.trained_on import TrainedOn, digest_ids
from mcp_server.types import Id

N_USERS, N_ITEMS = 3, 4

Arrays = dict[str, Any]


def _arrays() -> dict[str, tuple[type, Arrays]]:
    """The class of each kind of model, and its arrays in the order of its arguments."""
    random = np.random.default_rng(7)

    def numbers(*shape: int) -> Any:
        return random.normal(size=shape).astype(np.float32)

    return {
        "item_item": (ItemItemModel, {"weights": numbers(N_ITEMS, N_ITEMS), "offset": numbers(N_ITEMS)}),
        "item_item_sparse": (
            SparseItemItemModel,
            {
                "indptr": np.array([0, 2, 2, 3, 5], np.int64),
                "indices": np.array([1, 3, 0, 1, 2], np.int32),
                "values": numbers(5),
                "offset": numbers(N_ITEMS),
            },
        ),
        "item_item_low_rank": (LowRankItemItemModel, {"vectors": numbers(N_ITEMS, 3), "factors": numbers(N_ITEMS)}),
        "implicit_factors": (
            ImplicitFactorModel,
            {
                "item_factors": numbers(N_ITEMS, 2),
                "confidence": np.array([2], np.float32),
                "regularization": np.array([0.5], np.float32),
            },
        ),
        "factors": (FactorModel, {"user_factors": numbers(N_USERS, 2), "item_factors": numbers(N_ITEMS, 2)}),
        "score_table": (ScoreTable, {"scores": numbers(N_USERS, N_ITEMS)}),
        "popularity": (PopularityModel, {"scores": numbers(N_ITEMS)}),
    }


KINDS = list(get_args(ArtifactKind))


def _header(kind: str = "item_item", **changes: Any) -> ArtifactHeader:
    content = {
        "kind": kind,
        "model": "Any",
        "settings": {"reg_weight": 300.0},
        "dataset": "small",
        "fingerprint": "f00d",
        "n_users": N_USERS,
        "n_items": N_ITEMS,
        "chosen_by": {"epochs by NDCG@10": {"3": 0.25}},
        "train_seconds": 1.5,
        **changes,
    }
    return ArtifactHeader.model_validate(content)


def _load(folder: Path, fingerprint: str = "f00d", n_users: int = N_USERS, n_items: int = N_ITEMS) -> Recommender:
    served = ServedIds(n_items, n_users, {}, _no_ids)
    return load_artifact(folder, fingerprint=fingerprint, served=served)


def _no_ids(side: Side) -> list[Id]:
    raise AssertionError(f"IDs of {side} are read although the catalogue has the model's")


def _save(folder: Path, kind: str = "item_item") -> Path:
    save_artifact(folder, _header(kind), _arrays()[kind][1])
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_comes_back_as_it_was(tmp_path: Path, kind: str) -> None:
    model_class, arrays = _arrays()[kind]
    extra = ["Any"] if kind == "score_table" else []
    saved, loaded = model_class(*arrays.values(), *extra), _load(_save(tmp_path, kind))
    assert type(loaded) is model_class
    history = np.array([2, 0, 3])
    for user in range(N_USERS):
        np.testing.assert_array_equal(loaded.score(user, history), saved.score(user, history))
    for item in range(N_ITEMS):
        np.testing.assert_array_equal(loaded.contributions(history, item), saved.contributions(history, item))
    if kind != "score_table":
        np.testing.assert_array_equal(loaded.score(None, history), saved.score(None, history))


def test_what_a_model_says_of_itself_comes_back(tmp_path: Path) -> None:
    header = read_header(_save(tmp_path))
    assert header.sha256
    assert header.model_copy(update={"sha256": ""}) == _header()


def test_a_model_of_the_first_format_is_still_served(tmp_path: Path) -> None:
    _change_header(_save(tmp_path), format=1)
    assert type(_load(tmp_path)) is ItemItemModel


def test_another_user_may_read_the_files(tmp_path: Path) -> None:
    for path in _save(tmp_path).iterdir():
        assert path.stat().st_mode & 0o044 == 0o044


def _flip_a_bit(folder: Path, place: int) -> None:
    path = folder / "artifact.safetensors"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def _first_bit(folder: Path) -> None:
    _flip_a_bit(folder, 0)


def _last_bit(folder: Path) -> None:
    _flip_a_bit(folder, -1)


def _truncated(folder: Path) -> None:
    path = folder / "artifact.safetensors"
    path.write_bytes(path.read_bytes()[:-8])


def _empty(folder: Path) -> None:
    (folder / "artifact.safetensors").write_bytes(b"")


def _no_arrays(folder: Path) -> None:
    (folder / "artifact.safetensors").unlink()


def _no_header(folder: Path) -> None:
    (folder / "artifact.json").unlink()


def _garbage(folder: Path) -> None:
    (folder / "artifact.json").write_text("{not JSON", encoding="utf-8")


def _binary(folder: Path) -> None:
    (folder / "artifact.json").write_bytes(b"\xff\xfe\x00{}")


def _empty_header(folder: Path) -> None:
    (folder / "artifact.json").write_text("", encoding="utf-8")


def _list_of_headers(folder: Path) -> None:
    (folder / "artifact.json").write_text("[]", encoding="utf-8")


def _change_header(folder: Path, **changes: Any) -> None:
    path = folder / "artifact.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, **changes}), encoding="utf-8")


def _later_format(folder: Path) -> None:
    _change_header(folder, format=99, something_new=True)


def _unknown_kind(folder: Path) -> None:
    _change_header(folder, kind="transformer")


def _unknown_key(folder: Path) -> None:
    _change_header(folder, colour="green")


def _other_kind(folder: Path) -> None:
    _change_header(folder, kind="factors")


def _folder_in_place_of_the_header(folder: Path) -> None:
    (folder / "artifact.json").unlink()
    (folder / "artifact.json").mkdir()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_first_bit, "corrupt"),
        (_last_bit, "corrupt"),
        (_truncated, "corrupt"),
        (_empty, "corrupt"),
        (_no_arrays, "artifact.safetensors"),
        (_no_header, "no trained model"),
        (_garbage, "cannot be read"),
        (_binary, "cannot be read"),
        (_empty_header, "cannot be read"),
        (_folder_in_place_of_the_header, "cannot be read"),
        (_list_of_headers, "format 1 or 2"),
        (_later_format, "format 1 or 2"),
        (_unknown_kind, "damaged"),
        (_unknown_key, "damaged"),
        (_other_kind, "user_factors"),
    ],
)
def test_a_spoilt_model_says_what_is_wrong_and_what_to_do(
    tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(_save(tmp_path))
    with pytest.raises(ArtifactError, match="recsys-mcp prepare") as refused:
        _load(tmp_path)
    assert said in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_a_folder_that_is_not_there_holds_no_model(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no trained model.*recsys-mcp prepare"):
        _load(tmp_path / "nowhere")


def test_a_model_of_other_data_is_refused_by_both_fingerprints(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="recsys-mcp prepare") as refused:
        _load(_save(tmp_path), fingerprint="beef")
    for part in ("small", "f00d", "beef"):
        assert part in str(refused.value)


@pytest.mark.parametrize("sizes", [{"n_users": 5}, {"n_items": 6}])
def test_a_model_for_another_number_of_users_or_items_is_refused(tmp_path: Path, sizes: dict[str, Any]) -> None:
    with pytest.raises(ArtifactError, match=r"3 users and 4 items.*recsys-mcp prepare"):
        _load(_save(tmp_path), **sizes)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_other_sizes_than_the_header_says_are_refused(tmp_path: Path, kind: str) -> None:
    save_artifact(tmp_path, _header(kind, n_users=5, n_items=6), _arrays()[kind][1])
    with pytest.raises(ArtifactError, match="recsys-mcp prepare"):
        _load(tmp_path, n_users=5, n_items=6)


# A catalogue that is not the model's own

ITEMS: list[Id] = ["a", "b", "c", "d"]
USERS: list[Id] = [1, 2, 3]


def _save_with_ids(folder: Path, kind: str = "item_item") -> Path:
    everything = np.repeat(np.arange(N_USERS), N_ITEMS), np.tile(np.arange(N_ITEMS), N_USERS)
    add_trained_on(_save(folder, kind), TrainedOn.of(ITEMS, USERS, everything), trained_at=1_700_000_000)
    return folder


def _open_for(folder: Path, items: list[Id], users: list[Id]) -> Recommender:
    ids: dict[Side, list[Id]] = {"items": items, "users": users}
    digests: dict[Side, str] = {side: digest_ids(each) for side, each in ids.items()}
    served = ServedIds(len(items), len(users), digests, lambda side: ids[side])
    return load_artifact(folder, fingerprint="f00d", served=served)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_serves_its_own_catalogue_as_it_is(tmp_path: Path, kind: str) -> None:
    assert type(_open_for(_save_with_ids(tmp_path, kind), ITEMS, USERS)) is _arrays()[kind][0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_gives_the_same_scores_in_a_newer_catalogue(tmp_path: Path, kind: str) -> None:
    own = _open_for(_save_with_ids(tmp_path, kind), ITEMS, USERS)
    newer = _open_for(tmp_path, ["a", "aa", "c", "d", "e"], [0, 1, 3])  # without b and 2
    for user, own_user in {1: 0, 2: 2}.items():
        scores, expected = newer.score(user, np.array([0, 3])), own.score(own_user, np.array([0, 3]))
        np.testing.assert_array_equal(scores[[0, 2, 3]], expected[[0, 2, 3]])
        assert scores[[1, 4]].max() < scores[[0, 2, 3]].min()


def test_new_users_alone_leave_a_model_without_user_vectors_as_it_is(tmp_path: Path) -> None:
    assert type(_open_for(_save_with_ids(tmp_path), ITEMS, [0, *USERS])) is ItemItemModel


def test_an_item_without_interactions_in_training_counts_as_new(tmp_path: Path) -> None:
    pairs = np.array([0, 1, 2]), np.array([0, 1, 2])  # nothing of item d
    add_trained_on(_save(tmp_path), TrainedOn.of(ITEMS, USERS, pairs), trained_at=0)
    scores = _open_for(tmp_path, ITEMS, USERS).score(None, np.array([0]))
    assert scores.argmin() == 3
    assert (scores[:3] > scores[3]).all()


def test_what_an_artifact_was_trained_on_comes_back_with_its_time(tmp_path: Path) -> None:
    found = read_trained_on(_save_with_ids(tmp_path))
    assert found is not None
    assert (found.items, found.users, found.n_pairs) == (ITEMS, USERS, N_USERS * N_ITEMS)
    assert read_header(tmp_path).trained_at == 1_700_000_000


def test_an_artifact_need_not_say_what_it_was_trained_on(tmp_path: Path) -> None:
    assert read_trained_on(_save(tmp_path)) is None


def _spoil_trained_on(folder: Path) -> None:
    path = folder / "trained-on.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")


def _lose_trained_on(folder: Path) -> None:
    (folder / "trained-on.safetensors").unlink()


@pytest.mark.parametrize("spoil", [_spoil_trained_on, _lose_trained_on])
def test_damage_to_what_it_was_trained_on_is_found(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    spoil(_save_with_ids(tmp_path))
    for use in (lambda: check_artifact(tmp_path, fingerprint="f00d"), lambda: _open_for(tmp_path, ITEMS, USERS)):
        with pytest.raises(ArtifactError, match=r"trained-on.safetensors.*recsys-mcp prepare"):
            use()
