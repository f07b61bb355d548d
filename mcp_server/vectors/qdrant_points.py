"""Digests of points on a Qdrant server, to be compared with those of the same points when they were made.

A server may normalise dense vectors again when it moves them, which changes their last bits. So these count as a sum,
and everything else exactly.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from qdrant_client import models


def digest_points(records: Iterable[models.Record]) -> dict[str, str]:
    """Digests of points: one of everything but the dense vectors, and a weighted sum of those."""
    digest, total = hashlib.sha256(), 0.0
    for record in records:
        digest.update(_exact_content(record))
        total += _weighted_sum(record)
    return {"points": digest.hexdigest(), "vectors": f"{total:.9g}"}


def are_same_points(found: Mapping[str, str], expected: Mapping[str, str]) -> bool:
    """True if digests are those of the same points, but for the last bits of dense vectors."""
    near = math.isclose(float(found["vectors"]), float(expected["vectors"]), rel_tol=1e-6, abs_tol=1e-4)
    return found["points"] == expected["points"] and near


def _vectors_of(record: models.Record) -> dict[str, Any]:
    return dict(sorted(record.vector.items())) if isinstance(record.vector, dict) else {}


def _exact_content(record: models.Record) -> bytes:
    """The content of a point that stays exact: ID, payload, shapes of the dense vectors, and words in order."""
    digest = hashlib.sha256(f"{record.id} {json.dumps(record.payload, sort_keys=True)}".encode())
    for name, vector in _vectors_of(record).items():
        if isinstance(vector, models.SparseVector):
            words = np.array(sorted(zip(vector.indices, vector.values, strict=True)), dtype=np.float64)
            digest.update(f" {name} ".encode() + words.tobytes())
        else:
            digest.update(f" {name} {np.shape(vector)}".encode())
    return digest.digest()


def _weighted_sum(record: models.Record) -> float:
    """A weighted sum of a point's dense vectors. Weights differ by point and place, so that no two can be exchanged."""
    total = 0.0
    for vector in _vectors_of(record).values():
        if not isinstance(vector, models.SparseVector):
            numbers = np.asarray(vector, dtype=np.float64).ravel()
            total += float(numbers @ np.cos(1 + 0.7 * np.arange(numbers.size) + 1.3 * int(record.id)))
    return total
