"""The history of a user."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Generic

from pydantic import Field

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.feedback import VALUE_NAMES
from mcp_server.dataset.ids import ItemId, UserId
from mcp_server.tools.arguments import Arguments, Detail, K, Offset
from mcp_server.tools.results import Amount, ListedItem, Result, count_of, list_items
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_server.catalog.user_histories import HistoryEntry
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id

ORDER = When(
    Feature.TIMES,
    "newest first",
    otherwise=When(
        Feature.RATINGS,
        "best rated first",
        otherwise=When(
            Feature.COUNTS,
            "most {interactions} first",
            otherwise=When(Feature.EVENTS, "greatest weight first", otherwise="in no particular order"),
        ),
    ),
)

DESCRIPTION = (
    "The history of one {user}, ",
    ORDER,
    """: "history of X", "what did X have"; also to explain recommendations. Not for what X should get:
get_top_k_recommendations_tool.
""",
)


class InteractedArguments(Arguments, Generic[UserId]):
    user: UserId = Field(description="{User} ID; never guess.")
    k: K = 20
    offset: Offset = 0
    detail: Detail = "compact"


class InteractedItem(ListedItem[ItemId], Generic[ItemId]):
    rating: Annotated[float | None, Feature.RATINGS] = None
    count: Annotated[Amount | None, Feature.COUNTS] = None
    weight: Annotated[Amount | None, Feature.EVENTS] = None
    date: Annotated[str | None, Feature.TIMES] = None
    """Day in UTC, YYYY-MM-DD."""


class InteractedResult(Result, Generic[ItemId]):
    items: list[InteractedItem[ItemId]] = Field(description="{Order}.")
    total: int = Field(description="In all.")
    remaining: int = Field(description="Still to list, by offset.")


def build(facts: DatasetFacts) -> Tool:
    order = facts.say(ORDER)
    return make_tool(
        facts,
        name="get_interacted_items_tool",
        title="History of a {user}",
        description=DESCRIPTION,
        arguments=InteractedArguments,
        result=InteractedResult,
        run=interacted_items,
        words={"Order": f"{order[0].upper()}{order[1:]}"},
    )


async def interacted_items(backends: Backends, arguments: InteractedArguments[Id]) -> InteractedResult[Id]:
    spec, nouns, offset = backends.spec, backends.spec.nouns, arguments.offset
    catalog = await backends.catalog()
    user = await catalog.user_idx(arguments.user)
    entries, n_pairs = await catalog.histories.first(user, offset + arguments.k)
    page = entries[offset:]
    columns: dict[str, list[Any]] = {}
    if (value := VALUE_NAMES.get(spec.interactions.kind)) is not None:
        columns[value] = [entry.value for entry in page]
    if spec.interactions.timestamp is not None:
        columns["date"] = [_day(entry.timestamp) for entry in page]
    positions = (await catalog.item_idx(entry.id for entry in page)).tolist()
    items = await list_items(backends, InteractedItem, positions, arguments.detail, **columns)
    n_items = len(catalog.twins.once(await catalog.histories.items(user)))
    if spec.interactions.kind == "ratings":
        total, had = n_pairs, count_of(n_pairs, nouns.interaction, nouns.interactions)
    else:
        total, had = n_items, f"{nouns.interactions} of {count_of(n_items, nouns.item, nouns.items)}"
    message = f"{nouns.user.capitalize()} {arguments.user} has {had}"
    order = _order_of(page, DatasetFacts(spec, None).say(ORDER))
    if not page and n_items:
        message += "; the offset is beyond the last of them"
    elif offset:
        message += f"; {nouns.items} {offset + 1:,} to {offset + len(page):,}, {order}"
    elif page:
        shown = count_of(len(items), nouns.item, nouns.items)
        message += f"; {'all' if len(items) == n_items else 'the first'} {shown}, {order}"
    remaining = max(n_items - offset - len(page), 0)
    return InteractedResult(message=f"{message}.", items=items, total=total, remaining=remaining)


def _order_of(page: Sequence[HistoryEntry], order: str) -> str:
    """The order of a page in words: times put only those in order that have one."""
    if order != "newest first" or all(entry.timestamp is not None for entry in page):
        return order
    if all(entry.timestamp is None for entry in page):
        return "whose dates are not known, in no particular order"
    return f"{order}; those without a date come last, as their dates are not known"


def _day(timestamp: int | None) -> str | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC).date().isoformat()
