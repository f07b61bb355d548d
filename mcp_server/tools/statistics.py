"""The platform's numbers by groups of items and users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic

from pydantic import Field, WithJsonSchema

from mcp_server.dataset.computed_fields import amount_name
from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.groupings import ItemGrouping, item_groupings
from mcp_server.dataset.ids import ItemId, UserId
from mcp_server.dataset.words import MOST_LISTED
from mcp_server.errors import InvalidInputError, quoted, quoted_list
from mcp_server.tools.arguments import ItemsArguments, K, Offset, OneOrMore, candidate_items
from mcp_server.tools.limits import Date, IsOrder
from mcp_server.tools.readings.orders import meant_column
from mcp_server.tools.results import Entry, Result, count_of
from mcp_server.tools.statistics_message import Counted, Shown, say_statistics
from mcp_server.tools.tool import Tool, make_tool
from mcp_server.tools.user_groups import NamedGroups, named_groups
from mcp_server.tools.windows import NamedWindow, WindowArguments, named_window

if TYPE_CHECKING:
    from mcp_server.catalog.breakdown import Breakdown, Selection
    from mcp_server.catalog.catalog import Catalog
    from mcp_server.dataset.spec import DatasetSpec, Nouns
    from mcp_server.dataset.windows import Window
    from mcp_server.serving.backends import Backends
    from mcp_server.tools.statistics_columns import Columns
    from mcp_server.types import Id, IntArray

MOST_GROUPINGS = 2

DESCRIPTION = (
    """
Numbers by groups of {items}""",
    When(Feature.USER_GROUPS, " or {users}"),
    ": {interactions}, shares, liking; of all, ",
    When(Feature.USER_GROUPS, "a group "),
    """or one {user} ("taste of X"), on all or given {items}: "what is liked but thin in the catalogue\"""",
    When(Feature.USER_GROUPS, ', "{group_fields} compared"'),
    ".\n",
    "Not for single {items}: get_popular_items_tool.",
)


class StatisticsArguments(WindowArguments, ItemsArguments[ItemId], Generic[UserId, ItemId]):
    group_by: Annotated[list[str], OneOrMore] = Field(
        [], max_length=MOST_GROUPINGS, description="1 or 2 fields; none: totals."
    )
    user: UserId | None = Field(None, description="Only this {user}.")
    user_group: Annotated[list[str] | None, OneOrMore, Feature.USER_GROUPS] = Field(None, description="Only these.")
    since: Annotated[Date | None, Feature.TIMES] = Field(None, description="As get_popular_items_tool.")
    until: Annotated[Date | None, Feature.TIMES] = Field(None, description="Likewise.")
    order_by: Annotated[str, IsOrder()] | None = Field(None, description='Column of the result, or "n_items asc".')
    k: K = 20
    offset: Offset = 0


Ratio = Annotated[float | None, WithJsonSchema({"type": ["number", "null"]})]
"""A number of a group; None where the group has nothing to divide by."""


class Shares(Entry):
    share: Ratio = Field(None, description="Percent of the {interactions}.")
    mean_rating: Annotated[Ratio, Feature.RATINGS] = None
    like_share: Annotated[Ratio, Feature.LIKING] = Field(None, description="Percent that are likes.")


class Group(Entry):
    group: dict[str, Any] = Field(default_factory=dict, description="Null: not known.")
    n_items: int | None = Field(None, description="{Items} of the catalogue.")
    n_users: int | None = Field(None, description="{Users}, with and without {interactions}.")


class StatisticsRow(Shares, Group, extra="allow"):
    """The numbers of a group; and the number of interactions, under a name that has the dataset's word for them."""

    per_item: float | None = Field(None, description="{Interactions} per {item}.")
    per_user: float | None = Field(None, description="Likewise.")
    lift: Ratio = Field(None, description="The share over that of everybody.")
    everybody: Shares | None = Field(None, description="To compare with.")
    few: bool | None = Field(None, description="Fewer than 10 stand behind it.")


