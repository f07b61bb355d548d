"""The share of all users who like at least one of some items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from mcp_server.errors import InvalidInputError
from mcp_server.tools.base import (
    Facts,
    ItemsArguments,
    Result,
    Tool,
    applicable,
    candidate_items,
    count_of,
    make_tool,
    with_ids,
)

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends

DESCRIPTION = """
The audience of {items}: what share of all {users} likes at least one of them ("is there an audience for", "what share
would be interested in").
For a storyline or idea, pass the 10 nearest of vector_store_search_tool;
for a name or kind, the item_set of item_filter_tool.
Not for which are liked most: get_popular_items_tool.
"""


class LikePercentageResult(Result):
    percentage: float = Field(description="Of all {users}.")
    n_users_who_like: int = Field(description="Who do.")
    n_users: int = Field(description="In all.")
    n_items: int = Field(description="Given.")


def build(facts: Facts) -> Tool:
    async def run(backends: Backends, arguments: ItemsArguments[Any]) -> Result:
        return LikePercentageResult(**await like_percentage(backends, arguments))

    return make_tool(
        facts,
        name="get_like_percentage_tool",
        title="Audience of {items}",
        description=applicable(DESCRIPTION, facts),
        arguments=with_ids(ItemsArguments, facts.item_id_type),
        result=LikePercentageResult,
        run=run,
    )


async def like_percentage(backends: Backends, arguments: ItemsArguments[Any]) -> dict[str, Any]:
    """The fields of a LikePercentageResult."""
    spec, nouns = backends.spec, backends.spec.nouns
    items = await candidate_items(backends, arguments)
    if items is None:
        raise InvalidInputError(f"which {nouns.items}? Give items or item_set")
    catalog = await backends.catalog()
    n_likers = await catalog.statistics.n_likers(items)
    percentage = round(100 * n_likers / catalog.n_users, 1)
    threshold = spec.interactions.like_threshold
    meaning = "" if threshold is None else f", with a {nouns.interaction} of {threshold:g} or more"
    message = (
        f"{percentage:g}% of all {nouns.users} ({n_likers:,} of {catalog.n_users:,}) like at least one of "
        f"{count_of(len(items), nouns.item, nouns.items)}{meaning}."
    )
    return {
        "message": message,
        "percentage": percentage,
        "n_users_who_like": n_likers,
        "n_users": catalog.n_users,
        "n_items": len(items),
    }
