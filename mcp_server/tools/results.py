"""The results of tools: the base of their models, and lists of items."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, WithJsonSchema

from mcp_server.dataset.facts import Feature
from mcp_server.dataset.feedback import plain_number
from mcp_server.dataset.ids import ItemId
from mcp_server.errors import UnwritableError
from mcp_server.tools.schemas import NEEDS

if TYPE_CHECKING:
    from mcp_server.catalog.catalog import Catalog
    from mcp_server.dataset.spec import Nouns
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id, IntArray

MOST_NAMED = 3
"""Names of a list that a message shows."""


class Result(BaseModel):
    """Base of the result of a tool. Fields that are not set are left out of the caller's answer."""

    message: str = Field(description="Tell the person.")


def _adapt(schema: dict[str, Any], entry: type[BaseModel]) -> None:
    schema.pop("required", None)
    for name, field in entry.model_fields.items():
        for feature in field.metadata:
            if isinstance(feature, Feature):
                schema["properties"][name][NEEDS] = feature


class Entry(BaseModel):
    """Base of the entries of lists in results. Their schemas do not say what is required, which saves tokens. A field
    that only some datasets can have names the ``Feature`` that it needs beside its type.
    """

    model_config = ConfigDict(json_schema_extra=_adapt)


Amount = Annotated[int | float, BeforeValidator(plain_number), WithJsonSchema({"type": "number"})]
"""A number of interactions, or a sum of counts or weights."""


class NamedItem(Entry, Generic[ItemId]):
    """An item by its ID and title."""

    item_id: ItemId
    title: str | None


class ListedItem(NamedItem[ItemId], Generic[ItemId]):
    """An item in a list."""

    details: dict[str, Any] = Field(default_factory=dict)


N = TypeVar("N", bound=NamedItem[Any])


async def list_items(
    backends: Backends,
    entry: type[N],
    items: Sequence[int],
    detail: str = "compact",
    *,
    shown: Sequence[str] = (),
    **columns: Sequence[Any],
) -> list[N]:
    """Entries of a list.

    Args:
        entry: Model of an entry: ListedItem, or one that adds fields to it.
        items: Positions.
        detail: "full" adds the fields of the dataset's summary.
        shown: Names of more fields to add.
        columns: Values of the added fields, in the order of the items.
    """
    catalog = await backends.catalog()
    names = await catalog.names(items)
    values = {"item_id": [name.id for name in names], "title": [name.title for name in names], **columns}
    fields = [*((field.name for field in backends.spec.summary) if detail == "full" else ()), *shown]
    if fields:
        found = await catalog.metadata(items, fields)
        values["details"] = [{name: value for name, value in each.items() if name != "id"} for each in found]
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return _list_of(entry).validate_python(rows)


@cache
def _list_of(entry: type[N]) -> TypeAdapter[list[N]]:
    """Validator of a whole list, which is faster than one call for each entry."""
    return TypeAdapter(list[entry])  # type: ignore[valid-type]


class WithSet(Protocol):
    """A result that may have a set of items."""

    item_set: str | None


async def keep_set(
    backends: Backends, result: WithSet, ids: Sequence[Id], scores: Sequence[float] | None = None
) -> list[str]:
    """Keep a set of items, and put its handle into a result. Where nothing can be written, the result stays without,
    and a sentence says why. There are no sets of nothing.

    Args:
        scores: Nearness of the items to what was searched, in their order.
    """
    if ids:
        try:
            result.item_set = await (await backends.item_sets()).put(ids, scores)
        except UnwritableError as error:
            return [f"There is no item_set of them: {error}."]
    return []


async def name_items(catalog: Catalog, nouns: Nouns, items: IntArray) -> str:
    """Some items in words: "film 9 (Dead Man Walking)", "12 films"."""
    if len(items) != 1:
        return count_of(len(items), nouns.item, nouns.items)
    (name,) = await catalog.names(items)
    return f"{nouns.item} {name.id}" + (f" ({name.title})" if name.title else "")


def unavailable(number: int, nouns: Nouns) -> list[str]:
    """A sentence about items that were left out because they are not available, if there are any."""
    if not number:
        return []
    verbs = ("is", "was") if number == 1 else ("are", "were")
    return [f"{count_of(number, nouns.item, nouns.items)} {verbs[0]} not available and {verbs[1]} left out."]


def name_some(names: Sequence[object]) -> str:
    """The first names of a list, and how many more there are: "Chasing Amy, Fargo and 12 more"."""
    shown = ", ".join(str(name) for name in names[:MOST_NAMED])
    return f"{shown} and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else shown


async def name_repeated(catalog: Catalog, items: IntArray, among: IntArray) -> str:
    """Some items that are listed several times, each with its IDs: "Chasing Amy (IDs 246 and 268) and 12 more".

    Args:
        items: Positions, of each item one.
        among: Positions of those whose IDs are named.
    """
    import numpy as np

    among = np.sort(among)
    canonical = catalog.twins.canonical(among)
    said = []
    for each in items[:MOST_NAMED]:
        names = await catalog.names(among[canonical == catalog.twins.canonical(each)])
        said.append(f"{names[0].title} (IDs {' and '.join(str(name.id) for name in names)})")
    return name_some([*said, *items[MOST_NAMED:].tolist()])


def count_of(number: int, one: str, many: str) -> str:
    """ "1 film", "1,682 films"."""
    return f"{number:,} {one if number == 1 else many}"
