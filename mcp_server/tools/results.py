"""The results of tools: the base of their models, and lists of items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from mcp_server.dataset.ids import ItemId

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends


class Result(BaseModel):
    """Base of the result of a tool. Fields that are not set are left out of the caller's answer."""

    message: str = Field(description="What to tell the person.")


def _drop_required(schema: dict[str, Any]) -> None:
    del schema["required"]


class Entry(BaseModel):
    """Base of the entries of lists in results. Their schemas do not say what is required, which saves tokens."""

    model_config = ConfigDict(json_schema_extra=_drop_required)


class NamedItem(Entry, Generic[ItemId]):
    """An item by its ID and title."""

    item_id: ItemId
    title: str | None


class ListedItem(NamedItem[ItemId], Generic[ItemId]):
    """An item in a list."""

    details: dict[str, Any] = Field(default_factory=dict)


N = TypeVar("N", bound=NamedItem[Any])


async def list_items(
    backends: Backends, entry: type[N], items: Sequence[int], detail: str = "compact", **columns: Sequence[Any]
) -> list[N]:
    """Entries of a list.

    Args:
        entry: Model of an entry: ListedItem, or one that adds fields to it.
        items: Positions.
        detail: "full" adds the fields of the dataset's summary.
        columns: Values of the added fields, in the order of the items.
    """
    catalog = await backends.catalog()
    if detail == "full":
        columns["details"] = await catalog.metadata(items, [field.name for field in backends.spec.summary])
        for details in columns["details"]:
            del details["id"]
    names = await catalog.names(items)
    rows = zip(*columns.values(), strict=True) if columns else [()] * len(names)
    return [
        entry(item_id=name.id, title=name.title, **dict(zip(columns, row, strict=True)))
        for name, row in zip(names, rows, strict=True)
    ]


def count_of(number: int, one: str, many: str) -> str:
    """ "1 film", "1,682 films"."""
    return f"{number:,} {one if number == 1 else many}"
