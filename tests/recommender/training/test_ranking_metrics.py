"""Measures of rankings, against loops over single users and RecBole's own evaluation of the same fit."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.recommender.training.jobs import write_interactions
from mcp_server.recommender.training.ranking_metrics import NO_ITEM, Rankings, load_of_users

N_ITEMS = 12

# For each user, a ranking of up to ten items and the held-out ones, at least one.
USERS = st.lists(
    st.tuples(
        st.lists(st.integers(0, N_ITEMS - 1), max_size=10, unique=True),
        st.sets(st.integers(0, N_ITEMS - 1), min_size=1),
    ),
    min_size=1,
    max_size=6,
)


def _rankings(users: list[tuple[list[int], set[int]]], n_trained: list[int]) -> Rankings:
    held_out = [(row, item) for row, (_, items) in enumerate(users) for item in sorted(items)]
    rows, items = np.array(held_out, dtype=np.int64).T
    return Rankings(
        users=np.arange(100, 100 + len(users)),
        items=np.array([ranked + [NO_ITEM] * (10 - len(ranked)) for ranked, _ in users], dtype=np.int64),
        held_out_row=rows,
        held_out_item=items,
        n_trained=np.array(n_trained, dtype=np.int64),
        n_trained_users=20,
        n_test_users=len(users),
    )


@given(USERS)
def test_metrics_of_users_are_those_of_their_definitions(users: list[tuple[list[int], set[int]]]) -> None:
    measured = _rankings(users, [3] * N_ITEMS).measure((5, 10))
    for row, (ranking, held_out) in enumerate(users):
        for length in (5, 10):
            places = [place for place, item in enumerate(ranking[:length], start=1) if item in held_out]
            ideal = sum(1 / math.log2(place + 1) for place in range(1, min(length, len(held_out)) + 1))
            expected = {
                "ndcg": sum(1 / math.log2(place + 1) for place in places) / ideal,
                "recall": len(places) / len(held_out),
                "hit": float(bool(places)),
                "mrr": 1 / places[0] if places else 0.0,
            }
            found = {name: measured.of_users[f"{name}@{length}"][row] for name in expected}
            assert found == pytest.approx(expected)


@given(USERS, st.lists(st.integers(0, 20), min_size=N_ITEMS, max_size=N_ITEMS))
def test_coverage_novelty_and_cold_items_are_those_of_their_definitions(
    users: list[tuple[list[int], set[int]]], n_trained: list[int]
) -> None:
    measured = _rankings(users, n_trained).measure((5, 10))
    ranked = {item for ranking, _ in users for item in ranking}
    assert measured.coverage == len(ranked) / N_ITEMS
    of_users = [
        sum(math.log2(20 / max(n_trained[item], 1)) for item in ranking) / len(ranking)
        for ranking, _ in users
        if ranking
    ]
    assert measured.novelty == pytest.approx(sum(of_users) / len(of_users) if of_users else 0)
    cold = [(ranking, item) for ranking, held_out in users for item in held_out if n_trained[item] == 0]
    assert measured.n_cold == len(cold)
    assert measured.n_cold_hits == sum(item in ranking for ranking, item in cold)


def test_metrics_of_users_are_handed_over_whole(tmp_path: Path) -> None:
    measured = _rankings([([1, 2], {2}), ([3], {4})], [1] * N_ITEMS).measure((5, 10))
    measured.save(tmp_path)
    users, of_users = load_of_users(tmp_path)
    assert users.tolist() == [100, 101]
    assert {name: values.tolist() for name, values in of_users.items()} == {
        name: values.tolist() for name, values in measured.of_users.items()
    }


# Fits models as `evaluate` does, and has RecBole evaluate the same fits, unrounded.
RECBOLES_EVALUATION = """
import json, sys
from pathlib import Path

sys.argv = ["recbole"]
import mcp_server.recommender.training.recbole.process as process
import mcp_server.recommender.training.recbole.rankings as rankings
from mcp_server.recommender.training.jobs import EvaluateJob

rankings.SCORES_AT_ONCE = 2000  # so that there are several batches
loaders, prepare = [], process.data_preparation
def keeping(config, dataset):
    loaders.append(prepare(config, dataset))
    return loaders[-1]
