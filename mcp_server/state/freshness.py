"""The age of what is served: when its data were read, when its model was trained, and what the model does not know."""

import datetime
from typing import Any

from mcp_server.state.manifest import Manifest

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def freshness(manifest: Manifest) -> dict[str, Any]:
    """The age of a state as JSON values; empty for a state of an earlier version, which does not say.

    ``new_interactions`` and ``new_items`` are those that the model does not know.
    """
    times = {"data_read_at": manifest.read_at, "model_trained_at": manifest.trained_at}
    found: dict[str, Any] = {name: _iso(seconds) for name, seconds in times.items() if seconds is not None}
    if manifest.drift is not None:
        found |= {"new_interactions": manifest.drift.n_new, "new_items": manifest.drift.n_new_items}
    return found


def describe_freshness(manifest: Manifest, now: float) -> str:
    """The age of a state in a sentence without a full stop.

    Args:
        now: In seconds since 1970.
    """
    nouns, drift = manifest.spec.nouns, manifest.drift
    clauses = []
    if manifest.read_at is not None:
        clauses.append(f"data read {_ago(now - manifest.read_at)}")
    if drift is not None:
        when = "" if manifest.trained_at is None else f" {_ago(now - manifest.trained_at)}"
        known = drift.n_interactions - drift.n_new
        clauses.append(f"model trained{when} on {known:,} of {drift.n_interactions:,} {nouns.interactions}")
        if drift.n_gone:
            clauses.append(f"{drift.n_gone:,} {nouns.interactions} of its training are gone")
        if drift.n_new_items:
            clauses.append(f"{drift.n_new_items:,} {nouns.items} are newer than it")
    return "; ".join(clauses) or "this state does not say when its data were read: `recsys-mcp prepare` records it"


def _iso(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat().replace("+00:00", "Z")


def _ago(seconds: float) -> str:
    if seconds < 2 * HOUR:
        return f"{max(seconds, 0) / MINUTE:.0f} min ago"
    return f"{seconds / HOUR:.0f} h ago" if seconds < 2 * DAY else f"{seconds / DAY:.0f} days ago"
