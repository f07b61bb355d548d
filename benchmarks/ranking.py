"""The rankings of our own models, and the places of items without interactions in them.

    python -m benchmarks.ranking
    python -m benchmarks.ranking --cold
    python -m benchmarks.ranking --cold --dataset my-catalogue/dataset.yaml --state my-state

Without --cold, `recsys-mcp evaluate` runs, and its figures are set beside what was aimed at. With it, a tenth of the
items is held out whole, beside each user's last interactions: how many places in the top ten do these cold items get,
how often are they right, and what does that cost the others?
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import print_table
from mcp_server.cli.dataset_files import find_dataset_files
from mcp_server.preparation.embedding import vectors_of_items
from mcp_server.reading.dataset import open_dataset
from mcp_server.recommender.training.jobs import OWN_MODELS
from mcp_server.recommender.training.learned_from import LearnedFrom
from mcp_server.recommender.training.own.histories import collect_histories
from mcp_server.recommender.training.own.learned import Learned
from mcp_server.recommender.training.own.models import choose_settings
from mcp_server.recommender.training.own.validation import hold_out, ndcg, pairs_of_users
from mcp_server.recommender.training.trainable import trainable
from mcp_server.settings import Settings
from mcp_server.types import BoolArray
from mcp_server.vectors.texts import item_texts

AIMS = {"random": ("models", 0.345), "time": ("by_time", 0.140)}
"""NDCG@10 that CEASE is to reach on MovieLens-100k: the key of the report, and the value."""

TOP = 10
COLD_SHARE = 0.1
SEED = 2020


def compare(models: str, settings: Settings) -> None:
    """Print what `evaluate` measures."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "evaluation.json"
        command = [sys.executable, "-m", "mcp_server", "evaluate", "--models", models, "--output", str(output)]
        if settings.dataset is not None:
            command += ["--dataset", str(settings.dataset)]
        subprocess.run([*command, "--state", str(settings.state_folder)], check=True)
        report = json.loads(output.read_text(encoding="utf-8"))
    rows = []
    for split, (key, aim) in AIMS.items():
        part = report if key == "models" else report.get(key)
        for model in part["models"] if part else []:
            found = model["metrics"]["ndcg@10"]
            rows.append([split, model["model"], f"{found:.4f}", f"{aim:.3f}" if model["model"] == "CEASE" else ""])
    print_table("NDCG@10, and what CEASE is to reach on MovieLens-100k", ["split", "model", "NDCG@10", "aim"], rows)


@contextmanager
def learned_from(settings: Settings) -> Iterator[LearnedFrom]:
    """The data that models are learned from, with the vectors that a state has."""
    with open_dataset(find_dataset_files(settings)) as dataset:
        interactions = trainable(dataset.interactions, dataset.spec.interactions.kind)
        vectors = vectors_of_items(
            settings.state_folder, settings.embedding_model, item_texts(dataset), len(dataset.items)
        )
        yield LearnedFrom.of(dataset, interactions, vectors)


def measure_cold(data: LearnedFrom, name: str, given: dict[str, Any]) -> list[str]:
    """A row of the table: how a model treats items that it has never seen used, and the others."""
    chance = np.random.default_rng(SEED)
    used = np.flatnonzero(np.bincount(data.item, minlength=data.n_items))
    cold = np.zeros(data.n_items, dtype=bool)
    cold[chance.choice(used, int(COLD_SHARE * len(used)), replace=False)] = True
    held = hold_out(data) | cold[data.item]
    learned = choose_settings(name, data.part(np.flatnonzero(~held)), given, lambda *_: None).learn()
    users = np.unique(data.user[held & data.liked])
    scores = _scores(learned, data, held, users)
    wanted = pairs_of_users(data, held & data.liked, users)
    best = np.argpartition(-scores, TOP, axis=1)[:, :TOP]
    right = np.asarray(wanted[np.repeat(np.arange(len(users)), TOP), best.ravel()]).reshape(best.shape) > 0
    scores[:, cold] = -np.inf
    warm = pairs_of_users(data, held & data.liked & ~cold[data.item], users)
    has_warm = np.diff(warm.indptr) > 0
    return [
        f"{name}, cold_items {learned.settings.get('cold_items', 0):g}",
        f"{cold[best].mean():.1%}",
        f"{right[cold[best]].sum():,} of {int((held & data.liked & cold[data.item]).sum()):,}",
        f"{right[cold[best]].mean():.3f}" if cold[best].any() else "",
        f"{right[~cold[best]].mean():.3f}",
        f"{ndcg(scores[has_warm], warm[has_warm]).mean():.4f}",
    ]


def _scores(learned: Learned, data: LearnedFrom, held: BoolArray, users: Any) -> Any:
    """Scores of all items, (n_users, n_items), without those that were seen."""
    model = learned.recommender()
    histories = collect_histories(data, np.flatnonzero(~held & data.liked), users)
    scores = np.stack([model.score(None, history.items, learned.weighting.weights(history)) for history in histories])
    seen = pairs_of_users(data, ~held, users).tocoo()
    scores[seen.row, seen.col] = -np.inf
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="CEASE,CKNN,ALS,EASE", help="models to compare, without --cold")
    parser.add_argument("--cold", action="store_true", help="measure items that are held out whole")
    parser.add_argument("--dataset", help="dataset.yaml instead of MovieLens-100k")
    parser.add_argument("--state", help="state folder")
    options = parser.parse_args()
    given = {name: value for name in ("dataset", "state") if (value := getattr(options, name)) is not None}
    settings = Settings(**given)
    if not options.cold:
        compare(options.models, settings)
        return
    header = ["model", "places", "hits", "right, cold", "right, others", "NDCG@10 without them"]
    with learned_from(settings) as data:
        rows = [measure_cold(data, name, own) for name in OWN_MODELS for own in ({"cold_items": 0.0}, {})]
    title = (
        f"{COLD_SHARE:.0%} of the items held out whole: their places in the top {TOP}, and how often they were right"
    )
    print_table(title, header, rows)


if __name__ == "__main__":
    main()
