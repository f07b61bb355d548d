"""The items that most users have interacted with, overall or in a group of users."""

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
    candidate_items,
    count_of,
    list_items,
    make_tool,
    with_ids,
)

if TYPE_CHECKING:
    from mcp_server.backends import Backends

DESCRIPTION = """
Lists the most popular {items}: those with most {interactions}, by all {users} or by a group of them, out of the
whole catalogue or of the given {items}. Use it for "popular", "engaging", "trending", and for statistics of the
platform: compare kinds of {items} by passing the item_set of each, with k=3. To recommend what is popular, pass
the result's IDs as items to get_top_k_recommendations_tool.
"""


class PopularArguments(ItemsArguments[ItemId], Generic[ItemId]):
    k: K = 20
    user_group: Annotated[list[str] | None, OneOrMore] = Field(
        None,
        description="Count only {interactions} of these {users}. Groups of one kind are united, of different "
        "kinds intersected.",
    )
    items: Annotated[list[ItemId] | None, OneOrMore] = Field(None, description="Only among these IDs.")
    item_set: str | None = Field(None, description="Only among this set, a handle from another tool.")


class PopularItem(ListedItem[ItemId], Generic[ItemId]):
    n_interactions: int = Field(description="Number of {interactions}, by the group where one was given.")


class PopularResult(Result, Generic[ItemId]):
    items: list[PopularItem[ItemId]] = Field(description="Popular {items}, those with most {interactions} first.")


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
        description=DESCRIPTION,
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
            raise InvalidInputError(f"user_group: there is no group {name[:60]!r}. There are: {known or 'none'}")
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
        for item, count in zip(await list_items(backends, popular.items), popular.counts, strict=True)
    ]
    return {"message": message, "items": listed}
