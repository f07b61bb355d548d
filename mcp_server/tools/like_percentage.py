"""The share of all users who like at least one of some items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.feedback import liking
from mcp_server.tools.arguments import ItemsArguments, required_items
from mcp_server.tools.results import Result, count_of
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id

DESCRIPTION = (
    """
The audience of {items}: what share of all {users} likes at least one of them ("is there an audience for", "what share
would be interested in").
""",
    When(Feature.SEARCH_TEXTS, "For a {text} or an idea, pass the 10 nearest of vector_store_search_tool;\n"),
    When(Feature.FILTERS, "for a name or kind, the item_set of item_filter_tool.\n"),
    "Not for which are liked most: get_popular_items_tool",
    When(Feature.FIND_USERS, ", nor for whom to tell: find_users_tool"),
    ".",
)


class LikePercentageResult(Result):
    percentage: float = Field(description="Of all {users}.")
    n_users_who_like: int = Field(description="Who do.")
    n_users: int = Field(description="In all.")
    n_items: int = Field(description="Given.")


def build(facts: DatasetFacts) -> Tool:
    return make_tool(
        facts,
        name="get_like_percentage_tool",
        title="Audience of {items}",
        description=DESCRIPTION,
        arguments=ItemsArguments,
        result=LikePercentageResult,
        run=like_percentage,
    )


async def like_percentage(backends: Backends, arguments: ItemsArguments[Id]) -> LikePercentageResult:
    spec, nouns = backends.spec, backends.spec.nouns
    items = await required_items(backends, arguments)
    catalog = await backends.catalog()
    n_likers = await catalog.statistics.n_likers(items)
    percentage = round(100 * n_likers / max(catalog.n_users, 1), 1)
    meaning = f", with {needed}" if (needed := liking(spec)) else ""
    message = (
        f"{percentage:g}% of all {nouns.users} ({n_likers:,} of {catalog.n_users:,}) like at least one of "
        f"{count_of(len(items), nouns.item, nouns.items)}{meaning}."
    )
    return LikePercentageResult(
        message=message,
        percentage=percentage,
        n_users_who_like=n_likers,
        n_users=catalog.n_users,
        n_items=len(items),
    )
