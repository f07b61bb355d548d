"""Collections of a Qdrant server: making, publishing, checking and removing them. Searching them is the store's.

A part of a state, such as "vectors-0123456789abcdef", is a collection PREFIX-PART-points and, made last, an alias
PREFIX-PART: where the alias is, the part is complete. The alias PREFIX alone is the published part, for operators
and dashboards; stores use the part's own, because its points are positions in one catalogue.
"""

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from qdrant_client import models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException

from mcp_server.errors import BackendError, DamagedPartError
from mcp_server.vectors.qdrant_points import are_same_points, batches, digest_points, point_struct
from mcp_server.vectors.qdrant_server import QdrantServer, passing_seconds
from mcp_server.vectors.store import DIGESTS, PROFILE, SENTENCES, TEXT, WORDS, Point

OLDEST_VERSION = (1, 16)
"""The first version of the server that keeps the metadata of collections. Older ones silently drop them."""

BATCH_READ = 64
"""Number of points in one answer, when all are read."""

WRITE_SECONDS = 60
"""Time for the answer to a change."""

PAUSES = (0.5, 2.0, 5.0)
"""Seconds to wait before a batch is sent again."""


class QdrantCollections:
    """The collections that begin with one prefix. Their methods raise BackendError where the server does not answer.

    Args:
        prefix: One deployment's own: collections of parts that the deployment no longer has are removed.
    """

    def __init__(self, server: QdrantServer, prefix: str) -> None:
        self.server = server
        self._prefix, self._client = prefix, server.client()
        # The full form, so that another prefix that begins with this one is let be.
        self._ours = re.compile(rf"{re.escape(prefix)}-(vectors-[0-9a-f]{{16}})-points")

    def alias(self, name: str) -> str:
        """The name by which a part is searched."""
        return f"{self._prefix}-{name}"

    def _collection(self, name: str) -> str:
        return f"{self._prefix}-{name}-points"

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    # The server

    def version(self) -> str:
        """Version of the server."""
        with self.server.answering():
            return self._client.info().version

    def check_version(self) -> None:
        """Check the version of the server.

        Raises:
            BackendError: The server is too old.
        """
        version = self.version()
        found = re.match(r"v?(\d+)\.(\d+)", version)
        if found is None or (int(found[1]), int(found[2])) < OLDEST_VERSION:
            oldest = ".".join(map(str, OLDEST_VERSION))
            raise BackendError(f"{self.server.name} has version {version}: update it to {oldest} or newer")

    # Parts

    def exists(self, name: str) -> bool:
        """True if the part is there, and complete."""
        return self._target(self.alias(name)) is not None

    def is_whole(self, name: str) -> bool:
        """True, because an alias shows that a part is complete, and reading all points would take long."""
        return True

    def write(
        self,
        name: str,
        points: Iterable[Point],
        dimension: int,
        embedding_model: str,
        n_points: int,
        advance: Callable[[int], None] = lambda count: None,
    ) -> None:
        """Make a part. Anything that a killed preparation has left of it is removed first.

        Args:
            n_points: Number of points.
            advance: Called with the number of points written since the last call.

        Raises:
            BackendError: The server is too old, or does not take all points. The part is not complete then.
        """
        self.check_version()
        self.discard(name)
        collection = self._collection(name)
        with self.server.answering(collection):
            self._create(collection, dimension, {"embedding_model": embedding_model, "n_points": n_points})
            for batch in batches(points):
                self._upsert(collection, batch)
                advance(len(batch))
            count = self._count(collection)
            if count != n_points:
                raise BackendError(
                    f"{self.server.name} has kept {count:,} of {n_points:,} points of {collection}: "
                    "run `recsys-mcp prepare` again"
                )
            self._client.update_collection_aliases([_alias(self.alias(name), collection)], timeout=WRITE_SECONDS)

    def publish(self, name: str) -> None:
        """Point the alias PREFIX to a part, in one step.

        Raises:
            BackendError: The part is not there, or a collection has the name of the alias.
        """
        collection = self._target(self.alias(name))
        if collection is None:
            raise self._missing(name)
        with self.server.answering(collection):
            if self._prefix in self._names():
                raise BackendError(
                    f"{self.server.name} has a collection {self._prefix}, which recsys-mcp has not made: "
                    "set RECSYS_QDRANT_COLLECTION to another name"
                )
            before = [_no_alias(self._prefix)] if self._prefix in self._aliases() else []
            self._client.update_collection_aliases([*before, _alias(self._prefix, collection)], timeout=WRITE_SECONDS)

    def discard(self, name: str) -> None:
        """Remove a part: first the alias, so that half of it never counts as complete."""
        with self.server.answering():
            if self.alias(name) in self._aliases():
                self._client.update_collection_aliases([_no_alias(self.alias(name))], timeout=WRITE_SECONDS)
            if self._collection(name) in self._names():
                self._client.delete_collection(self._collection(name), timeout=WRITE_SECONDS)

    def keep_only(self, names: Collection[str]) -> None:
        """Remove all other parts with this prefix, half-made ones too."""
        with self.server.answering():
            found = [match[1] for match in map(self._ours.fullmatch, sorted(self._names())) if match]
        for name in found:
            if name not in names:
                self.discard(name)

    def check(self, name: str, n_points: int, dimension: int, embedding_model: str) -> None:
        """Check a part, without reading its points.

        Raises:
            DamagedPartError: The part is not there, has lost points, or has other vectors.
            BackendError: The server cannot be used, or is too old.
        """
        self.check_version()
        alias = self.alias(name)
        if self._target(alias) is None:
            raise self._missing(name)
        with self.server.answering(alias):
            config, count = self._client.get_collection(alias).config, self._count(alias)
        made_with = (config.metadata or {}).get("embedding_model", "an unknown model")
        if made_with != embedding_model:
            raise self._damaged(alias, f"was made with {made_with} instead of {embedding_model}")
        if not _same_vectors(config.params, dimension):
            raise self._damaged(alias, f"has other vectors than those of {embedding_model}")
        if count != n_points:
            raise self._damaged(alias, f"holds {count:,} points instead of {n_points:,}")

    def digests(self, name: str) -> dict[str, str]:
        """Read all points of a part, and digest them.

        Raises:
            BackendError: The server cannot be used.
        """
        with self.server.answering(self.alias(name)):
            return digest_points(self._points(self.alias(name)))

    def _points(self, alias: str) -> Iterator[models.Record]:
        """All points with payload and vectors, in the order of their IDs."""
        offset = None
        while True:
            records, offset = self._client.scroll(
                alias, limit=BATCH_READ, offset=offset, with_payload=True, with_vectors=True, timeout=WRITE_SECONDS
            )
            yield from records
            if offset is None:
                return

    def check_content(self, name: str, expected: Mapping[str, str]) -> None:
        """Compare the points of a part with what they were when it was made.

        Raises:
            DamagedPartError: They have changed.
        """
        if not expected:
            return
        if not are_same_points(self.digests(name), expected):
            raise self._damaged(self.alias(name), "is not as it was made (its points have changed)")

    def _create(self, collection: str, dimension: int, metadata: models.Payload) -> None:
        dense, sparse = _vectors(dimension)
        self._client.create_collection(
            collection,
            vectors_config=dense,
            sparse_vectors_config=sparse,
            metadata=metadata,
            timeout=WRITE_SECONDS,
        )
        self._client.create_payload_index(
            collection, DIGESTS, models.PayloadSchemaType.KEYWORD, timeout=WRITE_SECONDS
        )  # so that an operator finds the item of a text, where a cloud's strict mode wants an index too

    def _upsert(self, collection: str, batch: list[Point]) -> None:
        points = [point_struct(point) for point in batch]
        for pause in (*PAUSES, None):
            try:
                self._client.upsert(collection, points, wait=True, timeout=WRITE_SECONDS)
                return
            except (ApiException, QdrantException) as error:
                wait = passing_seconds(error)
                if pause is None or wait is None:
                    raise
                time.sleep(max(pause, wait))

    def _target(self, alias: str) -> str | None:
        """The collection that an alias points to."""
        with self.server.answering():
            collection = self._aliases().get(alias)
            return collection if collection in self._names() else None

    def _aliases(self) -> dict[str, str]:
        return {found.alias_name: found.collection_name for found in self._client.get_aliases().aliases}

    def _names(self) -> set[str]:
        return {found.name for found in self._client.get_collections().collections}

    def _count(self, collection: str) -> int:
        return self._client.count(collection, exact=True, timeout=WRITE_SECONDS).count

    def _missing(self, name: str) -> DamagedPartError:
        return DamagedPartError(f"{self.server.name} has no collection {self.alias(name)}: run `recsys-mcp prepare`")

    def _damaged(self, alias: str, what: str) -> DamagedPartError:
        return DamagedPartError(
            f"the collection {alias} of {self.server.name} {what}: run `recsys-mcp prepare` to make it again"
        )


