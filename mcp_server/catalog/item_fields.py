"""Reading fields of items: numbers and texts from columns, names from the table of terms."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, select

from mcp_server.catalog.schema import CatalogTables
from mcp_server.dataset.spec import DatasetSpec


class ItemFieldsQuery:
    """Reads one choice of fields; built once, asked often."""

    def __init__(self, tables: CatalogTables, spec: DatasetSpec, fields: Sequence[str]) -> None:
        items, terms, links = tables.items.c, tables.terms.c, tables.item_terms.c
        asked: BindParameter[Any] = bindparam("idx", expanding=True)
        self._fields = list(fields)
        self._plain = [name for name in fields if name in items]
        self._many = {field.name: field.many for field in spec.categories if field.name in fields}
        self._columns = select(items.idx, items.id, *(items[name] for name in self._plain)).where(items.idx.in_(asked))
        self._terms = (
            select(links.item, terms.field, terms.name)
            .join(tables.terms, terms.term == links.term)
            .where(links.item.in_(asked), terms.field.in_(list(self._many)))
            .order_by(links.item, links.position)
        )

    def run(self, connection: Connection, idx: list[int]) -> list[dict[str, Any]]:
        """Records in the order of ``idx``: "id" and the fields; unknown is None, or [] where there may be many."""
        records: dict[int, dict[str, Any]] = {}
        for position, identifier, *values in connection.execute(self._columns, {"idx": idx}):
            unknown: dict[str, Any] = {name: [] if many else None for name, many in self._many.items()}
            records[position] = {"id": identifier, **unknown, **dict(zip(self._plain, values, strict=True))}
        if self._many:
            for position, field, name in connection.execute(self._terms, {"idx": idx}):
                if self._many[field]:
                    records[position][field].append(name)
                else:
                    records[position][field] = name
        return [{name: records[position][name] for name in ["id", *self._fields]} for position in idx]
