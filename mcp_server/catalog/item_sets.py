"""Named sets of items that tools pass to one another, so that thousands of IDs need not pass through an LLM.

A handle ("set_k3v7q2") is made of the digest of the IDs, and of the items' scores where a search has found them: the
same set has the same handle, in every process and after every restart. Sets are kept in a database beside the
catalogue, by the dataset's IDs, and are forgotten when they have not been used for some days.
"""

import asyncio
import base64
import hashlib
import json
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Column, Connection, Double, LargeBinary, MetaData, String, Table, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from mcp_server.dataset.ids import HANDLE
from mcp_server.errors import InvalidInputError, UnwritableError, quoted
from mcp_server.sql.cache import BoundedCache
from mcp_server.sql.database import Database
from mcp_server.types import Id

SHORTEST = 6
"""Characters of a handle, 5 bits each; more where two sets would share one."""

TOUCH_SECONDS = 3600.0
"""A use is written down at most so often."""

DAY = 86_400.0

CLEANING_SECONDS = 3600.0
"""Forgotten sets are deleted at most so often."""

REMEMBERED_ITEMS = 1_000_000
"""Items of all sets that are kept in memory, some 40 bytes each where no other part of the program has them."""

WEIGHT_OF_A_SET = 20
"""Items that a set weighs beside its own: what is kept of it takes memory even if it is empty."""

MANY = 5_000
"""Items of a set from which on it is packed and written beside the event loop."""

_sets = Table(
    "recsys_item_sets_3",  # the number rises with the columns: an older database is then simply another table
    MetaData(),
    Column("handle", String(64), primary_key=True),
    Column("digest", String(64), nullable=False, comment="of the content, whole"),
    Column("content", LargeBinary(2**24 - 1), nullable=False, comment="JSON of IDs, or of IDs and scores, deflated"),
    Column("last_used", Double, nullable=False, index=True, comment="seconds since 1970"),
    mysql_engine="InnoDB",
    mysql_charset="ascii",
)

_INSERT_OR_IGNORE = _sets.insert().prefix_with("OR IGNORE", dialect="sqlite")


def create_item_sets(connection: Connection) -> None:
    """Make the table where it is not there; with SQLite, several processes may do so at once."""
    if connection.dialect.name != "sqlite":
        _sets.create(connection, checkfirst=True)  # MySQL has no "create index if not exists"
        return
    connection.execute(CreateTable(_sets, if_not_exists=True))
    for index in _sets.indexes:
        connection.execute(CreateIndex(index, if_not_exists=True))


@dataclass(frozen=True)
class _Known:
    """A set that this process has seen."""

    items: tuple[Id, ...]
    scores: tuple[float, ...] | None
    used: float
    """Time at which its use was last written down."""


Key = tuple[tuple[Id, ...], tuple[float, ...] | None]
"""The content of a set: its items, and their scores where it has any."""


def _unpack(packed: bytes, digest: str) -> Key | None:
    """The content of a set, or None where it is not the one of the digest."""
    try:
        written = zlib.decompress(packed)
    except zlib.error:
        return None
    if _digest(written) != digest:
        return None
    content = json.loads(written)
    if content and isinstance(content[0], list):  # no ID is a list
        items, scores = content
        return tuple(items), tuple(scores)
    return tuple(content), None


def _pack(key: Key) -> tuple[str, bytes]:
    """The digest and the packed content of a set."""
    items, scores = key
    content = json.dumps(items if scores is None else [items, scores], separators=(",", ":")).encode()
    return _digest(content), zlib.compress(content, 1)


def _digest(content: bytes) -> str:
    return base64.b32encode(hashlib.sha256(content).digest()).decode().lower().rstrip("=")


