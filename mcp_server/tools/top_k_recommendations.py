"""Recommendations: the best-ranked items for a user, or for someone who likes some items."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Annotated, Any, Generic

from pydantic import Field

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.ids import ItemId, NotBoolean, UserId
from mcp_server.tools.arguments import CandidatesArguments, Detail, ItemSet, K, OneOrMore, remaining_items
from mcp_server.tools.audience import Audience, find_audience, name_all
from mcp_server.tools.history_values import HistoryValues, history_values
from mcp_server.tools.nearness import nearness_of
from mcp_server.tools.results import ListedItem, NamedItem, Result, count_of, list_items, unavailable
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from mcp_server.catalog.catalog import LeftOut
    from mcp_server.dataset.spec import Nouns
    from mcp_server.recommender.ranker import Ranker
    from mcp_server.serving.backends import Backends
    from mcp_server.tools.ranking import Ranking
    from mcp_server.types import Id, IntArray

N_REASONS = 3

POOL_TIMES, LEAST_POOL = 5, 100
"""Candidates among which diversity chooses: so many times the number asked for, and at least so many."""

DESCRIPTION = (
    """
The {items} that a {user}, or several, will like best, by a model trained on all {interactions}. The only tool that
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


class TopKArguments(CandidatesArguments[ItemId], Generic[UserId, ItemId]):
    user: UserId | None = Field(None, description="{User} ID; never guess.")
    users: Annotated[list[UserId] | None, OneOrMore] = Field(None, description="Instead: what suits all of these.")
    k: K = 5
    items: Annotated[list[ItemId] | None, OneOrMore] = Field(None, description="Only among these {item} IDs.")
    item_set: ItemSet = Field(None, description="Or a handle from a tool; a,b: in both.")
    liked_items: Annotated[list[ItemId] | None, OneOrMore] = Field(
        None, description="Instead: {item} IDs that someone likes."
    )
    exclude_seen: bool = Field(True, description="Leave out the history.")
    blend: Annotated[float, Field(ge=0, le=1), NotBoolean, Feature.SEARCH_TEXTS] = Field(
        0.5, description="With a search's item_set: 0 by taste alone, 1 by nearness alone."
    )
    diversity: Annotated[float, Field(ge=0, le=1), NotBoolean, Feature.LIKENESS] = Field(
        0, description="0 to 1: variety over fit."
    )
    reasons: bool = Field(False, description="Add up to 3 liked {items} that speak for each.")
    detail: Detail = "compact"


class Reason(HistoryValues, NamedItem[ItemId], Generic[ItemId]):
    liked_by: str | None = None


class RecommendedItem(ListedItem[ItemId], Generic[ItemId]):
    rank: int | None = Field(None, description="Of all {items} that could be recommended.")
    fit: float | None = Field(
        None, description="0 to 100: percent of the others that score lower; of several {users}, the least."
    )
    score: float | None = Field(None, description="In full only; comparable here only.")
    because: list[Reason[ItemId]] = Field(default_factory=list)


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
    from mcp_server.tools.ranking import rank  # with NumPy

    spec, nouns = backends.spec, backends.spec.nouns
    catalog, ranker = await backends.catalog(), await backends.ranker()
    audience = await find_audience(catalog, spec, arguments.user, arguments.users, arguments.liked_items)
    allowed = await remaining_items(backends, arguments)
    seen = audience.seen if arguments.exclude_seen else None
    rank_all = partial(rank, catalog, ranker, audience, spec, allowed=allowed, seen=seen)
    # For several users all items are sorted by the scores of each, which takes its time in a large catalogue.
    ranking = await asyncio.to_thread(rank_all) if len(audience.members) > 1 else rank_all()
    nearness = await nearness_of(backends, arguments.item_set) if arguments.blend else None
    if nearness is not None:
        ranking = ranking.blend(nearness, arguments.blend)
    chosen, notes = await _choose(backends, ranking, arguments)
    columns: dict[str, list[Any]] = {"rank": ranking.standing.ranks(chosen)}
    if not ranking.by_popularity:
        columns["fit"] = ranking.fits(chosen)
        notes += _why_no_better(ranking, chosen, columns["rank"], nouns)
        if arguments.reasons:
            notes += await _add_reasons(backends, ranker, audience, ranking, chosen, columns)
    if arguments.detail == "full" and ranking.least is None:
        columns["score"] = [_shown(score) for score in ranking.scores[chosen].tolist()]
    out = catalog.left_out(allowed, seen, cold=ranking.with_cold)
    notes += unavailable(out.n_unavailable, nouns)
    items = await list_items(backends, RecommendedItem, chosen.tolist(), arguments.detail, **columns)
    if len(items) < arguments.k:
        is_asked = "k" in arguments.model_fields_set or allowed is None or len(allowed) >= arguments.k
        notes.append(_why_fewer(ranking, out, allowed, arguments.k if is_asked else None, len(items), nouns))
    elif out.n_known:
        notes.append(_say_known(audience, nouns))
    order = f", {_say_order(ranking, arguments.blend)}" if items else ""
    among = ""
    if allowed is not None and len(items) >= arguments.k:  # otherwise the last sentence says so
        among = f", among {count_of(len(allowed), nouns.item, nouns.items)}"
    found = f"{count_of(len(items), nouns.item, nouns.items)} for {audience.name}{among}{order}."
    return TopKResult(message=" ".join([found, *notes]), items=items)