class StatisticsResult(Result):
    rows: list[StatisticsRow] = Field(description="Groups.")
    n_rows: int = Field(description="In all.")
    remaining: int = Field(description="Still to list, by offset.")
    total: StatisticsRow = Field(description="Of all that is counted.")


def build(facts: DatasetFacts) -> Tool:
    names = [*item_groupings(facts.spec), *_of_users(facts.spec)]
    return make_tool(
        facts,
        name="get_statistics_tool",
        title="Statistics",
        description=DESCRIPTION,
        arguments=StatisticsArguments,
        result=StatisticsResult,
        run=statistics,
        needs=Feature.STATISTICS,
        choices={"group_by": names, **({"user_group": facts.group_names} if facts.group_names else {})},
        unlisted=["user_group", *(["group_by"] if len(names) > MOST_LISTED else [])],
    )


@dataclass(frozen=True)
class _GroupBy:
    """The groupings that make the rows."""

    items: list[ItemGrouping]
    users: list[str]
    """Fields of users."""
    names: list[str]
    """Names in the order of the values that make a row: of items, then of users."""


async def statistics(backends: Backends, arguments: StatisticsArguments[Id, Id]) -> StatisticsResult:
    from mcp_server.tools.statistics_columns import columns_of, total_of  # with NumPy

    spec, nouns, catalog = backends.spec, backends.spec.nouns, await backends.catalog()
    group_by = _read_group_by(arguments.group_by, spec)
    groups = named_groups(backends, arguments.user_group)
    time = await named_window(catalog.statistics.timeline, spec, arguments)
    selection = await _select(backends, arguments, group_by, groups, time.window)
    breakdown = await _break_down(catalog, group_by, selection)
    amount = _name_amount(spec)
    columns = columns_of(breakdown, amount, spec)
    order, in_words = await _order(catalog, arguments.order_by or amount, columns, breakdown, group_by.names, amount)
    page = order[arguments.offset : arguments.offset + arguments.k]
    values = await catalog.breakdowns.values(breakdown, page)
    rows = [
        StatisticsRow(group=dict(zip(group_by.names, value, strict=True)), **numbers)
        for value, numbers in zip(values, columns.rows(page), strict=True)
    ]
    counted = _say_counted(catalog, nouns, arguments, groups, selection, time, breakdown.n_users)
    shown = Shown(
        by=" and ".join(group_by.names),
        order=in_words,
        offset=arguments.offset,
        n_rows=len(rows),
        n_few=sum(row.few is not None for row in rows),
    )
    total = {"n_items": counted.n_items, "n_users": breakdown.n_users, **total_of(breakdown.total, amount, spec)}
    return StatisticsResult(
        message=say_statistics(spec, counted, breakdown, shown, [*time.notes, *time.untimed]),
        rows=rows,
        n_rows=breakdown.n_rows,
        remaining=max(breakdown.n_rows - arguments.offset - len(rows), 0),
        total=StatisticsRow(**total),
    )


def _name_amount(spec: DatasetSpec) -> str:
    """The name of the number of interactions: a plain one, where the dataset's word makes that of another number."""
    name = amount_name(spec)
    return "n_interactions" if name in StatisticsRow.model_fields else name


def _of_users(spec: DatasetSpec) -> dict[str, str]:
    """The fields of user groups, by the names that calls have for them."""
    of_items = item_groupings(spec)
    return {name if name not in of_items else f"user:{name}": name for name in spec.users.groups}


def _read_group_by(asked: Sequence[str], spec: DatasetSpec) -> _GroupBy:
    """The groupings that a call names.

    Raises:
        InvalidInputError: Some of them are unknown; the text lists those that there are.
    """
    of_items, of_users = item_groupings(spec), _of_users(spec)
    unknown = [name for name in asked if name not in of_items and name not in of_users]
    if unknown:
        raise InvalidInputError(
            f"group_by: there is no {quoted_list(unknown)} to group by. There are: {', '.join([*of_items, *of_users])}"
        )
    items, users = [name for name in asked if name in of_items], [name for name in asked if name in of_users]
    return _GroupBy([of_items[name] for name in items], [of_users[name] for name in users], [*items, *users])