process.data_preparation = keeping
answer = {}
for model in ("EASE", "BPR", "DMF", "Pop"):
    job = EvaluateJob(model=model, settings={"epochs": 2}, n_users=70, n_items=47, split="time")
    fit = process.Session(job, Path.cwd(), lambda event: None).fit_split(model, job.settings)
    fit.load_best()
    ranked = rankings.rank_test_users(fit.model, fit.dataset, *fit.held_out, length=10, n_items=47)
    for metric in fit.trainer.evaluator.metric_class.values():
        metric.decimal_place = 12
    theirs = fit.trainer.evaluate(loaders[-1][2], load_best_model=False)
    measured = ranked.measure((5, 10))
    known = {
        (int(user), int(item))
        for part in (fit.dataset, fit.held_out[0])
        for user, item in zip(
            part.id2token(part.uid_field, part.inter_feat[part.uid_field].numpy()),
            part.id2token(part.iid_field, part.inter_feat[part.iid_field].numpy()),
        )
    }
    answer[model] = {
        "ours": measured.report(),
        "theirs": {name: float(value) for name, value in theirs.items()},
        "users": ranked.users.tolist(),
        "items": ranked.items.tolist(),
        "known": sorted(known),
    }
rankings.MOST_TEST_USERS = 20
sample = rankings.rank_test_users(fit.model, fit.dataset, *fit.held_out, length=10, n_items=47)
answer["a sample"] = {"ours": sample.measure((5, 10)).report(), "users": sample.users.tolist(),
                      "items": sample.items.tolist()}
Path("answer.json").write_text(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def pairs() -> set[tuple[int, int]]:
    """Interactions of 70 users with 47 items: of the last 10 users one each, and of the first 30 one each with an item
    from 40 on.
    """
    chance = np.random.default_rng(3)
    found = {(int(user), int(item)) for user, item in chance.integers(0, (60, 40), size=(900, 2))}
    return found | {(user, user % 40) for user in range(60, 70)} | {(user, 40 + user % 7) for user in range(30)}


@pytest.fixture(scope="module")
def answers(pairs: set[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("recbole")
    user, item = np.array(sorted(pairs), dtype=np.int64).T
    times = np.where(item >= 40, len(item), np.random.default_rng(5).permutation(len(item)))
    write_interactions(user, item, folder, times=times)
    done = subprocess.run([sys.executable, "-c", RECBOLES_EVALUATION], cwd=folder, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("model", ["EASE", "BPR", "DMF", "Pop"])
def test_metrics_are_those_of_recboles_own_evaluation_of_the_same_fit(
    answers: dict[str, dict[str, Any]], model: str
) -> None:
    ours, theirs = answers[model]["ours"], answers[model]["theirs"]
    assert ours["metrics"].keys() == theirs.keys()
    assert ours["metrics"] == pytest.approx(theirs, abs=1e-6)
    assert ours["metrics"]["hit@10"] > 0
    assert ours["users"] == ours["test_users"] == 60


@pytest.mark.parametrize("model", ["EASE", "BPR"])
def test_what_a_user_had_before_is_not_ranked(answers: dict[str, dict[str, Any]], model: str) -> None:
    answer = answers[model]
    known = {tuple(pair) for pair in answer["known"]}
    rows = list(zip(answer["users"], answer["items"], strict=True))
    assert rows
    for user, items in rows:
        assert len(set(items)) == 10
        assert known.isdisjoint((user, item) for item in items)


def test_of_many_users_a_sample_is_ranked_as_all_are(answers: dict[str, dict[str, Any]]) -> None:
    whole, sample = answers["Pop"], answers["a sample"]
    assert (sample["ours"]["users"], sample["ours"]["test_users"]) == (20, 60)
    rows = dict(zip(whole["users"], whole["items"], strict=True))
    assert len(set(sample["users"])) == 20
    for user, items in zip(sample["users"], sample["items"], strict=True):
        assert items == rows[user]


def test_cold_items_are_those_that_have_only_late_interactions(
    answers: dict[str, dict[str, Any]], pairs: set[tuple[int, int]]
) -> None:
    # Those with the items from 40 on are each user's last, and so held out.
    ours = answers["EASE"]["ours"]
    assert ours["cold_items"]["interactions"] == sum(item >= 40 for _, item in pairs) == 30
