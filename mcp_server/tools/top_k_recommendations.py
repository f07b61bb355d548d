"""Recommendations: the best-ranked items for a user, or for someone who likes some items."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Generic

from pydantic import Field

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.feedback import liking
from mcp_server.dataset.ids import ItemId, UserId
from mcp_server.errors import InvalidInputError
from mcp_server.tools.arguments import Detail, ItemsArguments, K, OneOrMore, candidate_items
from mcp_server.tools.results import ListedItem, NamedItem, Result, count_of, list_items, unavailable
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from mcp_server.catalog.catalog import Catalog
    from mcp_server.catalog.liked_history import LikedHistory
    from mcp_server.dataset.spec import DatasetSpec, Nouns
    from mcp_server.recommender.ranker import Ranked, Ranker
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


@dataclass(frozen=True)
class Asker:
    """The one whom recommendations are for."""

    user: int | None
    """Position; None for someone without an ID."""
    name: str
    """Name in messages."""
    seen: IntArray
    """Positions of the items of the history."""
    liked: LikedHistory
    """Those of them that speak for others."""


async def recommend(backends: Backends, arguments: TopKArguments[Id, Id]) -> TopKResult[Id]:
    spec, nouns = backends.spec, backends.spec.nouns
    catalog = await backends.catalog()
    asker = await _find_asker(catalog, nouns, arguments)
    allowed = await candidate_items(backends, arguments)
    left_out = asker.seen if arguments.exclude_seen else None
    excluded = catalog.unrankable(left_out)
    ranker = await backends.ranker()
    top, why_popular = _rank(catalog, ranker, asker, spec, allowed=allowed, excluded=excluded, k=arguments.k)
    columns: dict[str, list[Any]] = {"score": [_shown(score) for score in top.scores]}
    order, notes = "best first", []
    if why_popular is not None:
        order, notes = "most popular first", [why_popular] if top.items else []
    else:
        notes += _why_no_better(top, nouns)
        if arguments.reasons:
            notes += await _add_reasons(backends, ranker, asker, top, columns)
    n_unavailable = catalog.n_unavailable(allowed, left_out)
    notes += unavailable(n_unavailable, nouns)
    items = await list_items(backends, RecommendedItem, top.items, arguments.detail, **columns)
    if len(items) < arguments.k:
        n_out = 0 if allowed is None else len(set(allowed.tolist()) & set(excluded.tolist())) - n_unavailable
        if catalog.popularity.any():
            notes.append(_why_fewer(nouns, allowed, n_out, arguments.k, len(items)))
        else:
            notes.append(f"There are no {nouns.interactions} at all yet, so no {nouns.item} can be recommended.")
    found = f"{count_of(len(items), nouns.item, nouns.items)} for {asker.name}{f', {order}' if items else ''}."
    return TopKResult(message=" ".join([found, *notes]), items=items)


async def _find_asker(catalog: Catalog, nouns: Nouns, arguments: TopKArguments[Id, Id]) -> Asker:
    """The one whom a call is for.

    Raises:
        InvalidInputError: The call names nobody, or somebody in two ways, or an ID is unknown.
    """
    if arguments.user is not None and arguments.liked_items is not None:
        raise InvalidInputError("give either user or liked_items, not both")
    if arguments.user is not None:
        user = await catalog.user_idx(arguments.user)
        history = await catalog.histories.of(user)
        return Asker(user, f"{nouns.user} {arguments.user}", history.items, history.liked)
    from mcp_server.catalog.liked_history import LikedHistory  # with NumPy

    if not arguments.liked_items:
        raise InvalidInputError(f"for which {nouns.user}? Ask for the ID, or pass liked_items for someone without one")
    liked = await catalog.item_idx(arguments.liked_items)
    name = f"someone who likes {count_of(len(liked), nouns.item, nouns.items)}"
    return Asker(None, name, liked, LikedHistory(liked))


def _rank(
    catalog: Catalog,
    ranker: Ranker,
    asker: Asker,
    spec: DatasetSpec,
    *,
    allowed: IntArray | None,
    excluded: IntArray,
    k: int,
) -> tuple[Ranked, str | None]:
    """The ranking and, where it is by popularity alone, a sentence that says why."""
    from mcp_server.recommender.ranker import top_by  # with NumPy

    nouns, popularity = spec.nouns, catalog.popularity
    rank_by = partial(top_by, k=k, allowed=allowed, excluded=excluded, twins=catalog.twins, popularity=popularity)
    if ranker.knows_popularity_only:
        why = f"No model could be trained on so few {nouns.interactions}"
    elif not len(asker.seen):
        why = f"{asker.name} has no {nouns.interactions} yet, so nothing is known of what this {nouns.user} likes"
    elif not len(asker.liked):
        why = (
            f"Nothing is known of what {asker.name} likes yet: nothing in the history is liked, "
            f"which takes {liking(spec)}"
        )
    else:
        top = rank_by(ranker.scores(asker.user, asker.liked))
        if top.tells_apart or not top.items:
            return top, None
        history = f"the {nouns.items} given" if asker.user is None else f"the history of {asker.name}"
        why = f"Nothing could be concluded from {history}"
    why = f"{why[0].upper()}{why[1:]}. These are the most popular {nouns.items} that could be recommended."
    return rank_by(popularity), why


def _shown(score: float) -> float:
    """A score with four decimals, or as few as show that it is not 0."""
    return round(score, 4) or float(f"{score:.1g}")


def _why_no_better(top: Ranked, nouns: Nouns) -> list[str]:
    """A sentence about items that nothing speaks for, if there are any."""
    n_zeros = top.scores.count(0)
    if not n_zeros:
        return []
    order = "" if n_zeros == 1 else "; they are in order of popularity"
    return [f"Nothing in the history speaks for the {count_of(n_zeros, nouns.item, nouns.items)} with score 0{order}."]


async def _add_reasons(
    backends: Backends, ranker: Ranker, asker: Asker, top: Ranked, columns: dict[str, list[Any]]
) -> list[str]:
    """Add the items of the history that speak for each recommendation, or give a sentence on why there are none."""
    reasons = [ranker.reasons(asker.liked, item, N_REASONS) for item in top.items]
    if None in reasons:
        return ["This model cannot tell which items of the history speak for a recommendation."]
    speaking = [item for found in reasons for item in found or []]
    names = iter(await list_items(backends, NamedItem, speaking))
    columns["because"] = [[next(names) for _ in found or []] for found in reasons]
    return []


def _why_fewer(nouns: Nouns, allowed: IntArray | None, n_out: int, k: int, n_found: int) -> str:
    if allowed is None and not n_found:
        return f"There is no other {nouns.item} that can be recommended."
    if allowed is None:
        return f"These are all {nouns.items} that can be recommended; {k} were asked for."
    out = f"; {n_out} of them {'is' if n_out == 1 else 'are'} already known or cannot be ranked" if n_out else ""
    return (
        f"Only {n_found} of the {k} asked for: the choice was among "
        f"{count_of(len(allowed), nouns.item, nouns.items)}{out}."
    )
