"""Lookup of many keys at once, with a memory of what has been found: for what does not change while it is served."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import BindParameter, Connection, Select, bindparam

from mcp_server.sql.cache import BoundedCache
from mcp_server.sql.database import Database

BATCH = 1_000
"""Bound parameters in one IN list; databases limit them."""

KEYS: BindParameter[Any] = bindparam("keys", expanding=True)

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")

Load = Callable[[Connection, Sequence[K]], Iterable[tuple[K, V]]]
"""Reads the values of at most BATCH keys."""


def by_rows(query: Select[Any], collect: Callable[[Iterable[Any]], Iterable[tuple[K, V]]]) -> Load[K, V]:
    """Reads by one statement.

    Args:
        query: Has the keys as the expanding parameter KEYS. Built once: to build a statement takes longer than to
            run it.
        collect: Makes pairs of keys and values of the rows.
    """
    return lambda connection, keys: collect(connection.execute(query, {"keys": keys}))


class Lookup(Generic[K, V]):
    """Values by key.

    Args:
        remembered: How many are.
    """

    def __init__(self, database: Database, load: Load[K, V], remembered: int) -> None:
        self._database, self._load = database, load
        self._known: BoundedCache[K, V] = BoundedCache(remembered)

    async def find(self, keys: Iterable[K]) -> dict[K, V]:
        """The values of those keys that have one."""
        asked = list(keys)
        found = {key: self._known[key] for key in asked if key in self._known}
        missing = [key for key in asked if key not in found]
        if missing:
            loaded = await run_by_size(self._database, lambda connection: self._read(connection, missing), len(missing))
            for key, value in loaded.items():
                self._known[key] = value
            found.update(loaded)
        return found

    def _read(self, connection: Connection, keys: Sequence[K]) -> dict[K, V]:
        return {key: value for batch in batches(keys) for key, value in self._load(connection, batch)}


async def run_by_size(database: Database, query: Callable[[Connection], T], size: int) -> T:
    """Run a query over many keys beside the event loop, one over few here."""
    return await (database.scan(query) if size > BATCH else database.read(query))


def batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Slices of at most BATCH values."""
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]
