"""Recommendations: the best-ranked items for a user, or for someone who likes some items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic

from pydantic import Field

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.ids import ItemId, UserId
from mcp_server.errors import InvalidInputError
from mcp_server.tools.arguments import Detail, ItemsArguments, K, OneOrMore, candidate_items
from mcp_server.tools.results import ListedItem, NamedItem, Result, count_of, list_items
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from mcp_server.catalog.catalog import Catalog
    from mcp_server.dataset.spec import Nouns
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id, IntArray

N_REASONS = 3

DESCRIPTION = (
    """
The {items} that one {user} will like best, ranked by a model trained on all {interactions}. The only tool that
recommends: "for {user} X", "3 of kind Y for X". Under a condition, first call
""",
    When(Feature.FILTERS, "item_filter_tool ({attributes}),\n"),
    When(
        Feature.SEARCH_TEXTS,
        ("vector_store_search_tool ({texts}, ", When(Feature.MOODS, 'mood: "X is sad", '), '"like this one")\n'),
    ),
    When(Feature.FILTERS, "or ", otherwise=When(Feature.SEARCH_TEXTS, "or ")),
    "get_popular_items_tool (popular",
    When(Feature.USER_GROUPS, ", also in a group"),
    """), and pass its item_set or IDs here. No {user} ID: ask, or use liked_items. "Why?": the same call with
reasons=true, then compare by get_item_metadata_tool and get_interacted_items_tool. Name only what a tool returned.
""",
)


class TopKArguments(ItemsArguments[ItemId], Generic[UserId, ItemId]):
    user: UserId | None = Field(None, description="{User} ID; never guess.")
    k: K = 5
    items: Annotated[list[ItemId] | None, OneOrMore] = Field(None, description="Only among these {item} IDs.")
    item_set: str | None = Field(None, description="Only in this set: a handle from a tool.")
    liked_items: Annotated[list[ItemId] | None, OneOrMore] = Field(
        None, description="Instead of user: {item} IDs that someone likes."
    )
    exclude_seen: bool = Field(True, description="Leave out what is in the history.")
    reasons: bool = Field(False, description="Add up to 3 {items} of the history that speak for each.")
    detail: Detail = "compact"


class RecommendedItem(ListedItem[ItemId], Generic[ItemId]):
    score: float = Field(description="Comparable here only.")
    because: list[NamedItem[ItemId]] = Field(default_factory=list, description="Of the history.")


class TopKResult(Result, Generic[ItemId]):
    items: list[RecommendedItem[ItemId]] = Field(description="Best first.")


def build(facts: DatasetFacts) -> Tool:
    return make_tool(
        facts,
        name="get_top_k_recommendations_tool",
        title="Recommend {items}",
        description=DESCRIPTION,
        arguments=TopKArguments,
        result=TopKResult,
        run=recommend,
    )


async def recommend(backends: Backends, arguments: TopKArguments[Id, Id]) -> TopKResult[Id]:
    from mcp_server.recommender.ranker import top_by  # with NumPy

    nouns = backends.spec.nouns
    catalog = await backends.catalog()
    user, history, whom = await _find_history(catalog, nouns, arguments)
    allowed = await candidate_items(backends, arguments)
    excluded = catalog.unrankable(history if arguments.exclude_seen else None)
    ranker = await backends.ranker()
    notes = []
    if len(history):
        top = ranker.top(user, history, arguments.k, allowed=allowed, excluded=excluded, twins=catalog.twins)
    else:
        counts = (await catalog.statistics.popularity({})).per_item
        top = top_by(counts, arguments.k, allowed=allowed, excluded=excluded, twins=catalog.twins)
        notes.append(
            f"{whom} has no {nouns.interactions} yet: these are the {nouns.items} with most {nouns.interactions}."
        )
    columns: dict[str, list[Any]] = {"score": [round(score, 4) for score in top.scores]}
    if arguments.reasons and len(history):
        reasons = [ranker.reasons(history, item, N_REASONS) for item in top.items]
        if None in reasons:
            notes.append("This model cannot tell which items of the history speak for a recommendation.")
        else:
            speaking = [item for found in reasons for item in found or []]
            names = iter(await list_items(backends, NamedItem, speaking))
            columns["because"] = [[next(names) for _ in found or []] for found in reasons]
    items = await list_items(backends, RecommendedItem, top.items, arguments.detail, **columns)
    if len(items) < arguments.k:
        notes.append(_why_fewer(nouns, allowed, excluded, arguments.k, len(items)))
    found = f"{count_of(len(items), nouns.item, nouns.items)} for {whom}, best first."
    return TopKResult(message=" ".join([found, *notes]), items=items)


async def _find_history(
    catalog: Catalog, nouns: Nouns, arguments: TopKArguments[Id, Id]
) -> tuple[int | None, IntArray, str]:
    """Whom a call is for: their position, None without an ID; the items of their history; and their name in messages.

    Raises:
        InvalidInputError: The call names nobody, or somebody in two ways, or an ID is unknown.
    """
    if arguments.user is not None and arguments.liked_items is not None:
        raise InvalidInputError("give either user or liked_items, not both")
    if arguments.user is not None:
        user = await catalog.user_idx(arguments.user)
        return user, await catalog.histories.items(user), f"{nouns.user} {arguments.user}"
    if not arguments.liked_items:
        raise InvalidInputError(f"for which {nouns.user}? Ask for the ID, or pass liked_items for someone without one")
    liked = await catalog.item_idx(arguments.liked_items)
    return None, liked, f"someone who likes {count_of(len(liked), nouns.item, nouns.items)}"


def _why_fewer(nouns: Nouns, allowed: IntArray | None, excluded: IntArray, k: int, n_found: int) -> str:
    if allowed is None:
        return f"These are all {nouns.items} that can be recommended; {k} were asked for."
    n_out = len(set(allowed.tolist()) & set(excluded.tolist()))
    out = f"; {n_out} of them {'is' if n_out == 1 else 'are'} already known or cannot be ranked" if n_out else ""
    return (
        f"Only {n_found} of the {k} asked for: the choice was among "
        f"{count_of(len(allowed), nouns.item, nouns.items)}{out}."
    )
