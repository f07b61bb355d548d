"""The share of all users, or of a group, who like at least one of some items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Generic

from pydantic import Field

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.feedback import liking
from mcp_server.dataset.ids import ItemId
from mcp_server.tools.arguments import ItemsArguments, OneOrMore, required_items
from mcp_server.tools.reliability import few_users
from mcp_server.tools.results import Result, count_of, name_items
from mcp_server.tools.tool import Tool, make_tool
from mcp_server.tools.user_groups import named_groups
from mcp_server.tools.windows import WindowArguments, named_window

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id

DESCRIPTION = (
    """
The audience of {items}: what share of {users} likes at least one of them ("is there an audience for", "what share would
be interested in").
""",
    When(Feature.SEARCH_TEXTS, "For a {text} or an idea, pass the 10 nearest of vector_store_search_tool;\n"),
    When(Feature.FILTERS, "for a name or kind, the item_set of item_filter_tool.\n"),
    "Not for which are liked most: get_popular_items_tool",
    When(Feature.FIND_USERS, ", nor for whom to tell: find_users_tool"),
    ".",
)


class LikePercentageArguments(WindowArguments, ItemsArguments[ItemId], Generic[ItemId]):
    user_group: Annotated[list[str] | None, OneOrMore, Feature.USER_GROUPS] = Field(
        None, description="Only of these, as in get_popular_items_tool."
    )


class LikePercentageResult(Result):
    percentage: float = Field(description="Of these {users}.")
    expected_percentage: float = Field(description="By chance: of as many random {items}.")
    n_users_who_like: int = Field(description="Who do.")
    n_users: int = Field(description="In all.")
    n_items: int = Field(description="Given.")


def build(facts: DatasetFacts) -> Tool:
    return make_tool(
        facts,
        name="get_like_percentage_tool",
        title="Audience of {items}",
        description=DESCRIPTION,
        arguments=LikePercentageArguments,
        result=LikePercentageResult,
        run=like_percentage,
        choices={"user_group": facts.group_names} if facts.group_names else None,
    )


async def like_percentage(backends: Backends, arguments: LikePercentageArguments[Id]) -> LikePercentageResult:
    spec, nouns = backends.spec, backends.spec.nouns
    groups = named_groups(backends, arguments.user_group)
    items = await required_items(backends, arguments)
    catalog = await backends.catalog()
    time = await named_window(catalog.statistics.timeline, spec, arguments)
    reach = await catalog.reaches.of(items, groups.values, time.window)
    percentage, expected = _percent(reach.n_likers / max(reach.n_users, 1)), _percent(reach.expected)
    whom = f"{nouns.users} ({groups.name})" if groups.name else f"all {nouns.users}"
    needed = f", with {meaning}" if (meaning := liking(spec)) else ""
    what = f"{'at least one of ' if len(items) != 1 else ''}{await name_items(catalog, nouns, items)}"
    notes = [f"{percentage:g}% of {whom} ({reach.n_likers:,} of {reach.n_users:,}) like {what}{needed}{time.words}."]
    if len(items) and reach.n_users:
        chosen = f"At least one of {len(items):,} {nouns.items}" if len(items) > 1 else f"A {nouns.item}"
        notes.append(f"{chosen} chosen at random would be liked by {expected:g}%.")
    if time.words:
        of_all = f"Of the {count_of(reach.n_users, nouns.user, nouns.users)}, {reach.n_active:,}"
        notes.append(f"{of_all} {'has' if reach.n_active == 1 else 'have'} {nouns.interactions}{time.words}.")
    notes += [*time.notes, *time.untimed, *few_users(reach.n_users, nouns)]
    return LikePercentageResult(
        message=" ".join(notes),
        percentage=percentage,
        expected_percentage=expected,
        n_users_who_like=reach.n_likers,
        n_users=reach.n_users,
        n_items=len(items),
    )


def _percent(share: float) -> float:
    """A share from 0 to 1 in percent, with one decimal or as few as show that it is not 0."""
    return round(100 * share, 1) or float(f"{100 * share:.1g}")
