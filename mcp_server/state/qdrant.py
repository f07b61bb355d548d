"""The vectors of a state on a Qdrant server: making, opening and checking a collection there."""

from collections.abc import Callable

from mcp_server.state.folder_parts import StoreContents
from mcp_server.state.manifest import Manifest
from mcp_server.vectors.embedder import dimension_of
from mcp_server.vectors.qdrant_collections import QdrantCollections
from mcp_server.vectors.qdrant_server_store import QdrantServerStore
from mcp_server.vectors.store import VectorStore

NO_PART = f"vectors-{0:016x}"
"""Name of a part that is never made, to ask for."""


class QdrantVectors:
    """The vectors of a state, as a collection for each part."""

    def __init__(self, collections: QdrantCollections) -> None:
        self._collections = collections

    def make_vectors(self, name: str, contents: StoreContents, advance: Callable[[int], None]) -> None:
        """Write points into a new collection.

        Args:
            advance: Called with the number of points written since the last call.
        """
        self._collections.write(
            name, contents.points, contents.dimension, contents.embedding_model, contents.n_points, advance
        )

    async def vectors(self, manifest: Manifest) -> VectorStore:
        """Open the vector store.

        Raises:
            BackendError: There is no collection, it has lost points, or is of another embedding model.
        """
        assert manifest.vectors is not None
        model = manifest.embedding_model
        return await QdrantServerStore.open(
            self._collections, manifest.vectors, manifest.n_searchable, dimension_of(model), model
        )

    def check_vectors(self, manifest: Manifest) -> None:
        """Check the collection, without reading its points.

        Raises:
            DamagedPartError: It is missing, has lost points, or is of another embedding model.
            BackendError: The server cannot be used, which says nothing about the collection.
        """
        assert manifest.vectors is not None
        model = manifest.embedding_model
        self._collections.check(manifest.vectors, manifest.n_searchable, dimension_of(model), model)

    def check_points(self, manifest: Manifest) -> None:
        """Compare all points with what they were when they were made, which takes long for many.

        Raises:
            DamagedPartError: They have changed.
        """
        assert manifest.vectors is not None
        self._collections.check_content(manifest.vectors, manifest.digests_of(manifest.vectors))

    def describe(self) -> str:
        """The server and its version, for people.

        Raises:
            BackendError: The server cannot be used, or is too old.
        """
        self._collections.check_version()
        self._collections.exists(NO_PART)  # unlike asking for the version, this needs the key
        return f"{self._collections.server.name}, version {self._collections.version()}"
