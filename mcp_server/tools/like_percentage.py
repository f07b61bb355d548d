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
    candidate_items,
    count_of,
    make_tool,
    with_ids,
)

if TYPE_CHECKING:
    from mcp_server.backends import Backends

DESCRIPTION = """
Tells what share of all {users} likes at least one of the given {items}: how large the audience is.
"""

SEARCH_HINT = """
For a text or an idea that is not in the catalogue, first find the nearest {items} with vector_store_search_tool and
pass them here.
"""


class LikePercentageResult(Result):
    percentage: float = Field(description="Share of all {users} who like at least one of the {items}, in percent.")
    n_users_who_like: int = Field(description="How many {users} that is.")
    n_users: int = Field(description="Of how many {users} in all.")
    n_items: int = Field(description="For how many {items}.")


def build(facts: Facts) -> Tool:
    async def run(backends: Backends, arguments: ItemsArguments[Any]) -> Result:
        return LikePercentageResult(**await like_percentage(backends, arguments))

    return make_tool(
        facts,
        name="get_like_percentage_tool",
        title="Share of {users} who like {items}",
        description=f"{DESCRIPTION} {SEARCH_HINT}" if facts.spec.search else DESCRIPTION,
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
