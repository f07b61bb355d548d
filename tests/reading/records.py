"""Records in memory, for tests: made of dictionaries, or read from a dataset."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.records import Dataset, Records, Value
from mcp_server.reading.dataset import open_dataset
from mcp_server.reading.files import DatasetFiles
from mcp_server.types import Id


class ListedRecords:
    """Records in memory, as ``Records``."""

    def __init__(self, ids: list[Id], records: list[dict[str, Any]]) -> None:
        self.ids, self.records = ids, records

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, fields: Sequence[str]) -> Iterator[tuple[Value, ...]]:
        return (tuple(record[field] for field in fields) for record in self.records)


def _listed(records: Records, fields: Sequence[FieldSpec]) -> ListedRecords:
    names = [field.name for field in fields]
    rows = [dict(zip(names, row, strict=True)) for row in records.rows(names)]
    return ListedRecords(list(records.ids), rows)


def read_dataset(files: DatasetFiles) -> Dataset:
    """A dataset whose records stay when its sources are closed."""
    with open_dataset(files) as dataset:
        items = _listed(dataset.items, dataset.spec.items.fields)
        users = _listed(dataset.users, dataset.spec.users.fields)
        return replace(dataset, items=items, users=users)


def read_folder(folder: Path) -> Dataset:
    """The dataset of a folder with a dataset.yaml."""
    return read_dataset(DatasetFiles.find(folder / "dataset.yaml", None))


def as_dicts(records: Records) -> list[dict[str, Any]]:
    """All records of a dataset that has been read for a test."""
    assert isinstance(records, ListedRecords)
    return records.records
