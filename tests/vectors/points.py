"""Points to fill vector stores with, and queries for them."""

import numpy as np

from mcp_server.vectors.store import HybridQuery, Point, Words

DIMENSION = 4


def unit(*numbers: float) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    vector = np.array(numbers, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def query_of(*numbers: float, words: Words | None = None) -> HybridQuery:
    vector = unit(*numbers).tolist()
    return HybridQuery(vector, [vector], vector, words or Words([], []))


def _points() -> list[Point]:
    """Forty items at odd positions, with one to three sentences and some of ten words."""
    random = np.random.default_rng(3)
    points = []
    for item in range(1, 81, 2):
        sentences = np.stack([unit(*random.normal(size=4)) for _ in range(random.integers(1, 4))])
        indices = sorted(random.choice(10, size=random.integers(1, 5), replace=False).tolist())
        words = Words(indices, random.uniform(0.2, 2, size=len(indices)).tolist())
        text, profile = unit(*random.normal(size=4)), unit(*random.normal(size=4))
        points.append(Point(item, text, sentences, profile, words, [f"digest {item}"]))
    return points


POINTS = _points()
ITEMS = [point.item for point in POINTS]

QUERIES = [
    query_of(1, 0, 0, 0),
    query_of(-1, 2, 0.5, 1, words=Words([3], [1.0])),
    query_of(0.1, 0, -3, 1, words=Words([0, 4, 9], [1.0, 2.0, 0.5])),
    HybridQuery(
        unit(1, 1, 0, 0).tolist(),
        [unit(0, 1, 0, 1).tolist(), unit(1, 0, 0, 0).tolist()],
        unit(0, 0, 1, 1).tolist(),
        Words([2], [1]),
    ),
]
