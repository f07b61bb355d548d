"""Users by their positions, and by the groups that they are in."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from mcp_server.catalog.schema import CatalogTables
from mcp_server.catalog.segments import Groups, Segments
from mcp_server.sql.database import Database
from mcp_server.sql.key_lookup import KEYS, batches
from mcp_server.types import IntArray


class Users:
    """Queries for many users at once. All raise BackendError where the database cannot be read."""

    def __init__(self, database: Database, tables: CatalogTables, segments: Segments, n_users: int) -> None:
        self._database, self._segments, self._n_users = database, segments, n_users
        self._at = select(tables.users).where(tables.users.c.idx.in_(KEYS))

    async def at(self, idx: Sequence[int]) -> list[dict[str, Any]]:
        """All fields of some users, with "idx" and "id", in the order given."""

        def query(connection: Connection) -> dict[int, dict[str, Any]]:
            rows = (row for batch in batches(idx) for row in connection.execute(self._at, {"keys": batch}))
            return {row.idx: dict(row._mapping) for row in rows}

        found = await self._database.read(query)
        return [found[position] for position in idx]

    async def members(self, groups: Groups) -> IntArray:
        """Positions of the users of some groups, which rise: (n,).

        Args:
            groups: Values by the fields of user groups, {} for all users.
        """
        if not groups:
            return np.arange(self._n_users)
        return np.flatnonzero(await self._segments.members(groups))
