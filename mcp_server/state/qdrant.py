"""Vector stores as parts on a Qdrant server: collections."""

from collections.abc import Callable

from mcp_server.files.digests import Digests
from mcp_server.state.manifest import Manifest
from mcp_server.state.vectors import StoreContents
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

    async def open(self, current: Manifest) -> VectorStore:
        assert current.vectors is not None
        return await QdrantServerStore.open(
            self._collections,
            current.vectors,
            current.n_searchable,
            dimension_of(current.embedding_model),
            current.embedding_model,
        )

    def check(self, current: Manifest) -> None:
        """Raises: BackendError: the server cannot be used, which says nothing of the collection."""
        assert current.vectors is not None
        model = current.embedding_model
        self._collections.check(current.vectors, current.n_searchable, dimension_of(model), model)

    def check_content(self, current: Manifest) -> None:
        """Reads all points, which takes long for many.

        Raises:
            DamagedPartError: They are not what they were.
        """
        assert current.vectors is not None
        self._collections.check_content(current.vectors, current.digests_of(current.vectors))

    def digests(self, name: str) -> Digests:
        return self._collections.digests(name)

    def is_whole(self, name: str) -> bool:
        """A collection that is complete has an alias; more was not written down."""
        return True

    def publish(self, current: Manifest) -> None:
        if current.vectors is not None:
            self._collections.publish(current.vectors)

    def describe(self) -> str:
        """The server, for people. Raises: BackendError: it cannot be used, or is too old."""
        self._collections.check_version()
        self._collections.exists(NO_PART)  # unlike the version, this needs the key
        return f"{self._collections.server.name}, version {self._collections.version()}"
