"""The most recent interactions of a user."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic

from pydantic import Field

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.ids import ItemId, UserId
from mcp_server.tools.arguments import Arguments, Detail, K, Offset
from mcp_server.tools.results import ListedItem, Result, count_of, list_items
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id

DESCRIPTION = """
The history of one {user}, newest first: "history of X", "what did X have"; also to explain recommendations. Not for
what X should get: get_top_k_recommendations_tool.
"""


class InteractedArguments(Arguments, Generic[UserId]):
    user: UserId = Field(description="{User} ID; never guess.")
    k: K = 20
    offset: Offset = 0
    detail: Detail = "compact"


class InteractedItem(ListedItem[ItemId], Generic[ItemId]):
    rating: float | None = None
    date: str | None = None
    """Day in UTC, YYYY-MM-DD."""


class InteractedResult(Result, Generic[ItemId]):
    items: list[InteractedItem[ItemId]] = Field(description="Newest first.")
    total: int = Field(description="All {interactions}.")
    remaining: int = Field(description="Still to list, by offset.")


def build(facts: DatasetFacts) -> Tool:
    return make_tool(
        facts,
        name="get_interacted_items_tool",
        title="History of a {user}",
        description=DESCRIPTION,
        arguments=InteractedArguments,
        result=InteractedResult,
        run=interacted_items,
    )


async def interacted_items(backends: Backends, arguments: InteractedArguments[Id]) -> InteractedResult[Id]:
    nouns, offset = backends.spec.nouns, arguments.offset
    catalog = await backends.catalog()
    user = await catalog.user_idx(arguments.user)
    entries, total = await catalog.histories.recent(user, offset + arguments.k)
    page = entries[offset:]
    columns: dict[str, list[Any]] = {}
    if backends.spec.interactions.rating is not None:
        columns["rating"] = [entry.rating for entry in page]
    if backends.spec.interactions.timestamp is not None:
        columns["date"] = [_day(entry.timestamp) for entry in page]
    positions = (await catalog.item_idx(entry.id for entry in page)).tolist()
    items = await list_items(backends, InteractedItem, positions, arguments.detail, **columns)
    n_items = len(catalog.twins.once(await catalog.histories.items(user)))
    message = f"{nouns.user.capitalize()} {arguments.user} has {count_of(total, nouns.interaction, nouns.interactions)}"
    if not page and n_items:
        message += "; the offset is beyond the last of them"
    elif offset:
        message += f"; {nouns.items} {offset + 1:,} to {offset + len(page):,}, newest first"
    elif len(items) < total:
        message += f"; the newest {count_of(len(items), nouns.item, nouns.items)}"
    remaining = max(n_items - offset - len(page), 0)
    return InteractedResult(message=f"{message}.", items=items, total=total, remaining=remaining)


def _day(timestamp: int | None) -> str | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC).date().isoformat()
