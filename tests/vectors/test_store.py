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
from mcp_server.vectors.store import LIKELY_OWN, SENTENCES, TEXT, HybridQuery, Point, VectorStore, Words
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


def _by_hand(query: HybridQuery, points: Sequence[Point]) -> dict[int, list[float]]:
    """By item, how near it is by each form: text, sentences, profile and words, computed by a loop over all points."""
    n_with = {word: sum(word in point.words.indices for point in points) for word in range(50)}
    asked = dict(zip(query.words.indices, query.words.values, strict=True))

    def by_words(point: Point) -> float:
        return sum(
            value * asked[word] * math.log(1 + (len(points) - n_with[word] + 0.5) / (n_with[word] + 0.5))
            for word, value in zip(point.words.indices, point.words.values, strict=True)
            if word in asked
        )

    def by_sentences(point: Point) -> float:
        best = [max(float(np.dot(one, other)) for other in point.sentences) for one in query.sentences]
        return sum(best) / len(best)

    return {
        point.item: [
            float(np.dot(query.text, point.text)),
            by_sentences(point),
            float(np.dot(query.profile, point.profile)),
            by_words(point),
        ]
        for point in points
    }


def _candidates(nearness: dict[int, list[float]], allowed: Sequence[int], limit: int) -> set[int]:
    """The items that some form finds: the nearest ones, by words only those that share any."""
    found: set[int] = set()
    for form in range(4):
        able = [item for item in allowed if form < 3 or nearness[item][form] > 0]
        found.update(sorted(able, key=lambda item: -nearness[item][form])[:limit])
    return found


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(
    ("only", "leave_out"), [(None, []), (ITEMS[5:25], []), (None, ITEMS[:30]), (ITEMS[5:25], ITEMS[:15])]
)
@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_what_any_form_finds_is_compared_by_all_of_them(
    store: VectorStore, query: HybridQuery, only: list[int] | None, leave_out: list[int], limit: int
) -> None:
    allowed = [item for item in (ITEMS if only is None else only) if item not in leave_out]
    expected = _by_hand(query, POINTS)
    hits = await store.search(query, limit, only, leave_out)
    assert hits.items.tolist() == sorted(_candidates(expected, allowed, limit))
    assert hits.n_words == len(query.words.indices)
    np.testing.assert_allclose(hits.nearness, [expected[item] for item in hits.items.tolist()], rtol=1e-5, atol=1e-5)


async def test_more_candidates_are_compared_with_those_that_are_found(store: VectorStore) -> None:
    expected = _by_hand(QUERIES[1], POINTS)
    hits = await store.search(QUERIES[1], 1, ITEMS[:1], [], also=[ITEMS[7], ITEMS[3], 0, 10**9])
    assert hits.items.tolist() == [ITEMS[0], ITEMS[3], ITEMS[7]]
    np.testing.assert_allclose(hits.nearness, [expected[item] for item in hits.items.tolist()], rtol=1e-5, atol=1e-5)


async def test_a_hit_brings_the_digests_of_its_texts(store: VectorStore) -> None:
    expected = _by_hand(QUERIES[1], POINTS)
    hits = await store.search(QUERIES[1], 15, None, [])
    assert {item: list(digests) for item, digests in hits.digests.items()} == {
        item: [f"digest {item}"] for item in hits.digests
    }
    assert _candidates(expected, ITEMS, LIKELY_OWN) <= set(hits.digests)


async def test_nothing_to_choose_from_gives_nothing(store: VectorStore) -> None:
    for only, leave_out in (([], []), (ITEMS[:3], ITEMS[:3])):
        hits = await store.search(QUERIES[1], 5, only, leave_out)
        assert (hits.items.tolist(), hits.nearness.shape, hits.digests) == ([], (0, 4), {})


async def test_items_that_are_not_in_the_store_are_ignored(store: VectorStore) -> None:
    hits = await store.search(QUERIES[1], 5, [ITEMS[0], 0, 10**9], [2, 10**9])
    assert hits.items.tolist() == [ITEMS[0]]


