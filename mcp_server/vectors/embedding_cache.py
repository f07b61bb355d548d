"""Vectors of texts that have been embedded before, by model and text.

Embedding is the longest step of a preparation. What an interrupted one has done is kept here, and after a
change of the catalogue only new texts are embedded.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, delete, select

from mcp_server.sql.sqlite import SqliteDatabase
from mcp_server.types import FloatArray
from mcp_server.vectors.embedder import Embedder

CHUNK = 256
"""Texts that are embedded, and kept, at a time."""

VERSION = 2
"""A number in the digests. Raise it when a model's vectors change."""

_metadata = MetaData()
_vectors = Table(
    "vectors",
    _metadata,
    Column("digest", String(64), primary_key=True),
    Column("vector", LargeBinary, nullable=False, comment="float32"),
)


class EmbeddingCache:
    """A file of vectors, which is made where there is none. To be used as a context."""

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, "the cache of vectors", read_only=False)

    def __enter__(self) -> "EmbeddingCache":
        self._database.change(_metadata.create_all)
        return self

    def __exit__(self, *_: object) -> None:
        self._database.dispose()

    def missing(self, model: str, texts: Sequence[str]) -> list[str]:
        """The texts that have not been embedded before."""
        kept = set(self._database.run(lambda connection: connection.scalars(select(_vectors.c.digest)).all()))
        return [text for text in texts if _digest(model, text) not in kept]

    def known(self, model: str, texts: Sequence[str]) -> dict[str, FloatArray]:
        """Vectors of those texts that have been embedded before."""
        wanted = {_digest(model, text): text for text in texts}
        return {wanted[digest]: vector for digest, vector in self._read().items() if digest in wanted}

    def _read(self) -> dict[str, FloatArray]:
        """All vectors that are kept, by digest."""
        rows = self._database.run(lambda connection: connection.execute(select(_vectors)).all())
        return {row.digest: np.frombuffer(row.vector, dtype=np.float32) for row in rows}

    def embed(self, embedder: Embedder, texts: Sequence[str], advance: Callable[[int], None]) -> dict[str, FloatArray]:
        """Vectors of texts, from the cache where it has them; afterwards the cache holds just these.

        Args:
            advance: Called with the number of texts done since the last call.
        """
        digests = {_digest(embedder.model, text): text for text in texts}
        kept = self._read()
        found = {digest: vector for digest, vector in kept.items() if digest in digests}
        advance(len(found))
        missing = sorted(digests.keys() - found.keys(), key=lambda digest: len(digests[digest]))
        for start in range(0, len(missing), CHUNK):
            chunk = missing[start : start + CHUNK]
            vectors = embedder.embed([digests[digest] for digest in chunk], advance)
            found.update(zip(chunk, vectors, strict=True))
            rows = [{"digest": d, "vector": v.tobytes()} for d, v in zip(chunk, vectors, strict=True)]
            self._database.change(lambda connection, rows=rows: connection.execute(_vectors.insert(), rows))  # type: ignore[misc]
        stale = [digest for digest in kept if digest not in digests]
        for start in range(0, len(stale), CHUNK):
            drop = delete(_vectors).where(_vectors.c.digest.in_(stale[start : start + CHUNK]))
            self._database.change(lambda connection, drop=drop: connection.execute(drop))  # type: ignore[misc]
        return {digests[digest]: vector for digest, vector in found.items()}


def _digest(model: str, text: str) -> str:
    return hashlib.sha256(f"{VERSION}\0{model}\0{text}".encode()).hexdigest()