def _say_order(ranking: Ranking, blend: float) -> str:
    together = len(ranking.members) > 1
    if ranking.blended is None and ranking.by_popularity:
        return "most popular first"
    if ranking.blended is None:
        return "best first: by the fit for the one whom each suits least" if together else "best first"
    if blend == 1:
        return "nearest to the search first"
    other = "popularity" if ranking.by_popularity else "fit for the one whom each suits least" if together else "taste"
    return f"best first: nearness to the search counts {blend:.0%}, {other} {1 - blend:.0%}"


async def _choose(backends: Backends, ranking: Ranking, arguments: TopKArguments[Id, Id]) -> tuple[IntArray, list[str]]:
    """The items to recommend, in their order, and sentences about the choice."""
    nouns, best, diversity = backends.spec.nouns, ranking.best(arguments.k), arguments.diversity
    if not len(best):
        return best, []
    notes = list(ranking.notes)
    if ranking.by_popularity:
        if ranking.blended is None:
            restrictions = (arguments.items, arguments.item_set, arguments.exclude_items, arguments.exclude_set)
            among = ", among those to choose from" if any(each is not None for each in restrictions) else ""
            notes.append(f"These are the most popular {nouns.items} that could be recommended{among}.")
        return best, [*notes, "Diversity changes nothing about them."] if diversity else notes
    if notes:
        notes.append(f"So the ranking goes by {name_all(ranking.members, nouns)} alone.")
    if not diversity:
        return best, notes
    chosen = await _diversify(backends, ranking, arguments.k, diversity)
    n_others = len(set(chosen.tolist()) - set(best.tolist()))
    said = (
        f"put {n_others:,} of these in the place of {nouns.items} that rank higher" if n_others else "changed nothing"
    )
    return chosen, [*notes, f"Diversity {diversity:g} {said}."]


async def _diversify(backends: Backends, ranking: Ranking, k: int, diversity: float) -> IntArray:
    """The items to recommend for some diversity, best first."""
    import numpy as np

    from mcp_server.recommender.diversity import choose_diverse, name_similarity, text_similarity

    pool = ranking.best(max(POOL_TIMES * k, LEAST_POOL))
    similarities = []
    if backends.spec.categories:
        names = await ranking.catalog.categories.of(pool)
        similarities.append(name_similarity(names, ranking.catalog.n_items))
    if backends.searchable:
        similarities.append(text_similarity(await (await backends.search()).vectors(pool)))
    similarity = np.mean(similarities, axis=0) if similarities else np.zeros((len(pool), len(pool)), dtype=np.float32)
    places = choose_diverse(ranking.relevance(pool), similarity, k, diversity)
    return pool[np.sort(places)]


