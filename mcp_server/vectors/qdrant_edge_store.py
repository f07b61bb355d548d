"""The embedded vector store: Qdrant Edge, Qdrant's own engine inside the process.

A store is written once, in a folder of its own, and only read afterwards. It has no write-ahead log, whose lock
would keep a second process from opening the same folder.

The engine opens all files for writing, and writes two small ones anew, without changing what they mean. Where that is
not possible, it is given a copy of the store in the folder for temporary files.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, cast

import qdrant_edge as edge

from mcp_server.errors import DamagedPartError, UnwritableError
from mcp_server.files.digests import lasting_files
from mcp_server.files.disk import MIB, UNWRITABLE, free_bytes, require_room, system_number
from mcp_server.files.sparse_files import copy_sparsely, stored_bytes
from mcp_server.vectors.store import (
    DIGESTS,
    LIKELY_OWN,
    PROFILE,
    SENTENCES,
    TEXT,
    WORDS,
    DenseForm,
    Form,
    Hits,
    HybridQuery,
    Point,
    Sought,
    Words,
    made,
)

logger = logging.getLogger(__name__)

BATCH = 256

BYTES_OF_A_NUMBER = 4

FEW = 20
"""Items that are left out after a query rather than by it."""

SPARE_BYTES = 16 * MIB
"""Room that the engine may take for itself when it opens or makes a store. Its files are mapped into memory, and the
system ends a process that touches a page of theirs for which there is no room on disk."""


def write_store(
    folder: Path, points: Iterable[Point], dimension: int, advance: Callable[[int], None] = lambda count: None
) -> None:
    """Fill a new store.

    Args:
        folder: Is made; must not hold a store.
        advance: Called with the number of points written since the last call.

    Raises:
        UnwritableError: There is no room for all points.
    """
    folder.mkdir(parents=True, exist_ok=True)
    multi = edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)
    cosine, cold = edge.Distance.Cosine, edge.Memory.Cold
    # Cold: pages come from the file when they are used. Queries take as long, and an open store of 1,682 films
    # takes 65 MB instead of 200, because the engine's files are laid out in 32 MB pieces, mostly empty.
    config = edge.EdgeConfig(
        vectors={
            TEXT: edge.EdgeVectorParams(dimension, cosine, memory=cold),
            SENTENCES: edge.EdgeVectorParams(dimension, cosine, memory=cold, multivector_config=multi),
            PROFILE: edge.EdgeVectorParams(dimension, cosine, memory=cold),
        },
        sparse_vectors={WORDS: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf, memory=cold)},
        payload_memory=cold,
        id_tracker_memory=cold,
        wal_enabled=False,
    )
    what = f"the vector store in {folder}"
    require_room(folder, what, SPARE_BYTES)
    shard = edge.EdgeShard.create(str(folder), config)
    rest = iter(points)
    while batch := list(islice(rest, BATCH)):
        numbers = sum(point.n_numbers for point in batch)
        require_room(folder, what, SPARE_BYTES + 2 * BYTES_OF_A_NUMBER * numbers)
        shard.update(edge.UpdateOperation.upsert_points([_edge_point(point) for point in batch]))
        advance(len(batch))
    shard.flush()
    shard.close()
    edge.EdgeShard.load(str(folder)).close()  # merges files that the first to open it would merge, so that it stays so


def _edge_point(point: Point) -> edge.Point:
    vectors = {
        TEXT: point.text.tolist(),
        SENTENCES: point.sentences.tolist(),
        PROFILE: point.profile.tolist(),
        WORDS: edge.SparseVector(list(point.words.indices), list(point.words.values)),
    }
    return edge.Point(point.item, cast("Any", vectors), {DIGESTS: list(point.digests)})


class QdrantEdgeStore:
    """A store in a folder; any number of processes may read it at once. The engine computes beside the event loop."""

    def __init__(self, folder: Path, n_points: int | None = None) -> None:
        """Open a store.

        Args:
            n_points: How many points it should hold; the engine opens a store that has lost some without a word.

        Raises:
            DamagedPartError: There is no store in the folder, or not all of it.
            UnwritableError: The folder cannot be written, and there is no room for a copy.
        """
        self._folder = folder
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        if not folder.is_dir():
            raise DamagedPartError(f"there is no vector store in {folder}: run `recsys-mcp prepare`")
        with self._reading():
            self._shard = self._load()
        if n_points is not None and self._count() != n_points:
            raise self._failure(f"it holds {self._count():,} points instead of {n_points:,}")

    def _load(self) -> edge.EdgeShard:
        if free_bytes(self._folder) >= SPARE_BYTES:
            try:
                return edge.EdgeShard.load(str(self._folder))
            except Exception as error:  # the engine's own are bare ones
                if system_number(str(error)) not in UNWRITABLE:
                    raise
        self._copy = _copy_aside(self._folder)
        shard = edge.EdgeShard.load(self._copy.name)
        if os.name == "posix":  # where files in use can be removed, so that nothing is left when the process is killed
            shutil.rmtree(self._copy.name)
        return shard

    async def search(
        self,
        sought: Sought,
        limit: int,
        only: Sequence[int] | None,
        leave_out: Sequence[int],
        also: Sequence[int] = (),
    ) -> Hits:
        return await asyncio.to_thread(lambda: self._search(made(sought), limit, only, leave_out, also))

    async def stored(self, item: int) -> HybridQuery | None:
        return await asyncio.to_thread(self._stored, item)

    async def vectors(self, form: DenseForm, items: Sequence[int]) -> Mapping[int, Any]:
        return await asyncio.to_thread(self._vectors, form, items)

    async def count(self) -> int:
        return await asyncio.to_thread(self._count)

    async def close(self) -> None:
        self.dispose()

    def dispose(self) -> None:
        """Close, for those who have no event loop."""
        self._shard.close()
        if self._copy is not None:
            self._copy.cleanup()

    def _search(
        self, query: HybridQuery, limit: int, only: Sequence[int] | None, leave_out: Sequence[int], also: Sequence[int]
    ) -> Hits:
        candidates, likely_own = set(also), set()
        sought = [_nearest_by(query, form) for form in query.forms]
        with self._reading():
            for nearest in self._nearest_but(sought, limit, only, leave_out):
                candidates.update(nearest)
                likely_own.update(nearest[:LIKELY_OWN])
            if not candidates:
                return Hits.collect(query, {}, {})
            scored = self._points(sought, len(candidates), self._filter(sorted(candidates), []))
            records = self._shard.retrieve(list(likely_own), with_payload=True, with_vector=False)
        found: dict[Form, dict[int, float]] = {
            form: {point.id: point.score for point in points}  # type: ignore[misc]
            for form, points in zip(query.forms, scored, strict=True)
        }
        digests = {int(record.id): (record.payload or {}).get(DIGESTS, []) for record in records}
        return Hits.collect(query, found, digests)

    def _nearest_but(
        self, sought: Sequence[edge.Query], limit: int, only: Sequence[int] | None, leave_out: Sequence[int]
    ) -> Iterator[list[int]]:
        """The items nearest to each query, without those that are to be left out, nearest first."""
        if only is not None or len(leave_out) > FEW:
            for points in self._points(sought, limit, self._filter(only, leave_out)):
                yield [int(point.id) for point in points]
            return
        # A filter makes a query half as slow again, even if it leaves a single item out.
        for points in self._points(sought, limit + len(leave_out), None):
            nearest = [int(point.id) for point in points]
            yield [item for item in nearest if item not in leave_out][:limit]

    def _points(
        self, sought: Sequence[edge.Query], limit: int, condition: edge.Filter | None
    ) -> list[list[edge.ScoredPoint]]:
        """The points nearest to each query, in one batch, because each that goes alone is handed to another thread."""
        requests = [edge.QueryRequest(limit=limit, query=each, filter=condition) for each in sought]
        return self._shard.query_batch(edge.QueryBatchRequest(requests))

    def _filter(self, only: Sequence[int] | None, leave_out: Sequence[int]) -> edge.Filter | None:
        if only is None and not leave_out:
            return None
        return edge.Filter(
            must=None if only is None else [edge.HasIdCondition(set(only))],
            must_not=[edge.HasIdCondition(set(leave_out))] if leave_out else None,
        )

    def _stored(self, item: int) -> HybridQuery | None:
        with self._reading():
            records = self._shard.retrieve([item], with_payload=False, with_vector=True)
            if not records:
                return None
            vectors = cast("dict[str, Any]", records[0].vector)
            words = Words(vectors[WORDS].indices, vectors[WORDS].values)
            return HybridQuery(vectors[TEXT], vectors[SENTENCES], vectors[PROFILE], words)

    def _vectors(self, form: DenseForm, items: Sequence[int]) -> dict[int, Any]:
        with self._reading():
            records = self._shard.retrieve(list(items), with_payload=False, with_vector=[form])
            return {int(record.id): cast("dict[str, Any]", record.vector)[form] for record in records}

    def _count(self) -> int:
        with self._reading():
            return self._shard.count(edge.CountRequest(exact=True))

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what the engine raises into an error that names the store.

        It raises bare exceptions, and a damaged file makes it panic, which is not even an Exception in Python.
        """
        try:
            yield
        except (KeyboardInterrupt, SystemExit, GeneratorExit, UnwritableError):
            raise
        except BaseException as error:
            raise self._failure(error) from error

    def _failure(self, error: BaseException | str) -> DamagedPartError:
        return DamagedPartError(
            f"the vector store in {self._folder} cannot be used ({error}): run `recsys-mcp prepare` to make it again"
        )


