"""Searches: their order against one that is computed from all vectors, and texts that an item has itself."""

import itertools
import math
import statistics
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from mcp_server.dataset.search import SearchWeights
from mcp_server.types import DoubleArray
from mcp_server.vectors.embedder import BUNDLED, Embedder
from mcp_server.vectors.fusion import WORD_SPREAD
from mcp_server.vectors.qdrant_edge_store import QdrantEdgeStore, write_store
from mcp_server.vectors.search import LONGEST_NAME, TextSearch
from mcp_server.vectors.store import Point
from mcp_server.vectors.texts import split_sentences, text_digest
from mcp_server.vectors.words import Bm25Indexer

TEXTS = [
    "Apple",
    "Apple pie with apple slices, apple sauce and still more apple",
    "A pear",
    "apple",
    "one two three four five six seven eight",
    "one two three four five six seven eight nine",
]


@pytest_asyncio.fixture
async def search(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TextSearch]:
    folder = tmp_path_factory.mktemp("search")
    embedder, indexer = Embedder(BUNDLED, folder / "models"), Bm25Indexer("english")
    vectors = list(embedder.embed(TEXTS))
    points = [
        Point(item, vector, np.stack([vector]), vector, indexer.document(text), [text_digest(text)])
        for item, (text, vector) in enumerate(zip(TEXTS, vectors, strict=True))
    ]
    write_store(folder / "store", points, len(vectors[0]))
    store = QdrantEdgeStore(folder / "store", len(points))
    yield await TextSearch.open(store, embedder, indexer, SearchWeights(), np.zeros(len(TEXTS)))
    await store.close()


async def test_a_short_text_finds_the_items_that_have_it_first(search: TextSearch) -> None:
    found, left_out = await search.by_text("APPLE", 3, None, [])
    assert set(found[:2].tolist()) == {0, 3}
    assert found[2] == 1
    assert left_out.tolist() == []


async def test_a_text_of_eight_words_is_short_and_one_of_nine_leaves_its_item_out(search: TextSearch) -> None:
    assert len(TEXTS[4].split()) == LONGEST_NAME
    found, left_out = await search.by_text(TEXTS[4], 6, None, [])
    assert (found[0], left_out.tolist()) == (4, [])
    found, left_out = await search.by_text(TEXTS[5], 6, None, [])
    assert left_out.tolist() == [5]
    assert set(found.tolist()) == {0, 1, 2, 3, 4}


async def test_what_is_to_be_left_out_is_left_out_though_the_text_is_its_own(search: TextSearch) -> None:
    found, left_out = await search.by_text("apple", 6, None, [0])
    assert found[0] == 3
    assert 0 not in found
    assert left_out.tolist() == []


async def test_vectors_are_in_the_order_of_items_and_zero_where_there_is_no_text(search: TextSearch) -> None:
    vectors = await search.vectors(np.array([3, 99, 0, 2]))
    cosines = vectors @ vectors.T
    np.testing.assert_allclose(np.diag(cosines), [1, 0, 1, 1], atol=1e-5)
    assert vectors[1].tolist() == [0] * vectors.shape[1]
    assert cosines[0, 2] > cosines[0, 3]
    assert (await search.vectors(np.array([99]))).any() == np.False_


async def test_a_title_comes_first_in_the_order_given_even_without_a_text(search: TextSearch) -> None:
    found = await search.find("apple sauce", 6, None, [], np.array([99, 2]))
    assert found.items[:3].tolist() == [99, 2, 1]
    assert np.isnan(found.fits).tolist() == [True, False, False, False, False, False]
    assert found.scores[0] == found.scores[1] == found.scores[2] == found.scores.max()


async def test_the_nearest_sentence_is_named_by_its_place(search: TextSearch) -> None:
    assert await search.nearest_sentences("a fruit", np.array([2, 99])) == [(0, 1), (0, 0)]
    assert await search.nearest_sentences(0, np.array([3])) == [(0, 1)]


# The order, computed from all vectors by hand

STORIES = [
    ("A dog saves a boy from a river.", "Adventure film.", 30),
    ("Two lawyers fall in love in Paris. They quarrel about a dog.", "Romance film.", 4),
    ("A detective hunts a killer in the fog. The killer was his brother.", "Thriller film.", 0),
    ("A boy and his dog walk home through the snow. They find a river.", "Family film.", 900),
    ("Soldiers wait for the end of a war.", "War film.", 7),
]
QUERY = "a boy loses his dog near a river"
WEIGHTS = SearchWeights(text=0.7, sentences=1.3, words=0.4, profile=0.2, popularity=0.6)


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    return Embedder(BUNDLED, tmp_path_factory.mktemp("models"))


