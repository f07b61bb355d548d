"""Facts about all items of a catalogue, read when it is opened and when it is checked for completeness."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from mcp_server.catalog.arrays import AVAILABLE, CANONICAL, N_INTERACTIONS, POPULARITY, UNTITLED, read_array
from mcp_server.catalog.schema import CatalogTables
from mcp_server.errors import DamagedPartError
from mcp_server.types import BoolArray, DoubleArray, ShortIntArray

OF_ITEMS = (CANONICAL, N_INTERACTIONS, POPULARITY, AVAILABLE)


@dataclass(frozen=True)
class Layout:
    """Facts about all items, by position."""

    n_items: int
    n_users: int
    canonical: ShortIntArray
    """(n_items,): the first item that is the same as this one."""
    n_interactions: DoubleArray
    """(n_items,): see ``Amounts``."""
    popularity: DoubleArray
    """(n_items,): see ``Amounts``."""
    available: BoolArray
    """(n_items,): False for items that are not to be recommended."""
    untitled: ShortIntArray
    """Positions of the items without a title, which rise."""

    @classmethod
    def read(cls, connection: Connection, tables: CatalogTables) -> "Layout":
        """Read the facts.

        Raises:
            DamagedPartError: Some of them are missing.
        """
        n_items, n_users = (
            connection.scalar(select(func.count()).select_from(table)) or 0 for table in (tables.items, tables.users)
        )
        of_items = [read_array(connection, tables.arrays, array) for array in OF_ITEMS]
        if any(len(found) != n_items for found in of_items):
            raise DamagedPartError("the catalogue has lost items: run `recsys-mcp prepare`")
        canonical, n_interactions, popularity, available = of_items
        untitled = read_array(connection, tables.arrays, UNTITLED)
        return cls(n_items, n_users, canonical, n_interactions, popularity, available, untitled)
