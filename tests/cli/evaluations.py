"""Reports of `evaluate` made of figures that tests choose."""

from typing import Any

import numpy as np

from mcp_server.cli.evaluation_report import LeftOut, Measured, Report, SplitReport
from mcp_server.recommender.comparison import OfUsers

N_USERS = 60


def measured(model: str, ndcg: float, noise: float = 0.0, **changes: Any) -> Measured:
    """A model that is that good on the mean of its users, and differs by chance on each of them."""
    seed = sum(map(ord, model))
    values = ndcg + noise * np.random.default_rng(seed).normal(size=N_USERS)
    values += ndcg - values.mean()
    result: dict[str, Any] = {
        "model": model,
        "settings": {},
        "metrics": {f"{name}@{k}": ndcg / 2 for name in ("ndcg", "recall", "hit", "mrr") for k in (5, 10)},
        "coverage": 0.25,
        "novelty": 2.5,
        "cold_items": {"interactions": 45, "hits": 3},
        "users": N_USERS,
        "test_users": N_USERS,
        "valid_score": None,
        "epochs": 1,
        "train_seconds": 1.5,
        "kind": "factors",
        "artifact_bytes": 2_000_000,
    }
    result["metrics"]["ndcg@10"] = ndcg
    return Measured({**result, **changes}, OfUsers(range(N_USERS), values))


def report(*models: Measured, by_time: list[Measured] | None = None, failed: list[LeftOut] | None = None) -> Report:
    """The report of these models."""
    return Report(
        **dict(SplitReport.of("by chance", models, failed or [])),
        dataset="films",
        by_time=None if by_time is None else SplitReport.of("the last ones", by_time, []),
        left_out=[],
        interrupted=False,
    )
