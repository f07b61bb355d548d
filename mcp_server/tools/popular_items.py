"""The items that users have used most, overall or in a group of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Generic

from pydantic import Field

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.feedback import amount, counting
from mcp_server.dataset.groups import by_field
from mcp_server.dataset.ids import ItemId
from mcp_server.errors import InvalidInputError
from mcp_server.tools.arguments import Detail, ItemsArguments, K, OneOrMore, candidate_items
from mcp_server.tools.results import Amount, ListedItem, Result, count_of, list_items, unavailable
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id

DESCRIPTION = (
    "The {items} with most {interactions}, ",
    When(Feature.USER_GROUPS, "by everybody or a group, "),
    """in all or among given {items}: "popular with X", "most engaging".
""",
    When(Feature.USER_GROUPS, "For a {user}'s group, first get_user_metadata_tool.\n"),
    "To recommend them, pass the IDs as items to get_top_k_recommendations_tool.\n",
    When(
        Feature.FILTERED_KINDS,
        (
            'Statistics ("most engaging {one}"',
            When(Feature.MEASURES, ', "ideal {measures}"'),
            When(Feature.FILTERED_MONTHS, ', "best {one} of a season"'),
            "): for each {one}, item_filter_tool, its item_set here with k=3, then get_item_metadata_tool.\n",
        ),
    ),
    "Not for shares of {users}: get_like_percentage_tool.",
)


class PopularArguments(ItemsArguments[ItemId], Generic[ItemId]):
    k: K = 20
    user_group: Annotated[list[str] | None, OneOrMore, Feature.USER_GROUPS] = Field(
        None,
        description="Count only these {users}: groups of one kind united, of several kinds intersected.",
    )
    detail: Detail = "compact"


class PopularItem(ListedItem[ItemId], Generic[ItemId]):
    n_interactions: Amount = Field(description="{Interactions}.")
    weight: Annotated[Amount | None, Feature.EVENTS] = Field(None, description="Weighted sum: the order.")


class PopularResult(Result, Generic[ItemId]):
    items: list[PopularItem[ItemId]] = Field(description="Most popular first.")


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
    if arguments.user_group is not None and not arguments.user_group:
        raise InvalidInputError("user_group is an empty list: name a group, or leave it out")
    known = DatasetFacts(backends.spec, backends.card).user_groups
    groups = by_field(map(known.find, arguments.user_group or []))
    candidates = await candidate_items(backends, arguments)
    catalog = await backends.catalog()
    values = {field: [group.value for group in chosen] for field, chosen in groups.items()}
    numbers = await catalog.statistics.numbers(values)
    popular, n_unavailable = catalog.popular(numbers, candidates, arguments.k)
    if groups:
        names = [" or ".join(group.published for group in chosen) for chosen in groups.values()]
        whom = f"{count_of(numbers.n_users, nouns.user, nouns.users)} ({' and '.join(names)})"
    else:
        whom = f"all {nouns.users}"
    of = "" if candidates is None else f" of {count_of(len(candidates), nouns.item, nouns.items)} given"
    notes = [f"{count_of(len(popular.items), nouns.item, nouns.items)}{of}, by {counting(spec, whom)}."]
    notes += unavailable(n_unavailable, nouns)
    if not len(popular.items):
        what = "a weight above 0" if spec.interactions.kind == "events" else nouns.interactions
        notes.append(f"None of the {nouns.items} to choose from has {what} of {whom}.")
    elif not popular.above_threshold:
        threshold = amount(spec, popular.threshold)
        notes.append(f"None stands out (more than the 0.75 quantile, {threshold}): these are simply those with most.")
    chosen = popular.items.tolist()
    columns = {"n_interactions": numbers.amounts[popular.items].tolist()}
    if spec.interactions.kind == "events":
        columns["weight"] = numbers.popularity[popular.items].tolist()
    items = await list_items(backends, PopularItem, chosen, arguments.detail, **columns)
    return PopularResult(message=" ".join(notes), items=items)
