"""The vector store of a Qdrant server or cloud: searching a collection that QdrantCollections has made."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from qdrant_client import models
from qdrant_client.http.exceptions import ApiException

from mcp_server.vectors.qdrant_collections import QdrantCollections
from mcp_server.vectors.qdrant_server import QdrantServer, is_lost_connection
from mcp_server.vectors.store import (
    DIGESTS,
    PROFILE,
    SENTENCES,
    TEXT,
    WORDS,
    DenseForm,
    Form,
    Hits,
    HybridQuery,
    Sought,
    Words,
    made,
)

T = TypeVar("T")


class QdrantServerStore:
    """A collection of a server, which many processes may read.

    Args:
        collection: By its name or an alias. Nothing is asked of the server before the first search: see `open`.
    """

    def __init__(self, server: QdrantServer, collection: str) -> None:
        self._server, self._collection = server, collection
        self._client = server.async_client()

    @classmethod
    async def open(
        cls, collections: QdrantCollections, name: str, n_points: int, dimension: int, embedding_model: str
    ) -> "QdrantServerStore":
        """The store of a part, which is checked first.

        Raises:
            BackendError: The server is not there, or does not have the part as it should be.
        """
        await asyncio.to_thread(collections.check, name, n_points, dimension, embedding_model)
        return cls(collections.server, collections.alias(name))

    async def search(
        self,
        sought: Sought,
        limit: int,
        only: Sequence[int] | None,
        leave_out: Sequence[int],
        also: Sequence[int] = (),
    ) -> Hits:
        query = await asyncio.to_thread(made, sought)
        nearest = await self._nearest(query, limit, _filter(only, leave_out))
        candidates = {int(point.id) for points in nearest.values() for point in points}.union(also)
        if not candidates:
            return Hits.collect(query, {}, {})
        found = await self._nearest(query, len(candidates), _filter(sorted(candidates), []), with_payload=[DIGESTS])
        return Hits.collect(
            query,
            {form: {int(point.id): point.score for point in points} for form, points in found.items()},
            {int(point.id): (point.payload or {}).get(DIGESTS, []) for point in found[TEXT]},
        )

    async def _nearest(
        self,
        query: HybridQuery,
        limit: int,
        condition: models.Filter | None,
        *,
        with_payload: bool | Sequence[str] = False,
    ) -> dict[Form, list[models.ScoredPoint]]:
        """The points that are nearest by each form, in one request.

        Args:
            with_payload: What to give of the payload beside the nearness of whole texts.
        """
        requests = [
            models.QueryRequest(
                query=_sought(query, form),
                using=form,
                filter=condition,
                limit=limit,
                with_payload=with_payload if form == TEXT else False,
            )
            for form in query.forms
        ]
        answers = await self._read(lambda: self._client.query_batch_points(self._collection, requests))
        return {form: answer.points for form, answer in zip(query.forms, answers, strict=True)}

    async def stored(self, item: int) -> HybridQuery | None:
        records = await self._read(
            lambda: self._client.retrieve(self._collection, [item], with_payload=False, with_vectors=True)
        )
        if not records:
            return None
        vectors = cast("dict[str, Any]", records[0].vector)
        words = vectors.get(WORDS) or models.SparseVector(indices=[], values=[])
        return HybridQuery(vectors[TEXT], vectors[SENTENCES], vectors[PROFILE], Words(words.indices, words.values))

    async def vectors(self, form: DenseForm, items: Sequence[int]) -> Mapping[int, Any]:
        records = await self._read(
            lambda: self._client.retrieve(self._collection, list(items), with_payload=False, with_vectors=[form])
        )
        return {int(record.id): cast("dict[str, Any]", record.vector)[form] for record in records}

    async def count(self) -> int:
        return (await self._read(lambda: self._client.count(self._collection, exact=True))).count

    async def close(self) -> None:
        await self._client.close()

    async def _read(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask, and once again where the connection is lost: servers and proxies close those that were idle."""
        with self._server.answering(self._collection):
            try:
                return await ask()
            except ApiException as error:
                if not is_lost_connection(error):
                    raise
                return await ask()


def _sought(query: HybridQuery, form: Form) -> Any:
    if form == WORDS:
        return models.SparseVector(indices=list(query.words.indices), values=list(query.words.values))
    return query.form(form)


def _filter(only: Sequence[int] | None, leave_out: Sequence[int]) -> models.Filter | None:
    if only is None and not leave_out:
        return None
    return models.Filter(
        must=None if only is None else [models.HasIdCondition(has_id=list(only))],
        must_not=[models.HasIdCondition(has_id=list(leave_out))] if leave_out else None,
    )
