"""What a model was trained on: it comes back from its file, and tells how much of a catalogue is new."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_server.recommender import trained_on
from mcp_server.recommender.trained_on import TrainedOn, find_positions
from mcp_server.types import Id

Pair = tuple[Id, Id]


def _of(pairs: set[Pair], items: list[Id], users: list[Id]) -> TrainedOn:
    listed = sorted(pairs, key=str)
    user = np.array([users.index(user) for user, _ in listed], dtype=np.int64)
    item = np.array([items.index(item) for _, item in listed], dtype=np.int64)
    return TrainedOn.of(items, users, (user, item))


IDS: list[list[Id]] = [[-5, 0, 2**63 - 1], ["", "a\nb", "für 2", "日本"], []]


@pytest.mark.parametrize("ids", IDS)
def test_ids_and_interactions_come_back_from_the_file(tmp_path: Path, ids: list[Id]) -> None:
    pairs = {(ids[0], ids[1]), (ids[2], ids[1])} if ids else set()
    saved = _of(pairs, ids, ids)
    saved.save(tmp_path / "file")
    loaded = TrainedOn.load(tmp_path / "file")
    assert (loaded.items, loaded.users, loaded.n_pairs) == (ids, ids, len(pairs))
    assert [item for item, used in zip(ids, loaded.used, strict=True) if used] == ids[1:2]
    assert loaded.drift(saved).is_none


USER, ITEM = st.integers(0, 4), st.sampled_from(["a", "b", "c", "d", "e"])
PAIRS = st.sets(st.tuples(USER, ITEM))


@settings(deadline=None)
@given(PAIRS, PAIRS, st.sets(ITEM), st.sets(ITEM))
def test_what_is_new_and_gone_is_counted_as_with_sets(
    before: set[Pair], after: set[Pair], more_before: set[str], more_after: set[str]
) -> None:
    users: list[Id] = list(range(5))
    items_before = sorted({str(item) for _, item in before} | more_before)
    items_after = sorted({str(item) for _, item in after} | more_after)
    drift = _of(before, [*items_before], users).drift(_of(after, [*items_after], users))
    assert (drift.n_trained, drift.n_interactions) == (len(before), len(after))
    assert (drift.n_new, drift.n_gone) == (len(after - before), len(before - after))
    assert drift.n_new_items == len(set(items_after) - set(items_before))
    assert drift.n_trained_items == len(items_before)
    assert drift.is_none == (before == after and set(items_after) <= set(items_before))


def test_of_very_many_interactions_a_sample_tells_the_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained_on, "MOST_PAIRS", 10_000)
    ids: list[Id] = list(range(400))
    user, item = (grid.ravel() for grid in np.meshgrid(np.arange(400), np.arange(300), indexing="ij"))
    before = TrainedOn.of(ids, ids, (user, item))
    kept = item >= 30  # a tenth is gone, and as many are new
    new_user, new_item = (grid.ravel() for grid in np.meshgrid(np.arange(400), np.arange(300, 330), indexing="ij"))
    after = TrainedOn.of(ids, ids, (np.append(user[kept], new_user), np.append(item[kept], new_item)))
    assert len(before.pairs) == len(after.pairs) == 10_000
    drift = before.drift(after)
    assert (drift.n_trained, drift.n_interactions) == (120_000, 120_000)
    assert drift.n_new == pytest.approx(12_000, rel=0.1)
    assert drift.n_gone == pytest.approx(12_000, rel=0.1)
    assert before.drift(before).is_none


def test_positions_are_those_of_the_same_ids() -> None:
    assert find_positions([3, 9, 1], [1, 2, 3]).tolist() == [2, -1, 0]