@pytest_asyncio.fixture
async def stories(tmp_path: Path, embedder: Embedder) -> AsyncIterator[TextSearch]:
    """The stories are at positions 0, 2, 4, ...; the items between them have no text."""
    indexer = Bm25Indexer("english")
    points = []
    for number, (text, profile, _) in enumerate(STORIES):
        sentences = embedder.embed(split_sentences(text))
        whole, of_profile = embedder.embed([text])[0], embedder.embed([profile])[0]
        points.append(Point(2 * number, whole, sentences, of_profile, indexer.document(text), [text_digest(text)]))
    write_store(tmp_path / "store", points, len(points[0].text))
    store = QdrantEdgeStore(tmp_path / "store", len(points))
    yield await TextSearch.open(store, embedder, indexer, WEIGHTS, _popularity())
    await store.close()


def _popularity() -> DoubleArray:
    popularity = np.zeros(2 * len(STORIES))
    popularity[::2] = [n for _, _, n in STORIES]
    return popularity


def _cosines(embedder: Embedder) -> list[tuple[float, float, float]]:
    """For each story the cosines of text, best sentence and profile with the query."""
    query = embedder.embed([QUERY])[0]
    return [
        (
            float(embedder.embed([text])[0] @ query),
            max(float(vector @ query) for vector in embedder.embed(split_sentences(text))),
            float(embedder.embed([profile])[0] @ query),
        )
        for text, profile, _ in STORIES
    ]


def _bm25(text: str) -> float:
    """The sum over the words of the query, by a loop over all stories."""
    indexer, n = Bm25Indexer("english"), len(STORIES)
    documents = [indexer.document(each).indices for each, _, _ in STORIES]
    own, total = indexer.document(text), 0.0
    of_text = dict(zip(own.indices, own.values, strict=True))
    query = indexer.query(QUERY)
    for word, weight in zip(query.indices, query.values, strict=True):
        n_with = sum(word in document for document in documents)
        total += weight * of_text.get(word, 0.0) * math.log(1 + (n - n_with + 0.5) / (n_with + 0.5))
    return total


def _background(embedder: Embedder) -> tuple[float, float]:
    texts = [text for text, _, _ in STORIES]
    pairs = [float(a @ b) for a, b in itertools.permutations(embedder.embed(texts), 2)]
    return statistics.fmean(pairs), statistics.pstdev(pairs)


async def test_the_order_is_the_weighted_sum_of_what_each_form_says_and_of_popularity(
    stories: TextSearch, embedder: Embedder
) -> None:
    mean, spread = _background(embedder)
    logs = [math.log1p(number) for number in _popularity()]
    known = [(value - statistics.fmean(logs)) / statistics.pstdev(logs) for value in logs]
    of_words = WORD_SPREAD * math.sqrt(len(Bm25Indexer("english").query(QUERY).indices))
    expected = {
        2 * number: 0.7 * (text - mean) / spread
        + 1.3 * (sentence - mean) / spread
        + 0.2 * (profile - mean) / spread
        + 0.4 * _bm25(STORIES[number][0]) / of_words
        + 0.6 * known[2 * number]
        for number, (text, sentence, profile) in enumerate(_cosines(embedder))
    }
    found = await stories.find(QUERY, 10, None, [])
    assert found.items.tolist() == sorted(expected, key=lambda item: -expected[item])
    np.testing.assert_allclose(found.scores, [expected[item] for item in found.items.tolist()], rtol=1e-4)
    among = await stories.find(QUERY, 10, np.array([4, 6, 7, 8]), [8])
    assert among.items.tolist() == [item for item in found.items.tolist() if item in (4, 6)]
    np.testing.assert_allclose(among.scores, [expected[item] for item in among.items.tolist()], rtol=1e-4)


async def test_the_fit_says_how_near_the_nearest_text_is_between_chance_and_the_same_text(
    stories: TextSearch, embedder: Embedder
) -> None:
    mean, _ = _background(embedder)
    nearest = [(max(each) - mean) / (1 - mean) for each in _cosines(embedder)]
    expected = {2 * number: 100 * min(max(share, 0), 1) for number, share in enumerate(nearest)}
    found = await stories.find(QUERY, 10, None, [])
    np.testing.assert_allclose(found.fits, [expected[item] for item in found.items.tolist()], rtol=1e-3, atol=1e-3)
    same = await stories.find("The killer was his brother.", 1, None, [])
    assert same.items.tolist() == [4]
    np.testing.assert_allclose(same.fits, [100], atol=1e-2)


async def test_the_nearest_of_several_sentences_is_the_one_that_tells_of_it(stories: TextSearch) -> None:
    assert await stories.nearest_sentences("a quarrel", np.array([2, 4])) == [(1, 2), (1, 2)]
    assert (await stories.nearest_sentences(2, np.array([6])))[0][1] == 2


async def test_candidates_for_being_like_an_item_are_compared_even_if_they_are_not_near(stories: TextSearch) -> None:
    found = await stories.nearest_to(0, 1, np.array([6]), [0], np.array([8]))
    assert found is not None
    assert set(found.items.tolist()) == {6, 8}
    assert await stories.nearest_to(1, 1, None, [], np.array([8])) is None
