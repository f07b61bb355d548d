"""Search for items by the meaning of their texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Generic

from pydantic import Field, StringConstraints

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.ids import ItemId
from mcp_server.errors import InvalidInputError
from mcp_server.tools.arguments import Detail, ItemsArguments, K, candidate_items
from mcp_server.tools.results import ListedItem, Result, count_of, list_items
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id

LONGEST_QUERY = 10_000

DESCRIPTION = (
    """
{Items} whose {texts} is nearest in meaning to what the query says: a topic, an event, a whole {text}""",
    When(Feature.MOODS, ' or a mood (sad: search "uplifting, warm, funny")'),
    """; or by similar_to to one {item} ("like {item} X"). Something is always nearest: judge. Pass the IDs as items to
get_top_k_recommendations_tool (with k=20 here, for a choice) or get_like_percentage_tool ("is there an audience for
this {text}").
""",
    When(Feature.FILTERS, "Not for {attributes}: item_filter_tool."),
)


class SearchArguments(ItemsArguments[ItemId], Generic[ItemId]):
    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUERY)] | None = (
        Field(None, description="Plain words, or a whole {text}.")
    )
    similar_to: ItemId | None = Field(None, description="Instead of query: ID of one {item}.")
    k: K = 10
    item_set: str | None = Field(None, description="Only in this set: a handle from a tool.")
    detail: Detail = "compact"


class SearchResult(Result, Generic[ItemId]):
    items: list[ListedItem[ItemId]] = Field(description="Nearest first.")


def build(facts: DatasetFacts) -> Tool:
    return make_tool(
        facts,
        name="vector_store_search_tool",
        title="Search {items}",
        description=DESCRIPTION,
        arguments=SearchArguments,
        result=SearchResult,
        run=search_items,
        needs=Feature.SEARCH_TEXTS,
    )


async def search_items(backends: Backends, arguments: SearchArguments[Id]) -> SearchResult[Id]:
    nouns = backends.spec.nouns
    if (arguments.query is None) == (arguments.similar_to is None):
        raise InvalidInputError("give either query or similar_to")
    catalog = await backends.catalog()
    only = await candidate_items(backends, arguments)
    search = await backends.search()
    limit = arguments.k + catalog.twins.n_extra
    untitled = catalog.untitled.tolist()
    if arguments.similar_to is not None:
        origin = await catalog.item_idx([arguments.similar_to])
        item = int(origin[0])
        title = (await catalog.names([item]))[0].title
        what = f"like {nouns.item} {arguments.similar_to} ({title})"
        nearest = await search.like_item(item, limit, only, [*untitled, *catalog.twins.with_twins(origin).tolist()])
        if nearest is None:
            raise InvalidInputError(
                f"{nouns.item} {arguments.similar_to} has no text to compare: search by query instead"
            )
        found = nearest
    else:
        what = "whose texts are nearest to the query"
        found, own = await search.by_text(arguments.query or "", limit, only, untitled)
        if len(own):
            same = catalog.twins.with_twins(own).tolist()
            found = found[[item not in same for item in found.tolist()]]
    positions = catalog.twins.once(found)[: arguments.k].tolist()
    message = f"{count_of(len(positions), nouns.item, nouns.items)} {what}, nearest first."
    if len(positions) < arguments.k:
        message += f" These are all that have a text{'' if only is None else f' among the {len(only)} given'}."
    return SearchResult(message=message, items=await list_items(backends, ListedItem, positions, arguments.detail))
