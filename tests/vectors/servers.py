"""Qdrant servers to test with: the in-memory one behind a socket, and a real one where the environment names it."""

import contextlib
import os
import secrets
from collections.abc import Iterator

import pytest

from mcp_server.vectors.qdrant_collections import QdrantCollections
from mcp_server.vectors.qdrant_server import QdrantServer
from mcp_server.vectors.qdrant_server_store import QdrantServerStore
from mcp_server.vectors.store import Point
from tests.vectors.points import DIMENSION, POINTS
from tests.vectors.qdrant_over_http import QdrantOverHttp

SERVERS = ["server in memory", "real server"]

NAME, OTHER = "vectors-0123456789abcdef", "vectors-fedcba9876543210"
"""Parts."""

MODEL = "a-model"


@contextlib.contextmanager
def collections_of(server: str) -> Iterator[QdrantCollections]:
    """Collections with a prefix of their own, which are removed afterwards."""
    prefix = f"recsys-test-{secrets.token_hex(4)}"
    with contextlib.ExitStack() as stack:
        if server == "server in memory":
            url: str | None = stack.enter_context(QdrantOverHttp()).url
            key = None
        else:
            url, key = os.environ.get("RECSYS_TEST_QDRANT_URL"), os.environ.get("RECSYS_TEST_QDRANT_API_KEY")
        if url is None:
            pytest.skip("RECSYS_TEST_QDRANT_URL names no Qdrant server")
        collections = QdrantCollections(QdrantServer(url, key), prefix)
        stack.callback(collections.close)
        stack.callback(collections.keep_only, [])
        yield collections


def write_points(collections: QdrantCollections, name: str = NAME, points: list[Point] = POINTS) -> None:
    collections.write(name, points, DIMENSION, MODEL, len(points))


def check_points(collections: QdrantCollections, name: str = NAME) -> None:
    collections.check(name, len(POINTS), DIMENSION, MODEL)


async def open_store(collections: QdrantCollections) -> QdrantServerStore:
    return await QdrantServerStore.open(collections, NAME, len(POINTS), DIMENSION, MODEL)
