"""Facts about all items of a catalogue, read when it is opened and when it is checked for completeness."""

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, func, select

from mcp_server.catalog.schema import CatalogTables
from mcp_server.types import IntArray


@dataclass(frozen=True)
class Layout:
    """Facts about all items, by position."""

    n_items: int
    n_users: int
    canonical: IntArray
    """(n_items,): the first item that is the same as this one."""
    n_interactions: IntArray
    """(n_items,)"""
    untitled: IntArray
    """Positions of the items without a title."""

    @classmethod
    def read(cls, connection: Connection, tables: CatalogTables) -> "Layout":
        items = tables.items.c
        n_users = connection.scalar(select(func.count()).select_from(tables.users)) or 0
        columns = select(items.canonical, items.n_interactions, tables.title.is_(None)).order_by(items.idx)
        rows = connection.execute(columns).all()
        table = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(len(rows), 3)
        return cls(len(rows), n_users, table[:, 0].copy(), table[:, 1].copy(), np.flatnonzero(table[:, 2]))
