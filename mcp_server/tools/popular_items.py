"""The items that users have used most, overall or in a group of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Generic

from pydantic import Field

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.feedback import amount, counting
from mcp_server.dataset.ids import ItemId
from mcp_server.tools.arguments import LARGEST_K, CandidatesArguments, Detail, K, OneOrMore, remaining_items
from mcp_server.tools.reliability import few_users
from mcp_server.tools.results import (
    Amount,
    ListedItem,
    Result,
    count_of,
    keep_set,
    list_items,
    name_repeated,
    unavailable,
)
from mcp_server.tools.tool import Tool, make_tool
from mcp_server.tools.user_groups import named_groups
from mcp_server.tools.windows import WindowArguments, named_window

if TYPE_CHECKING:
    from mcp_server.catalog.catalog import Catalog, PopularItems
    from mcp_server.catalog.numbers import ItemNumbers
    from mcp_server.dataset.spec import DatasetSpec, Nouns
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id, IntArray

DESCRIPTION = (
    "The {items} with most {interactions}, ",
    When(Feature.USER_GROUPS, "by everybody or a group, "),
    'in all or among given {items}: "popular with X", "most engaging"',
    When(Feature.TIMES, ', "trending" (since)'),
    ".\n",
    When(Feature.USER_GROUPS, "For a {user}'s group, first get_user_metadata_tool.\n"),
    "To recommend them, pass the IDs listed as items to get_top_k_recommendations_tool.\n",
    When(
        Feature.FILTERED_KINDS,
        (
            'Statistics ("most engaging {one}"',
            When(Feature.MEASURES, ', "ideal {measures}"'),
            When(Feature.FILTERED_MONTHS, ', "best {one} of a season"'),
            "): ",
            When(
                Feature.STATISTICS,
                "get_statistics_tool.\n",
                otherwise=(
                    "for each {one}, item_filter_tool, its item_set here with k=3, then get_item_metadata_tool.\n"
                ),
            ),
        ),
    ),
    "Not for shares of {users}: get_like_percentage_tool.",
)


class PopularArguments(WindowArguments, CandidatesArguments[ItemId], Generic[ItemId]):
    k: K = 20
    user_group: Annotated[list[str] | None, OneOrMore, Feature.USER_GROUPS] = Field(
        None,
        description="Count only these {users}: groups of one kind united, of several kinds intersected.",
    )
    detail: Detail = "compact"


class PopularItem(ListedItem[ItemId], Generic[ItemId]):
    n_interactions: Amount = Field(description="{Interactions}.")
    weight: Annotated[Amount | None, Feature.EVENTS] = Field(None, description="Weighted sum: the order.")
    stands_out: bool = Field(description="Above the 0.75 quantile.")


class PopularResult(Result, Generic[ItemId]):
    items: list[PopularItem[ItemId]] = Field(description="Most popular first.")
    count: int = Field(description="How many have any, also those not listed.")
    item_set: str | None = Field(None, description="For all of these, in this order.")


def build(facts: DatasetFacts) -> Tool:
    return make_tool(
        facts,
        name="get_popular_items_tool",
        title="Popular {items}",
        description=DESCRIPTION,
        arguments=PopularArguments,
        result=PopularResult,
        run=popular_items,
        choices={"user_group": facts.group_names} if facts.group_names else None,
    )


async def popular_items(backends: Backends, arguments: PopularArguments[Id]) -> PopularResult[Id]:
    spec, nouns = backends.spec, backends.spec.nouns
    groups = named_groups(backends, arguments.user_group)
    candidates = await remaining_items(backends, arguments)
    catalog = await backends.catalog()
    time = await named_window(catalog.statistics.timeline, spec, arguments)
    numbers = await catalog.statistics.numbers(groups.values, time.window)
    popular = await catalog.popular(numbers, candidates)
    chosen = popular.found.idx[: arguments.k]
    n_users = count_of(numbers.n_users, nouns.user, nouns.users)
    whom = (f"{n_users} ({groups.name})" if groups.name else f"all {nouns.users}") + time.words
    given = " given" if arguments.items is not None or arguments.item_set is not None else ""
    of = "" if candidates is None else f" of {count_of(len(candidates), nouns.item, nouns.items)}{given}"
    notes = [f"{count_of(len(chosen), nouns.item, nouns.items)}{of}, by {counting(spec, whom)}."]
    notes += few_users(numbers.n_users, nouns) if groups.name else []
    notes += [
        *time.notes,
        *time.untimed,
        *unavailable(popular.n_unavailable, nouns),
        *_say_untitled(catalog, candidates, nouns),
    ]
    what = "a weight above 0" if spec.interactions.kind == "events" else nouns.interactions
    if len(chosen):
        notes += [_say_line(spec, popular, len(chosen))] if candidates is None or len(candidates) > 1 else []
        of_whom = f"{what}{f' of these {nouns.users}' if groups.name else ''}{time.words}"
        uncounted = _say_uncounted(catalog, numbers, popular, candidates)
        notes += [_say_others(popular, len(chosen), of_whom, uncounted, nouns)]
        notes += await _say_repeated(catalog, numbers, chosen, candidates, nouns)
    else:
        notes.append(f"None of the {nouns.items} to choose from has {what} of {whom}.")
    columns = {
        "n_interactions": numbers.amounts[chosen].tolist(),
        "stands_out": [place < popular.n_above for place in range(len(chosen))],
    }
    if spec.interactions.kind == "events":
        columns["weight"] = numbers.popularity[chosen].tolist()
    items = await list_items(backends, PopularItem, chosen.tolist(), arguments.detail, **columns)
    result: PopularResult[Id] = PopularResult(message="", items=items, count=len(popular.found.idx))
    notes += await keep_set(backends, result, popular.found.ids)
    result.message = " ".join(notes)
    return result


def _say_line(spec: DatasetSpec, popular: PopularItems, n_listed: int) -> str:
    """A sentence on the line above which items stand out."""
    line, n_above = f"more than the 0.75 quantile, {amount(spec, popular.threshold)}", popular.n_above
    if not n_above:
        return f"None stands out ({line}): these are simply those with most."
    if n_above < n_listed:
        rest = "the last one does" if n_listed - n_above == 1 else f"the last {n_listed - n_above:,} do"
        return f"The first {n_above:,} {'stands' if n_above == 1 else 'stand'} out ({line}), {rest} not."
    others = f"; so do {n_above - n_listed:,} more" if n_above > n_listed else ""
    return f"{'It stands' if n_listed == 1 else 'They stand'} out ({line}){others}."


def _say_others(popular: PopularItems, n_listed: int, what: str, uncounted: str, nouns: Nouns) -> str:
    """A sentence on the items that are not listed, or that there are none."""
    n_found = len(popular.found.idx)
    if n_found == n_listed:
        return f"No other {nouns.item} to choose from has {what}."
    more = "" if n_listed == LARGEST_K else f" A greater k, up to {LARGEST_K}, lists more."
    alone = f"for the {n_listed:,} listed alone, pass their IDs"
    return (
        f"In all {n_found:,} {nouns.items} have {what}{uncounted}.{more} item_set is all {n_found:,} of these; {alone}."
    )


def _say_uncounted(catalog: Catalog, numbers: ItemNumbers, popular: PopularItems, candidates: IntArray | None) -> str:
    """The items that are not counted among those that have been used, as the end of a sentence; empty without any."""
    import numpy as np

    again = catalog.twins.others(popular.found.idx)
    untitled = catalog.untitled if candidates is None else again[:0]  # of those given, another sentence tells
    again = again if candidates is None else again[np.isin(again, candidates)]
    counts = [np.count_nonzero(numbers.popularity[each] > 0) for each in (again, untitled)]
    words = ("listed again under another ID", "without a title")
    told = [f"{count:,} {word}" for count, word in zip(counts, words, strict=True) if count]
    return f", not counting {' and '.join(told)}" if told else ""


def _say_untitled(catalog: Catalog, candidates: IntArray | None, nouns: Nouns) -> list[str]:
    """A sentence on items given that have no title, if there are any."""
    n_untitled = 0 if candidates is None else len(set(catalog.untitled.tolist()).intersection(candidates.tolist()))
    if not n_untitled:
        return []
    verbs = ("has", "was") if n_untitled == 1 else ("have", "were")
    return [f"{count_of(n_untitled, nouns.item, nouns.items)} {verbs[0]} no title and {verbs[1]} left out."]


async def _say_repeated(
    catalog: Catalog, numbers: ItemNumbers, listed: IntArray, candidates: IntArray | None, nouns: Nouns
) -> list[str]:
    """A sentence on listed items that occur under another ID, too, if there are any."""
    import numpy as np

    others = catalog.twins.others(listed)
    others = others[numbers.popularity[others] > 0]
    others = others if candidates is None else others[np.isin(others, candidates)]
    twins = listed[np.isin(catalog.twins.canonical(listed), catalog.twins.canonical(others))]
    if not len(twins):
        return []
    titles = await name_repeated(catalog, twins, np.concatenate([twins, others]))
    verb = "is" if len(twins) == 1 else "are"
    return [
        f"{titles} {verb} in the catalogue under several IDs; only the {nouns.interactions} of the ID listed are "
        "counted."
    ]
