"""What every vector store must do: Qdrant Edge in the process, and a Qdrant server.

The server is qdrant-client's in-memory Qdrant behind a socket, and a real one besides where RECSYS_TEST_QDRANT_URL
names it.
"""

import itertools
import math
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
import pytest_asyncio

from mcp_server.vectors.qdrant_collections import QdrantCollections
from mcp_server.vectors.qdrant_edge_store import QdrantEdgeStore, write_store
from mcp_server.vectors.qdrant_server_store import QdrantServerStore
from mcp_server.vectors.store import PREFETCH, RRF_K, HybridQuery, Point, VectorStore, Words
from tests.vectors.points import DIMENSION, ITEMS, POINTS, QUERIES, unit
from tests.vectors.servers import MODEL, SERVERS, collections_of


class Place(Protocol):
    """Where one store is, or can be made."""

    def write(self, points: Iterable[Point], dimension: int, n_points: int, advance: Callable[[int], None]) -> None: ...

    async def open(self, dimension: int, n_points: int) -> VectorStore: ...


class EdgePlace:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, points: Iterable[Point], dimension: int, n_points: int, advance: Callable[[int], None]) -> None:
        write_store(self.folder, points, dimension, advance)

    async def open(self, dimension: int, n_points: int) -> VectorStore:
        return QdrantEdgeStore(self.folder, n_points)


class ServerPlace:
    def __init__(self, collections: QdrantCollections, name: str) -> None:
        self.collections, self.name = collections, name

    def write(self, points: Iterable[Point], dimension: int, n_points: int, advance: Callable[[int], None]) -> None:
        self.collections.write(self.name, points, dimension, MODEL, n_points, advance)

    async def open(self, dimension: int, n_points: int) -> VectorStore:
        return await QdrantServerStore.open(self.collections, self.name, n_points, dimension, MODEL)


@pytest.fixture(scope="module", params=["edge", *SERVERS])
def new_place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Place]]:
    """Makes places for stores of one kind."""
    numbers = itertools.count()
    if request.param == "edge":
        yield lambda: EdgePlace(tmp_path_factory.mktemp("vectors") / "new" / "store")
        return
    with collections_of(request.param) as collections:
        yield lambda: ServerPlace(collections, f"vectors-{next(numbers):016x}")


@pytest.fixture(scope="module")
def place(new_place: Callable[[], Place]) -> Place:
    """Where POINTS are."""
    place = new_place()
    place.write(POINTS, DIMENSION, len(POINTS), lambda count: None)
    return place


@pytest_asyncio.fixture
async def store(place: Place) -> AsyncIterator[VectorStore]:
    store = await place.open(DIMENSION, len(POINTS))
    yield store
    await store.close()


def _fused(query: HybridQuery, allowed: Sequence[int], points: Sequence[Point] = POINTS) -> dict[int, float]:
    """By item, the reciprocal rank fusion of three rankings, each made by a loop over all points."""
    n_with = {word: sum(word in point.words.indices for point in points) for word in range(50)}
    asked = dict(zip(query.words.indices, query.words.values, strict=True))

    def by_words(point: Point) -> float:
        return sum(
            value * asked[word] * math.log(1 + (len(points) - n_with[word] + 0.5) / (n_with[word] + 0.5))
            for word, value in zip(point.words.indices, point.words.values, strict=True)
            if word in asked
        )

    def by_text(point: Point) -> float:
        return float(point.text @ np.array(query.text))

    def by_sentences(point: Point) -> float:
        return sum(float((point.sentences @ np.array(sentence)).max()) for sentence in query.sentences)

    scores: dict[int, float] = {}
    candidates = [point for point in points if point.item in allowed]
    for similarity in (by_text, by_sentences, by_words):
        found = [point for point in candidates if similarity is not by_words or set(asked) & set(point.words.indices)]
        for place, point in enumerate(sorted(found, key=similarity, reverse=True)[:PREFETCH]):
            scores[point.item] = scores.get(point.item, 0) + 1 / (RRF_K + place)
    return scores


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(
    ("only", "leave_out"), [(None, []), (ITEMS[5:25], []), (None, ITEMS[:30]), (ITEMS[5:25], ITEMS[:15])]
)
@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_hits_are_ranked_by_the_fusion_of_texts_sentences_and_words(
    store: VectorStore, query: HybridQuery, only: list[int] | None, leave_out: list[int], limit: int
) -> None:
    allowed = [item for item in (ITEMS if only is None else only) if item not in leave_out]
    expected = _fused(query, allowed)
    hits = await store.search(query, limit, only, leave_out)
    assert len({hit.item for hit in hits}) == len(hits) == min(limit, len(expected))
    assert {hit.item for hit in hits} <= set(allowed)
    np.testing.assert_allclose([hit.score for hit in hits], [expected[hit.item] for hit in hits], rtol=1e-5)
    best = sorted(expected.values(), reverse=True)[:limit]  # items may tie, so scores are compared
    np.testing.assert_allclose([hit.score for hit in hits], best, rtol=1e-5)


