"""Search for items by the meaning of their texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Generic

from pydantic import Field, StringConstraints

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.ids import ItemId
from mcp_server.errors import InvalidInputError
from mcp_server.tools.arguments import Detail, ItemsArguments, K, candidate_items
from mcp_server.tools.results import ListedItem, Result, count_of, list_items
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from mcp_server.catalog.catalog import Catalog
    from mcp_server.dataset.spec import Nouns
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id, IntArray
    from mcp_server.vectors.search import TextSearch

LONGEST_QUERY = 10_000

MOST_NAMED = 3
"""Items that a message names."""

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
    item_set: str | None = Field(None, description="Or a handle from a tool.")
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
        result = Found(nearest, [], "")
    else:
        what = "whose texts are nearest to the query"
        result = await _by_query(catalog, search, nouns, arguments.query or "", limit, only)
    positions = catalog.twins.once(result.items)[: arguments.k].tolist()
    notes = [f"{count_of(len(positions), nouns.item, nouns.items)} {what}, nearest first.", *result.notes]
    if len(positions) < arguments.k:
        among = "" if only is None else f" among the {len(only)} given"
        notes.append(f"These are all {result.others}that have a text{among}.")
    items = await list_items(backends, ListedItem, positions, arguments.detail)
    return SearchResult(message=" ".join(notes), items=items)


@dataclass(frozen=True)
class Found:
    """The result of a search."""

    items: IntArray
    """Positions, nearest first."""
    notes: list[str]
    """Sentences about items that come first for their title, or are left out for their text."""
    others: str
    """The word "others " where some are left out, for a sentence on all that there are."""


async def _by_query(
    catalog: Catalog, search: TextSearch, nouns: Nouns, query: str, limit: int, only: IntArray | None
) -> Found:
    import numpy as np  # the list of tools does not wait for it

    titled = await catalog.titled(query, only)
    found, own = await search.by_text(query, limit, only, [*catalog.untitled.tolist(), *titled.tolist()])
    notes = []
    if len(titled):
        named, verb = await _name(catalog, titled, nouns)
        notes.append(f"The query is the title of {named}, which {verb} listed first.")
    if len(own):
        named, verb = await _name(catalog, own, nouns)
        notes.append(f"The query is a text of {named}, which {verb} left out.")
        found = found[~np.isin(found, catalog.twins.with_twins(own))]
    return Found(np.concatenate([titled, found]), notes, "others " if len(own) else "")


async def _name(catalog: Catalog, items: IntArray, nouns: Nouns) -> tuple[str, str]:
    """Items in a sentence, and its verb."""
    names = [f"{name.id} ({name.title})" for name in await catalog.names(catalog.twins.once(items))]
    if len(names) == 1:
        return f"{nouns.item} {names[0]}", "is"
    return f"{nouns.items} {', '.join(names[:MOST_NAMED])}{', ...' if len(names) > MOST_NAMED else ''}", "are"
