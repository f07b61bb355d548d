"""The fields of items, read from the tables: numbers and texts from columns, names from the table of terms."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from mcp_server.catalog.schema import CatalogTables
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.sql.key_lookup import KEYS


class ItemFields:
    """Reads all fields of items, by position."""

    def __init__(self, tables: CatalogTables, spec: DatasetSpec) -> None:
        items, terms, links = tables.items.c, tables.terms.c, tables.item_terms.c
        self._plain = [field.name for field in spec.items.fields if field.name in items]
        self._many = {field.name: field.many for field in spec.categories}
        self._columns = select(items.idx, items.id, *(items[name] for name in self._plain)).where(items.idx.in_(KEYS))
        self._terms = (
            select(links.item, terms.field, terms.name)
            .join(tables.terms, terms.term == links.term)
            .where(links.item.in_(KEYS), terms.field.in_(list(self._many)))
            .order_by(links.item, links.position)
        )

    def load(self, connection: Connection, idx: Sequence[int]) -> Iterable[tuple[int, dict[str, Any]]]:
        """Positions, and records of "id" and the fields. Unknown values are None, or [] where there may be many."""
        records: dict[int, dict[str, Any]] = {}
        for position, identifier, *values in connection.execute(self._columns, {"keys": idx}):
            unknown: dict[str, Any] = {name: [] if many else None for name, many in self._many.items()}
            records[position] = {"id": identifier, **unknown, **dict(zip(self._plain, values, strict=True))}
        if self._many:
            for position, field, name in connection.execute(self._terms, {"keys": idx}):
                if self._many[field]:
                    records[position][field].append(name)
                else:
                    records[position][field] = name
        return records.items()
