"""Groupings of items: by a field, or by the part of a date or year."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.dataset.words import is_year

Part = Literal["year", "month", "decade"]


@dataclass(frozen=True)
class ItemGrouping:
    """A grouping."""

    name: str
    """Name for callers: that of the field, and of the part behind a colon, where it is not the one that comes first."""
    field: FieldSpec
    part: Part | None = None
    """The part of a date that makes the groups, or the decade of a year; None for the values themselves."""


def item_groupings(spec: DatasetSpec) -> dict[str, ItemGrouping]:
    """The groupings that a dataset has, by name."""
    return {grouping.name: grouping for field in spec.items.fields for grouping in _of_field(field)}


def _of_field(field: FieldSpec) -> Iterator[ItemGrouping]:
    if field.kind == "date":
        yield ItemGrouping(field.name, field, "year")
        yield ItemGrouping(f"{field.name}:month", field, "month")
    elif field.kind in ("category", "number") or (field.kind == "boolean" and field.filter):
        yield ItemGrouping(field.name, field)
    if field.kind == "date" or is_year(field):
        yield ItemGrouping(f"{field.name}:decade", field, "decade")
