"""Vector stores as parts on a Qdrant server: collections."""

from collections.abc import Callable

from mcp_server.current import Current
from mcp_server.errors import DamagedPartError
from mcp_server.storage.vectors import StoreContents
from mcp_server.vectors.embedder import dimension_of
from mcp_server.vectors.qdrant_collections import QdrantCollections
from mcp_server.vectors.qdrant_server_store import QdrantServerStore
from mcp_server.vectors.store import VectorStore

NO_PART = f"vectors-{0:016x}"


class ServerVectorStores:
    """Collections on a Qdrant server."""

    def __init__(self, collections: QdrantCollections) -> None:
        self._collections = collections
        self.exists, self.discard, self.keep_only = collections.exists, collections.discard, collections.keep_only

    def make(self, name: str, contents: StoreContents, advance: Callable[[int], None]) -> None:
        self._collections.write(
            name, contents.points, contents.dimension, contents.embedding_model, contents.n_points, advance
        )

    async def open(self, current: Current) -> VectorStore:
        assert current.vectors is not None
        return await QdrantServerStore.open(
            self._collections,
            current.vectors,
            current.n_searchable,
            dimension_of(current.embedding_model),
            current.embedding_model,
        )

    def is_damaged(self, current: Current) -> bool:
        """Raises: BackendError: the server cannot be used, which says nothing of the collection."""
        assert current.vectors is not None
        model = current.embedding_model
        try:
            self._collections.check(current.vectors, current.n_searchable, dimension_of(model), model)
        except DamagedPartError:
            return True
        return False

    def publish(self, current: Current) -> None:
        if current.vectors is not None:
            self._collections.publish(current.vectors)

    def describe(self) -> str:
        """The server, for people. Raises: BackendError: it cannot be used, or is too old."""
        self._collections.check_version()
        self._collections.exists(NO_PART)  # unlike the version, this needs the key
        return f"{self._collections.server.name}, version {self._collections.version()}"
