"""Facts about all items of a catalogue, read when it is opened and when it is checked for completeness."""

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, func, select

from mcp_server.catalog.schema import CatalogTables
from mcp_server.types import BoolArray, DoubleArray, IntArray


@dataclass(frozen=True)
class Layout:
    """Facts about all items, by position."""

    n_items: int
    n_users: int
    canonical: IntArray
    """(n_items,): the first item that is the same as this one."""
    n_interactions: DoubleArray
    """(n_items,): see ``Amounts``."""
    popularity: DoubleArray
    """(n_items,): see ``Amounts``."""
    available: BoolArray
    """(n_items,): False for items that are not to be recommended."""
    untitled: IntArray
    """Positions of the items without a title."""

    @classmethod
    def read(cls, connection: Connection, tables: CatalogTables) -> "Layout":
        items = tables.items.c
        n_users = connection.scalar(select(func.count()).select_from(tables.users)) or 0
        columns = (items.canonical, items.n_interactions, tables.popularity, tables.available, tables.title.is_(None))
        rows = connection.execute(select(*columns).order_by(items.idx)).all()
        table = np.array([tuple(row) for row in rows], dtype=np.float64).reshape(len(rows), len(columns))
        canonical, n_interactions, popularity, available, untitled = table.T.copy()
        return cls(
            len(rows),
            n_users,
            canonical.astype(np.int64),
            n_interactions,
            popularity,
            available.astype(bool),
            np.flatnonzero(untitled),
        )
