"""Points on a Qdrant server: their form and their batches, and their digests, which show whether they have changed.

A server may normalise dense vectors again when it moves them, which changes their last bits. So these count as a sum,
and everything else exactly.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from qdrant_client import models

from mcp_server.vectors.store import DIGESTS, PROFILE, SENTENCES, TEXT, WORDS, Point

BATCH_POINTS, BATCH_NUMBERS = 256, 200_000
"""Largest number of points, and of numbers in their vectors, in one request: 4 MB, while servers take 32 MB by default.
"""


def batches(points: Iterable[Point]) -> Iterator[list[Point]]:
    """Points in batches, each of which fits into one request."""
    batch: list[Point] = []
    numbers = 0
    for point in points:
        size = point.n_numbers
        if batch and (len(batch) == BATCH_POINTS or numbers + size > BATCH_NUMBERS):
            yield batch
            batch, numbers = [], 0
        batch.append(point)
        numbers += size
    if batch:
        yield batch


def point_struct(point: Point) -> models.PointStruct:
    """A point as the client takes it."""
    vectors: dict[str, models.Vector] = {
        TEXT: point.text.tolist(),
        SENTENCES: point.sentences.tolist(),
        PROFILE: point.profile.tolist(),
    }
    if point.words.indices:  # a text of stop words alone has none
        vectors[WORDS] = models.SparseVector(indices=list(point.words.indices), values=list(point.words.values))
    return models.PointStruct(id=point.item, vector=vectors, payload={DIGESTS: list(point.digests)})


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