def _shown(score: float) -> float:
    """A score with four decimals, or as few as show that it is not 0."""
    return round(score, 4) or float(f"{score:.1g}")


def _why_no_better(ranking: Ranking, chosen: IntArray, ranks: Sequence[int], nouns: Nouns) -> list[str]:
    """A sentence about items that nothing speaks for, if there are any."""
    silent = [rank for rank, speaks in zip(ranks, ranking.speaks[chosen], strict=True) if not speaks]
    if not silent:
        return []
    history = "the history" if len(ranking.members) == 1 else "their histories"
    of_rank = " or ".join(map(str, sorted(set(silent))))
    order = "" if len(silent) == 1 or ranking.blended is not None else "; they are in order of popularity"
    return [
        f"Nothing in {history} speaks for {count_of(len(silent), nouns.item, nouns.items)} of rank {of_rank}{order}."
    ]


async def _add_reasons(
    backends: Backends,
    ranker: Ranker,
    audience: Audience,
    ranking: Ranking,
    chosen: IntArray,
    columns: dict[str, list[Any]],
) -> list[str]:
    """Add the items of the histories that speak for each recommendation, or give a sentence on why there are none."""
    because: list[list[int]] = []
    for item in chosen.tolist():
        found = [ranker.reasons(member.liked, item, N_REASONS) for member in ranking.members]
        if None in found:
            return ["This model cannot tell which items of the history speak for a recommendation."]
        in_turn = chain.from_iterable(zip_longest(*(reasons or [] for reasons in found)))
        because.append(list(dict.fromkeys(reason for reason in in_turn if reason is not None))[:N_REASONS])
    speaking = list(chain.from_iterable(because))
    known: dict[str, list[Any]] = {}
    if len(audience.members) > 1:
        fans = [[member for member in audience.members if item in member.liked.items] for item in speaking]
        known["liked_by"] = [name_all(each, backends.spec.nouns) for each in fans]
    elif (history := audience.members[0].history) is not None:
        place_of = {item: place for place, item in enumerate(history.items.tolist())}
        known = history_values(backends.spec, history, [place_of[item] for item in speaking])
    names = iter(await list_items(backends, Reason, speaking, "compact", **known))
    columns["because"] = [[next(names) for _ in reasons] for reasons in because]
    return []


def _say_known(audience: Audience, nouns: Nouns) -> str:
    """A sentence on the items that were left out because they are known."""
    if len(audience.members) > 1:
        return f"{nouns.items.capitalize()} already in their histories are left out."
    known = "given as liked" if audience.members[0].user is None else "already in the history"
    return f"{nouns.items.capitalize()} {known} are left out."


def _why_fewer(
    ranking: Ranking, out: LeftOut, allowed: IntArray | None, k: int | None, n_found: int, nouns: Nouns
) -> str:
    """A sentence on why there are fewer items than asked for."""
    if not n_found and not ranking.with_cold and not ranking.catalog.popularity.any():
        return f"There are no {nouns.interactions} at all yet, so no {nouns.item} can be recommended."
    if allowed is None and not n_found:
        return f"There is no other {nouns.item} that can be recommended."
    if allowed is None:
        return f"These are all {nouns.items} that can be recommended; {k} were asked for."
    reasons = [
        (out.n_known, "is already known", "are already known"),
        (out.n_unrankable, "cannot be ranked", "cannot be ranked"),
        (len(ranking.candidates) - n_found, "is the same as another", "are the same as others"),
    ]
    parts = [f"{n:,} of them {one if n == 1 else many}" for n, one, many in reasons if n]
    asked = "" if k is None else f"Only {n_found} of the {k} asked for: "
    if n_found == len(allowed) > 0:
        why = f"no other {nouns.item} was given to choose from"
    else:
        why = "; ".join([f"the choice was among {count_of(len(allowed), nouns.item, nouns.items)}", *parts])
    sentence = f"{asked}{why}."
    return f"{sentence[0].upper()}{sentence[1:]}"