async def test_a_hit_brings_the_digests_of_its_texts(store: VectorStore) -> None:
    for hit in await store.search(QUERIES[0], 5, None, []):
        assert list(hit.digests) == [f"digest {hit.item}"]


async def test_nothing_to_choose_from_gives_nothing(store: VectorStore) -> None:
    assert await store.search(QUERIES[1], 5, [], []) == []
    assert await store.search(QUERIES[1], 5, ITEMS[:3], ITEMS[:3]) == []


async def test_items_that_are_not_in_the_store_are_ignored(store: VectorStore) -> None:
    hits = await store.search(QUERIES[1], 5, [ITEMS[0], 0, 10**9], [2, 10**9])
    assert [hit.item for hit in hits] == [ITEMS[0]]


async def test_a_store_gives_back_what_it_holds_of_an_item(store: VectorStore) -> None:
    for point in POINTS[::7]:
        stored = await store.stored(point.item)
        assert stored is not None
        np.testing.assert_allclose(stored.text, point.text, atol=1e-6)
        np.testing.assert_allclose(stored.sentences, point.sentences, atol=1e-6)
        words = dict(zip(stored.words.indices, stored.words.values, strict=True))
        assert words == pytest.approx(dict(zip(point.words.indices, point.words.values, strict=True)))


async def test_an_item_that_is_not_in_the_store_has_nothing_stored(store: VectorStore) -> None:
    assert await store.stored(0) is None
    assert await store.stored(10**9) is None


async def test_the_texts_of_many_items_are_given_at_once(store: VectorStore) -> None:
    texts = await store.texts([*ITEMS[::3], 0, 10**9])
    assert set(texts) == set(ITEMS[::3])
    for point in POINTS[::3]:
        np.testing.assert_allclose(texts[point.item], point.text, atol=1e-6)


async def test_what_is_stored_of_an_item_finds_that_item_first(store: VectorStore) -> None:
    for item in ITEMS[::9]:
        stored = await store.stored(item)
        assert stored is not None
        assert (await store.search(stored, 1, None, []))[0].item == item
        assert item not in [hit.item for hit in await store.search(stored, 100, None, [item])]


async def test_all_points_are_counted_as_they_are_written(new_place: Callable[[], Place]) -> None:
    points = [
        Point(item, unit(1, item, 0, 0), np.stack([unit(1, 0, 0, item)]), Words([1], [1]), []) for item in range(600)
    ]
    written: list[int] = []
    place = new_place()
    place.write(points, DIMENSION, 600, written.append)
    assert sum(written) == 600
    assert len(written) > 1
    store = await place.open(DIMENSION, 600)
    assert await store.count() == 600
    await store.close()


async def test_a_text_without_words_is_stored_and_found(new_place: Callable[[], Place]) -> None:
    place = new_place()
    points = [
        Point(1, unit(1, 0, 0, 0), np.stack([unit(1, 0, 0, 0)]), Words([], []), ["one"]),
        Point(2, unit(0, 1, 0, 0), np.stack([unit(0, 1, 0, 0)]), Words([5], [1.0]), ["two"]),
    ]
    place.write(points, DIMENSION, 2, lambda count: None)
    store = await place.open(DIMENSION, 2)
    stored = await store.stored(1)
    assert stored is not None
    assert (list(stored.words.indices), list(stored.words.values)) == ([], [])
    assert [hit.item for hit in await store.search(stored, 2, None, [])] == [1, 2]
    await store.close()


async def test_many_points_are_ranked_alike_by_every_store(new_place: Callable[[], Place]) -> None:
    """More points than a ranking has candidates, so that what is cut off counts too."""
    random = np.random.default_rng(11)

    def vector() -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
        return unit(*random.normal(size=16))

    def words(number: int) -> Words:
        return Words(random.choice(50, size=number, replace=False).tolist(), random.uniform(0.2, 2, number).tolist())

    points = [
        Point(item, vector(), np.stack([vector() for _ in range(random.integers(1, 6))]), words(12), [])
        for item in range(4 * PREFETCH)
    ]
    place = new_place()
    place.write(points, 16, len(points), lambda count: None)
    store = await place.open(16, len(points))
    for _ in range(10):
        query = HybridQuery(vector().tolist(), [vector().tolist(), vector().tolist()], words(3))
        only = random.choice(len(points), size=250, replace=False).tolist()
        for chosen in (None, only):
            expected = _fused(query, range(len(points)) if chosen is None else chosen, points)
            best = sorted(expected, key=expected.__getitem__, reverse=True)[:20]
            scores = np.array([expected[item] for item in best])
            hits = await store.search(query, 20, chosen, [])
            np.testing.assert_allclose([hit.score for hit in hits], scores, rtol=1e-5)
            alone = [i for i in range(19) if np.isclose(scores, scores[i], rtol=1e-5).sum() == 1]  # ties may swap
            assert len(alone) > 5
            assert [hits[i].item for i in alone] == [best[i] for i in alone]
    await store.close()
