"""What is a Qdrant server's own in searching: connections that are lost, and parts that are. What every store must do
is in test_store.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from mcp_server.errors import BackendError
from mcp_server.vectors.qdrant_collections import QdrantCollections
from mcp_server.vectors.qdrant_server import QdrantServer
from mcp_server.vectors.qdrant_server_store import QdrantServerStore
from tests.vectors.points import ITEMS, POINTS, QUERIES
from tests.vectors.qdrant_over_http import QdrantOverHttp
from tests.vectors.servers import NAME, open_store, write_points


async def test_a_store_is_opened_only_where_its_part_is_as_it_should_be(
    collections: QdrantCollections, client: QdrantClient
) -> None:
    with pytest.raises(BackendError, match="no collection"):
        await open_store(collections)
    write_points(collections)
    await (await open_store(collections)).close()
    client.delete(collections.alias(NAME), models.PointIdsList(points=ITEMS[:1]))
    with pytest.raises(BackendError, match="39 points instead of 40"):
        await open_store(collections)


@contextlib.asynccontextmanager
async def _served(memory: QdrantOverHttp) -> AsyncIterator[QdrantServerStore]:
    collections = QdrantCollections(QdrantServer(memory.url), "recsys")
    write_points(collections)
    store = await open_store(collections)
    yield store
    await store.close()
    collections.close()


async def test_many_may_search_at_once(collections: QdrantCollections) -> None:
    write_points(collections)
    store = await open_store(collections)
    alone = [await store.search(query, 5, None, []) for query in QUERIES]
    together = await asyncio.gather(*(store.search(query, 5, None, []) for query in QUERIES * 10))
    for found, expected in zip(together, alone * 10, strict=True):
        np.testing.assert_array_equal(found.nearness, expected.nearness)
        np.testing.assert_array_equal(found.items, expected.items)
    await store.close()


async def test_a_connection_that_is_lost_once_is_not_noticed(memory: QdrantOverHttp) -> None:
    async with _served(memory) as store:
        expected = (await store.search(QUERIES[1], 5, None, [])).items.tolist()

        async def search() -> list[int]:
            found = await store.search(QUERIES[1], 5, None, [])
            return [int(item) for item in found.items]

        for ask, answer in (
            (search, expected),
            (lambda: store.stored(ITEMS[0]), await store.stored(ITEMS[0])),
            (store.count, len(POINTS)),
        ):
            memory.hang_ups = 1
            assert await ask() == answer
            assert memory.hang_ups == 0


async def test_a_connection_that_is_lost_again_is_told_of(memory: QdrantOverHttp) -> None:
    async with _served(memory) as store:
        memory.hang_ups = 2
        with pytest.raises(BackendError, match=r"cannot be reached just now \(Server disconnected"):
            await store.count()
        assert memory.hang_ups == 0
        assert await store.count() == len(POINTS)


async def test_a_part_that_is_removed_while_it_is_searched_is_told_of(
    collections: QdrantCollections, client: QdrantClient
) -> None:
    write_points(collections)
    store = await open_store(collections)
    collections.discard(NAME)
    for ask in (lambda: store.search(QUERIES[0], 5, None, []), lambda: store.stored(ITEMS[0]), store.count):
        with pytest.raises(BackendError, match=f"no collection {collections.alias(NAME)}: run `recsys-mcp prepare`"):
            await ask()
    await store.close()


async def test_a_store_can_be_used_again_once_its_server_is_back() -> None:
    with QdrantOverHttp() as memory:
        port = memory.port
        collections = QdrantCollections(QdrantServer(memory.url), "recsys")
        write_points(collections)
        store = await open_store(collections)
    with pytest.raises(BackendError, match="cannot be reached just now"):
        await store.count()
    with QdrantOverHttp(port=port):
        write_points(collections, points=POINTS[:7])
        assert await store.count() == 7
    collections.close()
    await store.close()
