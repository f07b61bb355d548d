"""Records of a test, from dictionaries."""

from collections.abc import Iterator, Sequence
from typing import Any

from mcp_server.dataset.records import Records, Value
from mcp_server.types import Id


class ListedRecords:
    """Records in memory, as ``Records``."""

    def __init__(self, ids: list[Id], records: list[dict[str, Any]]) -> None:
        self.ids, self._records = ids, records

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, fields: Sequence[str]) -> Iterator[tuple[Value, ...]]:
        return (tuple(record[field] for field in fields) for record in self._records)


def as_dicts(records: Records, fields: Sequence[str]) -> list[dict[str, Value]]:
    """All records, as dictionaries."""
    return [dict(zip(fields, row, strict=True)) for row in records.rows(fields)]
