"""Recommendations: the best-ranked items for a user, or for someone who likes some items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic

from pydantic import Field

from mcp_server.errors import InvalidInputError
from mcp_server.tools.base import (
    Facts,
    ItemId,
    ItemsArguments,
    K,
    ListedItem,
    OneOrMore,
    Result,
    Tool,
    UserId,
    candidate_items,
    count_of,
    list_items,
    make_tool,
    with_ids,
)

if TYPE_CHECKING:
    from mcp_server.backends import Backends
    from mcp_server.dataset.records import IntArray

N_REASONS = 3

DESCRIPTION = """
Recommends {items} to a {user}: ranks all {items}, or only those given, by a model trained on everybody's
{interactions}, and returns the best k. {Items} that the {user} already knows are left out. Use it for every
"what should {user} X get": first narrow the {items} with other tools if there are conditions (attributes,
content, popularity), then pass their item_set or items here. Ask for the {user}'s ID if you do not have it; use
liked_items for someone without an ID. Never recommend anything that no tool returned.
"""


class TopKArguments(ItemsArguments[ItemId], Generic[UserId, ItemId]):
    user: UserId | None = Field(None, description="ID of the {user}. Needed unless liked_items is given.")
    k: K = 5
    items: Annotated[list[ItemId] | None, OneOrMore] = Field(
        None, description="Recommend only among these IDs. With item_set: among those in both."
    )
    item_set: str | None = Field(None, description="Recommend only among this set, a handle from another tool.")
    liked_items: Annotated[list[ItemId] | None, OneOrMore] = Field(
        None, description="Instead of user: IDs of {items} that someone who is not in the data likes."
    )
    exclude_seen: bool = Field(True, description="Leave out {items} that the {user} already has {interactions} of.")
    reasons: bool = Field(
        False, description="Also name up to 3 {items} of the {user}'s history that speak most for each one."
    )


class RecommendedItem(ListedItem[ItemId], Generic[ItemId]):
    score: float = Field(description="The model's score; comparable within this answer only.")
    because: list[ListedItem[ItemId]] = Field(
        default_factory=list, description="{Items} of the history that contributed most to the score."
    )


class TopKResult(Result, Generic[ItemId]):
    items: list[RecommendedItem[ItemId]] = Field(description="Recommended {items}, best first.")


def build(facts: Facts) -> Tool:
    result = with_ids(TopKResult, facts.item_id_type)

    async def run(backends: Backends, arguments: TopKArguments[Any, Any]) -> Result:
        return result(**await recommend(backends, arguments))

    return make_tool(
        facts,
        name="get_top_k_recommendations_tool",
        title="Recommend {items}",
        description=DESCRIPTION,
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
        for item, score in zip(await list_items(backends, items), top.scores, strict=True)
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