class ItemSets:
    """The sets of one dataset.

    Args:
        database: Has the table (``create_item_sets``).
        days: Sets unused for so long are forgotten.
    """

    def __init__(self, database: Database, days: float) -> None:
        self._database = database
        self._seconds = days * DAY
        self._cleaned = 0.0
        self._known: BoundedCache[str, _Known] = BoundedCache(
            REMEMBERED_ITEMS, lambda _, known: WEIGHT_OF_A_SET + len(known.items)
        )
        self._handles: BoundedCache[Key, str] = BoundedCache(
            REMEMBERED_ITEMS, lambda key, _: WEIGHT_OF_A_SET + len(key[0])
        )

    async def put(self, items: Sequence[Id], scores: Sequence[float] | None = None) -> str:
        """Keep a set and give its handle. The order of the items is kept, and is part of the set.

        Args:
            scores: Nearness of the items to what was searched, in their order.
        """
        key, now = (tuple(items), None if scores is None else tuple(scores)), time.time()
        handle = self._handles.get(key, "")
        if handle in self._known and now - self._known[handle].used < TOUCH_SECONDS:
            return handle
        is_large = len(items) >= MANY
        digest, packed = await asyncio.to_thread(_pack, key) if is_large else _pack(key)
        write = self._database.write if is_large else self._database.write_little
        for length in range(SHORTEST, len(digest) + 1):
            handle = f"set_{digest[:length]}"
            if await write(partial(self._keep, handle=handle, digest=digest, packed=packed, now=now)):
                self._known[handle], self._handles[key] = _Known(*key, now), handle
                await self._clean(now)
                return handle
        raise AssertionError("two different sets have one SHA-256")

    def _keep(self, connection: Connection, *, handle: str, digest: str, packed: bytes, now: float) -> bool:
        """Write a set; False where the handle is another set's."""
        values = {"handle": handle, "digest": digest, "content": packed, "last_used": now}
        # In one statement, because a search waits for it. MySQL's IGNORE would let other mistakes through, too.
        if connection.dialect.name == "sqlite" and connection.execute(_INSERT_OR_IGNORE, values).rowcount:
            return True
        kept = select(_sets.c.digest, _sets.c.last_used).where(_sets.c.handle == handle)
        found = connection.execute(kept).first()
        if found is None:
            try:
                with connection.begin_nested():
                    connection.execute(_sets.insert().values(values))
                return True
            except IntegrityError:  # another process was faster
                found = connection.execute(kept).one()
        if found.digest == digest:
            self._touch(connection, handle, now)
        elif found.last_used < now - self._seconds:  # the other set has been forgotten
            row = {"digest": digest, "content": packed, "last_used": now}
            connection.execute(update(_sets).where(_sets.c.handle == handle).values(row))
        else:
            return False
        return True

    def _touch(self, connection: Connection, handle: str, now: float) -> None:
        connection.execute(update(_sets).where(_sets.c.handle == handle).values(last_used=now))

    async def _clean(self, now: float) -> None:
        """Delete forgotten sets now and then; not with every set, because deleting locks what it looks through."""
        if now - self._cleaned < CLEANING_SECONDS:
            return
        self._cleaned = now
        forgotten = delete(_sets).where(_sets.c.last_used < now - self._seconds)
        await self._database.write(lambda connection: connection.execute(forgotten).rowcount)

    async def get(self, handle: str) -> tuple[Id, ...]:
        """The IDs of a set.

        Raises:
            InvalidInputError: The handle is malformed, unknown or forgotten.
        """
        return (await self._find(handle)).items

    async def scores(self, handle: str) -> tuple[float, ...] | None:
        """The scores of the items of a set that a search has found, in their order; None for other sets.

        Raises:
            InvalidInputError: The handle is malformed, unknown or forgotten.
        """
        return (await self._find(handle)).scores

    async def _find(self, handle: str) -> _Known:
        if not HANDLE.fullmatch(handle):
            raise InvalidInputError(
                f"{quoted(handle)} is not an item set: handles look like set_k3v7q2 and come from other tools' results"
            )
        now = time.time()
        known = self._known.get(handle)
        if known is None or now - known.used >= TOUCH_SECONDS:
            known = await self._read(handle, now)
            if known is None:
                self._known.forget(handle)
                raise InvalidInputError(
                    f"item set {handle} is unknown or has been forgotten: call the tool that made it again"
                )
            self._known[handle] = known
        return known

    async def _read(self, handle: str, now: float) -> "_Known | None":
        try:
            return await self._database.write(partial(self._use, handle=handle, now=now))
        except UnwritableError:  # a set is there, though its use cannot be written down
            return await self._database.scan(partial(self._use, handle=handle, now=now, touch=False))

    def _use(self, connection: Connection, *, handle: str, now: float, touch: bool = True) -> "_Known | None":
        row = connection.execute(select(_sets).where(_sets.c.handle == handle)).first()
        if row is None or row.last_used < now - self._seconds:
            return None
        content = _unpack(row.content, row.digest)
        if content is None:  # damaged on the disk; the tool that made it can write it again
            if touch:
                connection.execute(delete(_sets).where(_sets.c.handle == handle))
            return None
        if touch:
            self._touch(connection, handle, now)
        return _Known(*content, now)

    async def ping(self) -> None:
        """Ask the database something.

        Raises:
            BackendError: It cannot be used.
        """
        await self._database.read(lambda connection: connection.execute(select(_sets.c.handle).limit(1)).first())