async def _order(
    catalog: Catalog, asked: str, columns: Columns, breakdown: Breakdown, names: Sequence[str], amount: str
) -> tuple[IntArray, str]:
    """The rows in the order that a call asks for, and that order in words. Values that make the groups come in their
    own order by default, numbers the other way round.

    Raises:
        InvalidInputError: There is no such column, or no such order.
    """
    from mcp_server.tools.statistics_columns import RATIOS, order_of

    name, _, direction = asked.partition(" ")
    name = meant_column(name, [*columns.values, *names], amount)
    if name not in (*columns.values, *names):
        first = next(iter(columns.values))
        raise InvalidInputError(
            f"order_by: {quoted(asked)} is no order. Give one of {', '.join([*columns.values, *names])}; "
            f'"{first} asc" puts the least first'
        )
    if name in names:
        ranks = await catalog.breakdowns.ranks(breakdown, names.index(name))
        return order_of(ranks, descending=direction == "desc"), f"by {name}{', reversed' * (direction == 'desc')}"
    descending = direction != "asc"
    late = columns.few if name in RATIOS else None
    last = ", those that are few last" if late is not None and late.any() else ""
    found = order_of(columns.values[name], descending=descending, late=late)
    return found, f"{'greatest' if descending else 'least'} {name} first{last}"


async def _select(
    backends: Backends,
    arguments: StatisticsArguments[Id, Id],
    group_by: _GroupBy,
    groups: NamedGroups,
    window: Window | None,
) -> Selection:
    """The interactions that a call counts.

    Raises:
        InvalidInputError: What is named is unknown, or does not go together.
    """
    import numpy as np

    from mcp_server.catalog.breakdown import Selection

    nouns, catalog = backends.spec.nouns, await backends.catalog()
    user = None
    if arguments.user is not None:
        if groups.values or group_by.users:
            what = "user_group" if groups.values else f"group_by {group_by.names[-1]}"
            raise InvalidInputError(f"give either user or {what}: one {nouns.user} makes no groups of {nouns.users}")
        user = await catalog.user_idx(arguments.user)
    given = await candidate_items(backends, arguments)
    items = np.ones(catalog.n_items, dtype=bool)
    if given is not None:
        items = np.zeros(catalog.n_items, dtype=bool)
        items[given] = True
    return Selection(items, user, groups.values, window)


def _say_counted(
    catalog: Catalog,
    nouns: Nouns,
    arguments: StatisticsArguments[Id, Id],
    groups: NamedGroups,
    selection: Selection,
    time: NamedWindow,
    n_users: int,
) -> Counted:
    """The words for what a call counts."""
    whom = f"all {nouns.users}"
    if arguments.user is not None:
        whom = f"{nouns.user} {arguments.user}"
    elif groups.name:
        whom = f"{count_of(n_users, nouns.user, nouns.users)} ({groups.name})"
    given = selection.items.nonzero()[0]
    is_restricted = arguments.items is not None or arguments.item_set is not None
    return Counted(
        whom=whom,
        of_group=bool(groups.name),
        among=f" with {count_of(len(given), nouns.item, nouns.items)} given" if is_restricted else "",
        time=time.words,
        n_items=len(catalog.twins.once(given)),
        n_given=len(given),
    )


async def _break_down(catalog: Catalog, group_by: _GroupBy, selection: Selection) -> Breakdown:
    if not group_by.names:
        return await catalog.breakdowns.whole(selection)
    if not group_by.users:
        return await catalog.breakdowns.by_items(group_by.items, selection)
    if not group_by.items:
        return await catalog.breakdowns.by_users(group_by.users, selection)
    return await catalog.breakdowns.by_both(group_by.items[0], group_by.users[0], selection)
