"""Search of items by what their texts mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic

from pydantic import Field, StringConstraints

from mcp_server.errors import InvalidInputError
from mcp_server.tools.base import (
    Detail,
    Facts,
    ItemId,
    ItemsArguments,
    K,
    ListedItem,
    Result,
    Tool,
    applicable,
    candidate_items,
    count_of,
    list_items,
    make_tool,
    with_ids,
)

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends

LONGEST_QUERY = 10_000

DESCRIPTION = """
{Items} whose texts are nearest to a storyline, topic or mood ("someone is kidnapped"; sad: search "uplifting, warm,
funny"), or by similar_to to one {item} ("like {item} 9"). Something is always nearest: judge. Pass the IDs as items to
get_top_k_recommendations_tool (with k=20 here, for a choice) or get_like_percentage_tool ("is there an audience for
this storyline").
Not for names, kinds, numbers: item_filter_tool.
"""


class SearchArguments(ItemsArguments[ItemId], Generic[ItemId]):
    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUERY)] | None = (
        Field(None, description="Plain words, or a whole storyline.")
    )
    similar_to: ItemId | None = Field(None, description="Instead of query: ID of one {item}.")
    k: K = 10
    item_set: str | None = Field(None, description="Only in this set: a handle from a tool.")
    detail: Detail = "compact"


class SearchResult(Result, Generic[ItemId]):
    items: list[ListedItem[ItemId]] = Field(description="Nearest first.")


def build(facts: Facts) -> Tool | None:
    """None where the dataset declares no texts for search."""
    if facts.spec.search is None:
        return None
    result = with_ids(SearchResult, facts.item_id_type)

    async def run(backends: Backends, arguments: SearchArguments[Any]) -> Result:
        return result(**await search_items(backends, arguments))

    return make_tool(
        facts,
        name="vector_store_search_tool",
        title="Search {items}",
        description=applicable(DESCRIPTION, facts),
        arguments=with_ids(SearchArguments, facts.item_id_type),
        result=result,
        run=run,
    )


async def search_items(backends: Backends, arguments: SearchArguments[Any]) -> dict[str, Any]:
    """The fields of a SearchResult."""
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
    items = catalog.twins.once(found)[: arguments.k].tolist()
    message = f"{count_of(len(items), nouns.item, nouns.items)} {what}, nearest first."
    if len(items) < arguments.k:
        message += f" These are all that have a text{'' if only is None else f' among the {len(only)} given'}."
    return {"message": message, "items": await list_items(backends, items, arguments.detail)}
