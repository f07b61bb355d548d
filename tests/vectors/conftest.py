"""Fixtures: collections of a Qdrant server."""

from collections.abc import Iterator

import pytest
from qdrant_client import QdrantClient

from mcp_server.vectors.qdrant_collections import QdrantCollections
from tests.vectors.qdrant_over_http import QdrantOverHttp
from tests.vectors.servers import SERVERS, collections_of


@pytest.fixture(params=SERVERS)
def collections(request: pytest.FixtureRequest) -> Iterator[QdrantCollections]:
    with collections_of(request.param) as collections:
        yield collections


@pytest.fixture
def client(collections: QdrantCollections) -> Iterator[QdrantClient]:
    """An operator's, of the same server."""
    client = collections.server.client()
    yield client
    client.close()


@pytest.fixture
def memory() -> Iterator[QdrantOverHttp]:
    with QdrantOverHttp() as memory:
        yield memory
