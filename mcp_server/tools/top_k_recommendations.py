"""Recommendations: the best-ranked items for a user, or for someone who likes some items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic

from pydantic import Field

from mcp_server.errors import InvalidInputError
from mcp_server.tools.base import (
    Detail,
    Facts,
    ItemId,
    ItemsArguments,
    K,
    ListedItem,
    NamedItem,
    OneOrMore,
    Result,
    Tool,
    UserId,
    applicable,
    candidate_items,
    count_of,
    list_items,
    make_tool,
    with_ids,
)

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends
    from mcp_server.types import IntArray

N_REASONS = 3

DESCRIPTION = """
The {items} that one {user} will like best, ranked by a model trained on all {interactions}. The only tool that
recommends: "for {user} X", "3 of kind Y for X". Under a condition, first call
item_filter_tool (names, kinds, years, numbers),
vector_store_search_tool (story, mood: "X is sad", "like this one")
or get_popular_items_tool (popular, also in a group), and pass its item_set or IDs here. No {user} ID: ask, or use
liked_items. "Why?": the same call with reasons=true, then compare by get_item_metadata_tool and
get_interacted_items_tool. Name only what a tool returned.
"""


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


def build(facts: Facts) -> Tool:
    result = with_ids(TopKResult, facts.item_id_type)

    async def run(backends: Backends, arguments: TopKArguments[Any, Any]) -> Result:
        return result(**await recommend(backends, arguments))

    return make_tool(
        facts,
        name="get_top_k_recommendations_tool",
        title="Recommend {items}",
        description=applicable(DESCRIPTION, facts),
        arguments=with_ids(TopKArguments, facts.user_id_type, facts.item_id_type),
        result=result,
        run=run,
    )


async def recommend(backends: Backends, arguments: TopKArguments[Any, Any]) -> dict[str, Any]:
    """The fields of a TopKResult."""
    from mcp_server.recommender.ranker import top_by  # with NumPy: after the list of tools is out

    nouns = backends.spec.nouns
    if arguments.user is not None and arguments.liked_items is not None:
        raise InvalidInputError("give either user or liked_items, not both")
    if arguments.user is None and not arguments.liked_items:
        raise InvalidInputError(f"for which {nouns.user}? Ask for the ID, or pass liked_items for someone without one")
    catalog = await backends.catalog()
    user, history = None, None
    if arguments.user is not None:
        user = await catalog.user_idx(arguments.user)
        history = await catalog.history(user)
        whom = f"{nouns.user} {arguments.user}"
    else:
        history = await catalog.item_idx(arguments.liked_items or [])
        whom = f"someone who likes {count_of(len(history), nouns.item, nouns.items)}"
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
    items = top.items
    listed: list[dict[str, Any]] = [
        {**item, "score": round(score, 4)}
        for item, score in zip(await list_items(backends, items, arguments.detail), top.scores, strict=True)
    ]
    if arguments.reasons and len(history):
        notes += await _add_reasons(backends, listed, items, history)
    if len(items) < arguments.k:
        notes.append(_why_fewer(backends, allowed, excluded, history, arguments, len(items)))
    found = f"{count_of(len(items), nouns.item, nouns.items)} for {whom}, best first."
    return {"message": " ".join([found, *notes]), "items": listed}


async def _add_reasons(
    backends: Backends, listed: list[dict[str, Any]], items: list[int], history: IntArray
) -> list[str]:
    """Add "because" to each recommendation; returns what there is to say about it."""
    ranker = await backends.ranker()
    reasons = [ranker.reasons(history, item, N_REASONS) for item in items]
    if any(found is None for found in reasons):
        return ["This model cannot tell which items of the history speak for a recommendation."]
    flat = [item for found in reasons for item in found or []]
    names = iter(await list_items(backends, flat))
    for entry, found in zip(listed, reasons, strict=True):
        entry["because"] = [next(names) for _ in found or []]
    return []


def _why_fewer(
    backends: Backends,
    allowed: IntArray | None,
    excluded: IntArray,
    history: IntArray,
    arguments: TopKArguments[Any, Any],
    n_found: int,
) -> str:
    nouns = backends.spec.nouns
    if allowed is None:
        return f"These are all {nouns.items} that can be recommended; {arguments.k} were asked for."
    n_out = len(set(allowed.tolist()) & set(excluded.tolist()))
    out = f"; {n_out} of them {'is' if n_out == 1 else 'are'} already known or cannot be ranked" if n_out else ""
    return (
        f"Only {n_found} of the {arguments.k} asked for: the choice was among "
        f"{count_of(len(allowed), nouns.item, nouns.items)}{out}."
    )
