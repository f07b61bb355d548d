"""Users for some items, and users who are like another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Generic

from pydantic import Field

from mcp_server.dataset.facts import DatasetFacts, Feature
from mcp_server.dataset.feedback import liking
from mcp_server.dataset.ids import ItemId, UserId
from mcp_server.errors import InvalidInputError
from mcp_server.tools.arguments import ItemsArguments, K, OneOrMore, required_items
from mcp_server.tools.audience import find_audience
from mcp_server.tools.results import Entry, NamedItem, Result, count_of, list_items, name_items, unavailable
from mcp_server.tools.tool import Tool, make_tool
from mcp_server.tools.user_groups import NamedGroups, named_groups

if TYPE_CHECKING:
    from mcp_server.dataset.spec import Nouns
    from mcp_server.recommender.prospects import Prospect, Prospects
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id, IntArray

HIGH_FIT = 90

N_COMMON = 3
"""Items in common that are named."""

DESCRIPTION = (
    """
{Users} for given {items}: those whom these suit best, of all who have not had them ("whom to tell about {item} X");
or {users} like another (similar_to).
""",
    "Not for shares of {users} who like something: get_like_percentage_tool.",
)


class FindUsersArguments(ItemsArguments[ItemId], Generic[UserId, ItemId]):
    similar_to: UserId | None = Field(None, description="Instead: a {user} ID.")
    k: K = 10
    user_group: Annotated[list[str] | None, OneOrMore, Feature.USER_GROUPS] = Field(
        None, description="Only these, as get_popular_items_tool."
    )


class FoundUser(Entry, Generic[UserId, ItemId]):
    user: UserId
    groups: Annotated[dict[str, Any], Feature.USER_GROUPS] = Field(default_factory=dict)
    fit: float | None = Field(
        None,
        description="0 to 100, as in get_top_k_recommendations_tool; of several {items}, the mean over those that are "
        "new to the {user}.",
    )
    n_new: int | None = Field(None, description="{Items} given that are new to the {user}.")
    best: NamedItem[ItemId] | None = Field(None, description="The one that suits best.")
    likeness: float | None = Field(
        None, description="0 to 100: cosine of what both like, 100 where they like the same {items}."
    )
    n_common: int | None = Field(None, description="{Items} that both like.")
    common: list[NamedItem[ItemId]] = Field(default_factory=list, description="Some of them, the least popular first.")


class FindUsersResult(Result, Generic[UserId, ItemId]):
    users: list[FoundUser[UserId, ItemId]] = Field(description="Best first.")
    n_considered: int = Field(description="{Users} who were ranked.")
    n_had: int | None = Field(None, description="Others, left out because they have had all the {items}.")
    n_high_fit: int | None = Field(None, description="Of those ranked, with a fit of 90 or more.")


def build(facts: DatasetFacts) -> Tool:
    return make_tool(
        facts,
        name="find_users_tool",
        title="Find {users}",
        description=DESCRIPTION,
        arguments=FindUsersArguments,
        result=FindUsersResult,
        run=find_users,
        needs=Feature.FIND_USERS,
        choices={"user_group": facts.group_names} if facts.group_names else None,
        unlisted=["user_group"],
    )


async def find_users(backends: Backends, arguments: FindUsersArguments[Id, Id]) -> FindUsersResult[Id, Id]:
    nouns = backends.spec.nouns
    by_items = arguments.items is not None or arguments.item_set is not None
    if by_items == (arguments.similar_to is not None):
        either = "not both" if by_items else f"{nouns.users} are found for {nouns.items}, or by another {nouns.user}"
        raise InvalidInputError(f"give either items (or item_set) or similar_to: {either}")
    groups = named_groups(backends, arguments.user_group)
    if arguments.similar_to is None:
        return await _for_items(backends, arguments, groups)
    return await _similar(backends, arguments, arguments.similar_to, groups)


async def _for_items(
    backends: Backends, arguments: FindUsersArguments[Id, Id], groups: NamedGroups
) -> FindUsersResult[Id, Id]:
    from mcp_server.recommender.prospects import Prospects, find_prospects  # with NumPy

    nouns = backends.spec.nouns
    catalog, ranker = await backends.catalog(), await backends.ranker()
    given = catalog.twins.once(await required_items(backends, arguments))
    what = await name_items(catalog, nouns, given)
    if ranker.knows_popularity_only:
        return _nobody(
            f"No model could be trained on so few {nouns.interactions}, so it cannot be told whom {what} would suit."
        )
    out = catalog.left_out(given, None, cold=ranker.reaches_cold_items)
    notes = unavailable(out.n_unavailable, nouns)
    if out.n_unrankable:
        cannot = f"{count_of(out.n_unrankable, nouns.item, nouns.items)} cannot be ranked for anybody"
        notes.append(f"{cannot}: without a title, or without {nouns.interactions}.")
    users = await catalog.users.members(groups.values)
    if not len(users):
        return _nobody(f"There are no {nouns.users} ({groups.name}).")
    items = given[catalog.recommendable(None, cold=ranker.reaches_cold_items)[given]]
    prospects = await find_prospects(catalog, ranker, items, users) if len(items) else Prospects(are_all=True)
    if prospects is None:
        raise InvalidInputError(
            f"there are {len(users):,} {nouns.users}, and this model can be asked for one {nouns.user} at a time only: "
            "name a user_group of fewer"
        )
    best = prospects.best(arguments.k)
    message = [f"{count_of(len(best), nouns.user, nouns.users)} for {what}{_order_of(best, items, nouns)}."]
    message += _say_considered(prospects, len(items), len(users), groups, nouns) if len(items) else []
    message += [*_why_no_better(best, items, nouns), *notes]
    columns: dict[str, list[Any]] = {"fit": [each.fit for each in best]}
    if len(given) > 1:
        columns["n_new"] = [each.n_new for each in best]
        columns["best"] = await list_items(backends, NamedItem, [each.best for each in best])
    found = FindUsersResult[Any, Any](
        message=" ".join(message),
        users=await _list_users(backends, [each.user for each in best], columns),
        n_considered=len(prospects.found),
    )
    if prospects.are_all:
        found.n_had = prospects.n_had
        found.n_high_fit = sum(each.fit >= HIGH_FIT for each in prospects.found)
    return found


def _nobody(message: str) -> FindUsersResult[Id, Id]:
    return FindUsersResult(message=message, users=[], n_considered=0)


def _order_of(best: Sequence[Prospect], items: IntArray, nouns: Nouns) -> str:
    if not best:
        return ""
    first = "the best" if len(best) == 1 else "best first:"
    if len(items) == 1:
        return f", {first} by its fit"
    return f", {first} by the mean fit of those of the {nouns.items} that are new to them"


def _say_considered(prospects: Prospects, n_items: int, n_users: int, groups: NamedGroups, nouns: Nouns) -> list[str]:
    """Sentences on the users who have been looked at."""
    from mcp_server.recommender.prospects import MOST_SPOKEN_FOR  # with NumPy

    n_found, n_high = len(prospects.found), sum(each.fit >= HIGH_FIT for each in prospects.found)
    them, of_group = ("it", "all of them")[n_items > 1], f" ({groups.name})" if groups.name else ""
    notes = [f"Ranked: {count_of(n_found, nouns.user, nouns.users)}{of_group}"]
    if prospects.are_all and not n_found:
        notes[0] += "."
    elif prospects.are_all:
        fit = "fit" if n_items == 1 else "mean fit"
        notes[0] += f", of whom {n_high:,} {'has' if n_high == 1 else 'have'} a {fit} of {HIGH_FIT} or more."
    else:
        which = "it" if n_items == 1 else "them"
        if n_items > MOST_SPOKEN_FOR:
            which = f"the {MOST_SPOKEN_FOR} most popular of them"
        notes[0] += f"; of {n_users:,} only those were looked at whose history speaks most for {which}."
    if prospects.n_had:
        notes.append(f"{count_of(prospects.n_had, nouns.user, nouns.users)} had {them} already: left out.")
    if prospects.n_unknown:
        notes.append(f"{count_of(prospects.n_unknown, nouns.user, nouns.users)} could not be ranked by what they like.")
    return notes


def _why_no_better(best: Sequence[Prospect], items: IntArray, nouns: Nouns) -> list[str]:
    """A sentence about users whose history says nothing of the items, if there are any."""
    n_silent = sum(not each.speaks for each in best)
    if not n_silent:
        return []
    them, these = "it" if len(items) == 1 else "them", nouns.users
    return [f"Nothing in the history of {n_silent:,} of these {these} speaks for or against {them}."]


async def _similar(
    backends: Backends, arguments: FindUsersArguments[Id, Id], user: Id, groups: NamedGroups
) -> FindUsersResult[Id, Id]:
    from mcp_server.recommender.likeness import most_alike  # with NumPy

    spec, nouns = backends.spec, backends.spec.nouns
    catalog = await backends.catalog()
    (member,) = (await find_audience(catalog, spec, user, None, None)).members
    if (why := member.why_unknown(spec)) is not None:
        return _nobody(why)
    assert member.user is not None  # someone with an ID
    liked = catalog.twins.once(member.liked.items)
    among = await catalog.users.members(groups.values)
    alike, n_others = await most_alike(catalog, member.user, liked, among, arguments.k, N_COMMON)
    common = iter(await list_items(backends, NamedItem, [item for each in alike for item in each.common]))
    columns: dict[str, list[Any]] = {
        "likeness": [each.percent for each in alike],
        "n_common": [each.n_common for each in alike],
        "common": [[next(common) for _ in each.common] for each in alike],
    }
    n_liked = count_of(len(liked), nouns.item, nouns.items)
    order = ", most alike first" if len(alike) > 1 else ""
    of_group = f" ({groups.name})" if groups.name else ""
    message = (
        f"{count_of(len(alike), nouns.user, nouns.users)} like {member.name}{order}, of "
        f"{count_of(n_others, f'other {nouns.user}', f'other {nouns.users}')}{of_group} who "
        f"{'likes' if n_others == 1 else 'like'} any of the {n_liked} that {member.name} likes."
    )
    if needed := liking(spec):
        message += f" Liking is {needed}."
    users = await _list_users(backends, [each.user for each in alike], columns)
    return FindUsersResult(message=message, users=users, n_considered=n_others)


async def _list_users(
    backends: Backends, users: Sequence[int], columns: dict[str, list[Any]]
) -> list[FoundUser[Id, Id]]:
    """Entries for users at some positions, with their groups where the dataset has any."""
    records = await (await backends.catalog()).users.at(users)
    values: dict[str, list[Any]] = {"user": [record["id"] for record in records]}
    if names := backends.spec.users.groups:
        values["groups"] = [{name: record[name] for name in names} for record in records]
    rows = zip(*{**values, **columns}.values(), strict=True)
    return [FoundUser[Any, Any](**dict(zip({**values, **columns}, row, strict=True))) for row in rows]