async def test_a_store_gives_back_what_it_holds_of_an_item(store: VectorStore) -> None:
    for point in POINTS[::7]:
        stored = await store.stored(point.item)
        assert stored is not None
        np.testing.assert_allclose(stored.text, point.text, atol=1e-6)
        np.testing.assert_allclose(stored.sentences, point.sentences, atol=1e-6)
        np.testing.assert_allclose(stored.profile, point.profile, atol=1e-6)
        words = dict(zip(stored.words.indices, stored.words.values, strict=True))
        assert words == pytest.approx(dict(zip(point.words.indices, point.words.values, strict=True)))


async def test_an_item_that_is_not_in_the_store_has_nothing_stored(store: VectorStore) -> None:
    assert await store.stored(0) is None
    assert await store.stored(10**9) is None


async def test_the_texts_and_sentences_of_many_items_are_given_at_once(store: VectorStore) -> None:
    texts = await store.vectors(TEXT, [*ITEMS[::3], 0, 10**9])
    sentences = await store.vectors(SENTENCES, [*ITEMS[::3], 0, 10**9])
    assert set(texts) == set(sentences) == set(ITEMS[::3])
    for point in POINTS[::3]:
        np.testing.assert_allclose(texts[point.item], point.text, atol=1e-6)
        np.testing.assert_allclose(sentences[point.item], point.sentences, atol=1e-6)


async def test_what_is_stored_of_an_item_is_nearest_to_that_item(store: VectorStore) -> None:
    for item in ITEMS[::9]:
        stored = await store.stored(item)
        assert stored is not None
        hits = await store.search(stored, 1, None, [])
        np.testing.assert_allclose(hits.nearness[hits.items.tolist().index(item), :3], 1, atol=1e-5)
        assert item not in (await store.search(stored, 100, None, [item])).items


async def test_all_points_are_counted_as_they_are_written(new_place: Callable[[], Place]) -> None:
    points = [
        Point(item, unit(1, item, 0, 0), np.stack([unit(1, 0, 0, item)]), unit(1, 0, 0, 0), Words([1], [1]), [])
        for item in range(600)
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
        Point(1, unit(1, 0, 0, 0), np.stack([unit(1, 0, 0, 0)]), unit(0, 0, 0, 1), Words([], []), ["one"]),
        Point(2, unit(0, 1, 0, 0), np.stack([unit(0, 1, 0, 0)]), unit(0, 0, 1, 0), Words([5], [1.0]), ["two"]),
    ]
    place.write(points, DIMENSION, 2, lambda count: None)
    store = await place.open(DIMENSION, 2)
    stored = await store.stored(1)
    assert stored is not None
    assert (list(stored.words.indices), list(stored.words.values)) == ([], [])
    hits = await store.search(stored, 2, None, [])
    np.testing.assert_allclose(hits.nearness, [[1, 1, 1, 0], [0, 0, 0, 0]], atol=1e-6)
    assert hits.items.tolist() == [1, 2]
    await store.close()


async def test_many_points_are_compared_alike_by_every_store(new_place: Callable[[], Place]) -> None:
    """More points than a form finds, so that what is cut off counts too."""
    random = np.random.default_rng(11)

    def vector() -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
        return unit(*random.normal(size=16))

    def words(number: int) -> Words:
        return Words(random.choice(50, size=number, replace=False).tolist(), random.uniform(0.2, 2, number).tolist())

    points = [
        Point(item, vector(), np.stack([vector() for _ in range(random.integers(1, 6))]), vector(), words(12), [])
        for item in range(400)
    ]
    place = new_place()
    place.write(points, 16, len(points), lambda count: None)
    store = await place.open(16, len(points))
    for _ in range(10):
        sentences = [vector().tolist(), vector().tolist()]
        query = HybridQuery(vector().tolist(), sentences, vector().tolist(), words(3))
        expected = _by_hand(query, points)
        only = random.choice(len(points), size=250, replace=False).tolist()
        for chosen in (None, only):
            hits = await store.search(query, 50, chosen, [])
            found = hits.items.tolist()
            assert found == sorted(_candidates(expected, range(len(points)) if chosen is None else chosen, 50))
            np.testing.assert_allclose(hits.nearness, [expected[item] for item in found], rtol=1e-4, atol=1e-5)
    await store.close()
