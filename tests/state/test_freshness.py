"""The age of what is served, as a sentence and as values."""

import pytest

from mcp_server.dataset.facts import DatasetCard
from mcp_server.dataset.spec import find_spec_file, load_spec
from mcp_server.recommender.drift import Drift
from mcp_server.state.freshness import describe_freshness, freshness
from mcp_server.state.manifest import Manifest

NOW = 1_795_132_800
"""2026-11-20T00:00:00Z"""

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def _manifest(read_at: int | None, trained_at: int | None, drift: Drift | None) -> Manifest:
    card = DatasetCard(
        n_items=1, n_users=1, n_interactions=1, n_pairs=1, item_ids="", user_ids="", example_items=[], example_users=[],
        terms={}, term_counts={}, ranges={}, groups={},
    )  # fmt: skip
    return Manifest(
        spec=load_spec(find_spec_file("ml-100k")), fingerprint="", training_fingerprint="", card=card,
        embedding_model="", index_version=1, n_searchable=0, catalog="", model="", vectors=None,
        read_at=read_at, trained_at=trained_at, drift=drift,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("read", "trained", "drift", "said"),
    [
        (2 * HOUR, 3 * DAY, Drift(100_000, 99_500, 1_000, 500, 3, 1_682),
         "data read 2 h ago; model trained 3 days ago on 99,000 of 100,000 ratings; "
         "500 ratings of its training are gone; 3 films are newer than it"),
        (5 * MINUTE, 5 * MINUTE, Drift.none(100_000, 1_682),
         "data read 5 min ago; model trained 5 min ago on 100,000 of 100,000 ratings"),
        (None, None, Drift.none(10, 5), "model trained on 10 of 10 ratings"),
        (None, None, None, "this state does not say when its data were read: `recsys-mcp prepare` records it"),
    ],
)  # fmt: skip
def test_the_age_is_said_in_words(read: int | None, trained: int | None, drift: Drift | None, said: str) -> None:
    manifest = _manifest(read and NOW - read, trained and NOW - trained, drift)
    assert describe_freshness(manifest, NOW) == said


def test_the_age_is_given_as_times_and_counts() -> None:
    assert freshness(_manifest(NOW, NOW - HOUR, Drift(12, 10, 3, 1, 2, 5))) == {
        "data_read_at": "2026-11-20T00:00:00Z",
        "model_trained_at": "2026-11-19T23:00:00Z",
        "new_interactions": 3,
        "new_items": 2,
    }
    assert freshness(_manifest(None, None, None)) == {}
