"""Searches with a text that an item has itself."""

from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from mcp_server.vectors.embedder import BUNDLED, Embedder
from mcp_server.vectors.qdrant_edge_store import QdrantEdgeStore, write_store
from mcp_server.vectors.search import LONGEST_NAME, TextSearch
from mcp_server.vectors.store import Point
from mcp_server.vectors.texts import text_digest
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
        Point(item, vector, np.stack([vector]), indexer.document(text), [text_digest(text)])
        for item, (text, vector) in enumerate(zip(TEXTS, vectors, strict=True))
    ]
    write_store(folder / "store", points, len(vectors[0]))
    store = QdrantEdgeStore(folder / "store", len(points))
    yield TextSearch(store, embedder, indexer)
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
