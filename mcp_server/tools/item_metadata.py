"""The fields of items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic

from pydantic import Field

from mcp_server.dataset.computed_fields import computed_fields
from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.ids import ItemId
from mcp_server.dataset.words import has_many_fields
from mcp_server.tools.arguments import ItemsArguments, K, Offset, OneOrMore, required_items
from mcp_server.tools.reliability import few_interactions
from mcp_server.tools.results import Result, count_of
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from mcp_server.dataset.spec import DatasetSpec
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id

DESCRIPTION = (
    """
Reads fields of {items} whose IDs or item_set you have: "tell me about {item} X"; to compare, to explain ("why?"), for
statistics of popular ones""",
    When(Feature.MEASURES, ' ("ideal {measures}")'),
    ".\n",
    When(Feature.FILTERS, "Not to find {items}: item_filter_tool."),
)


class ItemMetadataArguments(ItemsArguments[ItemId], Generic[ItemId]):
    get: Annotated[list[str], OneOrMore] = Field(
        min_length=1, description="Only what you need; ID and title come anyway.{like_share}{fields}"
    )
    limit: K = 20
    offset: Offset = 0


class ItemMetadataResult(Result):
    items: list[dict[str, Any]] = Field(description="item_id, title, fields; null or [] if not known.")
    total: int = Field(description="{Items} given.")
    remaining: int = Field(description="Still to list, by offset.")


def build(facts: DatasetFacts) -> Tool:
    return make_tool(
        facts,
        name="get_item_metadata_tool",
        title="About {items}",
        description=DESCRIPTION,
        arguments=ItemMetadataArguments,
        result=ItemMetadataResult,
        run=item_metadata,
        choices={"get": _fields(facts.spec)},
        unlisted=["get"] if has_many_fields(facts.spec) else [],
    )


def _fields(spec: DatasetSpec) -> list[str]:
    return [*(field.name for field in spec.items.fields), *(field.name for field in computed_fields(spec))]


async def item_metadata(backends: Backends, arguments: ItemMetadataArguments[Id]) -> ItemMetadataResult:
    spec, nouns = backends.spec, backends.spec.nouns
    found = await required_items(backends, arguments)
    page = found[arguments.offset : arguments.offset + arguments.limit].tolist()
    catalog = await backends.catalog()
    fields = list(dict.fromkeys([spec.items.title, *arguments.get]))
    records = [
        {"item_id": record.pop("id"), "title": record.pop(spec.items.title), **record}
        for record in await catalog.metadata(page, fields)
    ]
    remaining = max(len(found) - arguments.offset - len(page), 0)
    message = f"{count_of(len(page), nouns.item, nouns.items)} of {len(found):,}."
    if not page and len(found):
        message += " The offset is beyond the last of them."
    message = " ".join([message, *await few_interactions(catalog, page, fields, nouns)])
    return ItemMetadataResult(message=message, items=records, total=len(found), remaining=remaining)