def _nearest_by(query: HybridQuery, form: Form) -> edge.Query:
    """A query by one form, made once: to pass hundreds of numbers to the engine takes as long as to rank some."""
    words = edge.SparseVector(list(query.words.indices), list(query.words.values))
    return edge.Query.Nearest(cast("Any", words if form == WORDS else query.form(form)), using=form)


def _copy_aside(folder: Path) -> "tempfile.TemporaryDirectory[str]":
    """A copy of a store in a private folder for temporary files.

    Raises:
        UnwritableError: There is no room for it.
    """
    files = list(lasting_files(folder))
    needed = sum(map(stored_bytes, files))
    try:
        place = Path(tempfile.gettempdir())
        room = free_bytes(place)
        if room < needed + SPARE_BYTES:
            raise OSError(f"{room / MIB:,.0f} MiB free in {place}")
        copy = tempfile.TemporaryDirectory(prefix="recsys-vectors-", ignore_cleanup_errors=True)
        logger.info("%s cannot be written: using a copy of %d MiB in %s", folder, needed / MIB, place)
        for path in files:
            target = copy.name / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            copy_sparsely(path, target)
    except OSError as error:
        raise UnwritableError(
            f"the vector store in {folder} cannot be written, and a copy of {needed / MIB:,.0f} MiB cannot be made "
            f"among temporary files ({error}): give this user the right to write there and leave some room, or name "
            "another folder for temporary files in TMPDIR"
        ) from error
    return copy
