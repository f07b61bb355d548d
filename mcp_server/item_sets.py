"""Named sets of items that tools pass to one another, so that thousands of IDs need not pass through an LLM.

A handle ("set_k3v9q2") is made of the IDs' digest: the same set has the same handle, in every process and
after every restart. Sets are kept in a database of their own beside the catalogue, by the dataset's IDs,
and are forgotten when they have not been used for some days.
"""

import base64
import hashlib
import json
import re
import time
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Column, Connection, Float, LargeBinary, MetaData, String, Table, delete, select, update

from mcp_server.catalog.database import Database
from mcp_server.dataset.records import Id
from mcp_server.errors import InvalidInputError

HANDLE = re.compile(r"^set_[a-z2-7]{6,52}$")
SHORTEST = 6
"""Characters of a handle, 5 bits each; more where two sets would share one."""

TOUCH_SECONDS = 3600.0
"""A use is written down at most so often."""

DAY = 86_400.0

_metadata = MetaData()
_sets = Table(
    "item_sets",
    _metadata,
    Column("handle", String(64), primary_key=True),
    Column("content", LargeBinary(2**24), nullable=False, comment="JSON list of IDs, deflated"),
    Column("last_used", Float, nullable=False, comment="seconds since 1970"),
)


class ItemSets:
    """The sets of one dataset.

    Args:
        path: Of the database, which is made where there is none.
        days: Sets unused for so long are forgotten.
    """

    def __init__(self, path: Path, days: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = Database(path, "the database of item sets", read_only=False)
        self._seconds = days * DAY
        self._known: dict[str, tuple[bytes, float]] = {}
        self._ready = False

    async def put(self, items: Sequence[Id]) -> str:
        """Keep a set and give its handle. The order of the items is kept, and is part of the set."""
        content = json.dumps(list(items), separators=(",", ":")).encode()
        digest = base64.b32encode(hashlib.sha256(content).digest()).decode().lower().rstrip("=")
        packed = zlib.compress(content, 1)
        now = time.time()
        for length in range(SHORTEST, len(digest) + 1):
            handle = f"set_{digest[:length]}"
            kept, used = self._known.get(handle, (None, 0.0))
            if kept == packed and now - used < TOUCH_SECONDS:
                return handle
            if await self._database.write(partial(self._keep, handle=handle, packed=packed, now=now)):
                self._remember(handle, packed, now)
                return handle
        raise AssertionError("two different sets have one SHA-256")

    def _keep(self, connection: Connection, *, handle: str, packed: bytes, now: float) -> bool:
        """Write a set; False where the handle is another set's."""
        self._create(connection)
        connection.execute(delete(_sets).where(_sets.c.last_used < now - self._seconds))
        kept = connection.scalar(select(_sets.c.content).where(_sets.c.handle == handle))
        if kept is None:
            connection.execute(_sets.insert().values(handle=handle, content=packed, last_used=now))
        elif kept == packed:
            connection.execute(update(_sets).where(_sets.c.handle == handle).values(last_used=now))
        else:
            return False
        return True

    async def get(self, handle: str) -> list[Id]:
        """The IDs of a set.

        Raises:
            InvalidInputError: The handle is malformed, unknown or forgotten.
        """
        if not HANDLE.match(handle):
            raise InvalidInputError(
                f"{handle[:80]!r} is not an item set: handles look like set_k3v9q2 and come from other tools' results"
            )
        now = time.time()
        packed, used = self._known.get(handle, (None, 0.0))
        if packed is None or now - used > TOUCH_SECONDS:
            packed = await self._database.write(lambda connection: self._use(connection, handle, now))
            if packed is None:
                self._known.pop(handle, None)
                raise InvalidInputError(
                    f"item set {handle} is unknown or has been forgotten: call the tool that made it again"
                )
            self._remember(handle, packed, now)
        items: list[Id] = json.loads(zlib.decompress(packed))
        return items

    def _use(self, connection: Connection, handle: str, now: float) -> bytes | None:
        self._create(connection)
        row = connection.execute(select(_sets.c.content, _sets.c.last_used).where(_sets.c.handle == handle)).first()
        if row is None or row.last_used < now - self._seconds:
            return None
        connection.execute(update(_sets).where(_sets.c.handle == handle).values(last_used=now))
        return bytes(row.content)

    def _create(self, connection: Connection) -> None:
        if not self._ready:
            _metadata.create_all(connection)
            self._ready = True

    def _remember(self, handle: str, packed: bytes, now: float) -> None:
        if len(self._known) > 1_000:
            self._known.clear()
        self._known[handle] = (packed, now)

    def close(self) -> None:
        self._database.close()
