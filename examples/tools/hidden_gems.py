"""Hidden gems: what fits a user, few know, and most of those who know it like."""

from typing import Annotated, Any, Generic

from pydantic import Field

from mcp_server.tool_api import (
    Arguments,
    Backends,
    DatasetFacts,
    Feature,
    InvalidInputError,
    ItemId,
    K,
    ListedItem,
    Result,
    Tool,
    UserId,
    count_of,
    list_items,
    make_tool,
)

FEWEST = 5
"""Fewest interactions of a gem. The share of likes among fewer says nothing."""

N_TRIED = 100
"""Little known items that are looked at, the best for the user first."""

DESCRIPTION = """
Lists hidden gems for a {user}: {items} that fit the {user}, that few {users} know, and that most of those who know
them like. Use it to recommend something off the beaten track, or to give the less known part of the catalogue a chance.
"""


class GemsArguments(Arguments, Generic[UserId]):
    user: UserId = Field(description="ID of the {user}.")
    k: K = 5
    known_by: int = Field(50, ge=FEWEST, description="Only {items} with at most so many {interactions}.")
    liked_by: float = Field(60, ge=0, le=100, description="Least share of likes, in percent.")
    about: Annotated[str | None, Feature.SEARCH_TEXTS] = Field(
        None, max_length=1000, description="Only {items} nearest to this story, topic or mood."
    )


class Gem(ListedItem[ItemId], Generic[ItemId]):
    n_interactions: int = Field(description="Number of {interactions}: how many know it.")
    liked_by: float = Field(description="Share of those who like it, in percent.")


class GemsResult(Result, Generic[ItemId]):
    items: list[Gem[ItemId]] = Field(description="Hidden gems, best for the {user} first.")


def build(facts: DatasetFacts) -> Tool:
    return make_tool(
        facts,
        name="hidden_gems_tool",
        title="Hidden gems",
        description=DESCRIPTION,
        arguments=GemsArguments,
        result=GemsResult,
        run=hidden_gems,
        needs=Feature.RATINGS,  # where every interaction counts as liking, there is nothing to tell gems by
    )


async def hidden_gems(backends: Backends, arguments: GemsArguments[Any]) -> GemsResult[Any]:
    nouns = backends.spec.nouns
    catalog = await backends.catalog()
    user = await catalog.user_idx(arguments.user)  # an error that names the range of IDs, where there is no such user
    history = await catalog.histories.of(user)
    if not len(history.liked):
        raise InvalidInputError(f"{nouns.user} {arguments.user} likes nothing yet that one could go by")
    counts = (await catalog.statistics.numbers({})).amounts
    candidates = ((counts >= FEWEST) & (counts <= arguments.known_by)).nonzero()[0]
    if arguments.about:
        search, limit = await backends.search(), N_TRIED + catalog.twins.n_extra
        nearest, _ = await search.by_text(arguments.about, limit, candidates, [])
        candidates = catalog.twins.once(nearest)[:N_TRIED]
    excluded, ranker = catalog.unrankable(history.items), await backends.ranker()
    ranked = ranker.top(user, history.liked, N_TRIED, allowed=candidates, excluded=excluded, twins=catalog.twins)
    gems: dict[int, float] = {}
    for item in ranked.items:
        n_likers = await catalog.statistics.n_likers(candidates[candidates == item])
        share = 100 * n_likers / int(counts[item])
        if share >= arguments.liked_by:
            gems[item] = share
        if len(gems) == arguments.k:
            break
    known, shares = [int(counts[item]) for item in gems], [round(share, 1) for share in gems.values()]
    items = await list_items(backends, Gem, list(gems), n_interactions=known, liked_by=shares)
    message = f"{count_of(len(items), 'hidden gem', 'hidden gems')} for {nouns.user} {arguments.user}, best first."
    if len(items) < arguments.k:
        message += f" No more of the {nouns.items} meet this: try a greater known_by or a smaller liked_by."
    return GemsResult(message=message, items=items)
