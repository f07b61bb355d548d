"""The items that most users have interacted with, overall or in a group of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic

from pydantic import Field

from mcp_server.errors import InvalidInputError, quoted
from mcp_server.tools.base import (
    Detail,
    Facts,
    ItemId,
    ItemsArguments,
    K,
    ListedItem,
    OneOrMore,
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

DESCRIPTION = """
The {items} with most {interactions}, by everybody or a group, in all or among given {items}: "popular with X",
"trending", "most engaging".
For a {user}'s group, first get_user_metadata_tool.
To recommend them, pass the IDs as items to get_top_k_recommendations_tool.
Statistics ("most engaging kind", "ideal length", "best of a season"): for each kind, item_filter_tool, its item_set \
here with k=3, then compare by get_item_metadata_tool.
Not for shares of {users}: get_like_percentage_tool.
"""


class PopularArguments(ItemsArguments[ItemId], Generic[ItemId]):
    k: K = 20
    user_group: Annotated[list[str] | None, OneOrMore] = Field(
        None,
        description="Count only these {users}: groups of one kind united, of several kinds intersected.",
    )
    detail: Detail = "compact"


class PopularItem(ListedItem[ItemId], Generic[ItemId]):
    n_interactions: int = Field(description="{Interactions}.")


class PopularResult(Result, Generic[ItemId]):
    items: list[PopularItem[ItemId]] = Field(description="Most popular first.")


def build(facts: Facts) -> Tool:
    result = with_ids(PopularResult, facts.item_id_type)
    groups = facts.card.groups if facts.card else {}
    names = [name for field in facts.spec.users.groups for name in groups.get(field, [])]

    async def run(backends: Backends, arguments: PopularArguments[Any]) -> Result:
        return result(**await popular_items(backends, arguments))

    return make_tool(
        facts,
        name="get_popular_items_tool",
        title="Popular {items}",
        description=applicable(DESCRIPTION, facts),
        arguments=with_ids(PopularArguments, facts.item_id_type),
        result=result,
        run=run,
        choices={"user_group": names} if names else None,
        leave_out=() if facts.spec.users.groups else ("user_group",),
    )


def group_users(groups: dict[str, list[str]], asked: list[str]) -> dict[str, list[str]]:
    """Sort names of groups by their kind.

    Raises:
        InvalidInputError: There is no such group.
    """
    chosen: dict[str, list[str]] = {}
    for name in asked:
        key = name.strip().lower().replace(" ", "_")
        field = next((field for field, names in groups.items() if key in (n.lower() for n in names)), None)
        if field is None:
            known = ", ".join(name for names in groups.values() for name in names)
            raise InvalidInputError(f"user_group: there is no group {quoted(name)}. There are: {known or 'none'}")
        group = next(known for known in groups[field] if known.lower() == key)
        if group not in chosen.setdefault(field, []):
            chosen[field].append(group)
    return chosen


async def popular_items(backends: Backends, arguments: PopularArguments[Any]) -> dict[str, Any]:
    """The fields of a PopularResult."""
    nouns = backends.spec.nouns
    if arguments.user_group is not None and not arguments.user_group:
        raise InvalidInputError("user_group is an empty list: name a group, or leave it out")
    groups = group_users(backends.card.groups, arguments.user_group or [])
    candidates = await candidate_items(backends, arguments)
    catalog = await backends.catalog()
    counts = await catalog.statistics.popularity(groups)
    popular = catalog.popular(counts.per_item, candidates, arguments.k)
    if groups:
        names = [" or ".join(names) for names in groups.values()]
        whom = f"{count_of(counts.n_users, nouns.user, nouns.users)} ({' and '.join(names)})"
    else:
        whom = f"all {nouns.users}"
    of = "" if candidates is None else f" of {count_of(len(candidates), nouns.item, nouns.items)} given"
    message = f"{count_of(len(popular.items), nouns.item, nouns.items)}{of}, by {nouns.interactions} of {whom}."
    if not popular.items:
        message += f" None of the {nouns.items} has {nouns.interactions} of {whom}."
    elif not popular.above_threshold:
        message += (
            f" None stands out (more than the 0.75 quantile, {popular.threshold:g} {nouns.interactions}): "
            f"these are simply those with most."
        )
    listed = [
        {**item, "n_interactions": count}
        for item, count in zip(await list_items(backends, popular.items, arguments.detail), popular.counts, strict=True)
    ]
    return {"message": message, "items": listed}