def _vectors(dimension: int) -> tuple[dict[str, models.VectorParams], dict[str, models.SparseVectorParams]]:
    """The dense and sparse vectors of a collection."""
    best_match = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
    dense = {
        TEXT: models.VectorParams(size=dimension, distance=models.Distance.COSINE),
        SENTENCES: models.VectorParams(size=dimension, distance=models.Distance.COSINE, multivector_config=best_match),
        PROFILE: models.VectorParams(size=dimension, distance=models.Distance.COSINE),
    }
    return dense, {WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)}


def _same_vectors(params: models.CollectionParams, dimension: int) -> bool:
    dense, sparse = _vectors(dimension)
    found = params.vectors if isinstance(params.vectors, dict) else {}
    found_sparse = params.sparse_vectors or {}
    # What a server adds of its own, such as where the vectors are kept, does not count.
    return {name: (v.size, v.distance, v.multivector_config) for name, v in found.items()} == {
        name: (v.size, v.distance, v.multivector_config) for name, v in dense.items()
    } and {name: v.modifier for name, v in found_sparse.items()} == {name: v.modifier for name, v in sparse.items()}


def _alias(alias: str, collection: str) -> models.CreateAliasOperation:
    return models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=collection, alias_name=alias))


def _no_alias(alias: str) -> models.DeleteAliasOperation:
    return models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
