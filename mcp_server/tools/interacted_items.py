"""The most recent interactions of a user."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic

from pydantic import Field

from mcp_server.tools.base import (
    Arguments,
    Detail,
    Facts,
    ItemId,
    K,
    ListedItem,
    Offset,
    Result,
    Tool,
    UserId,
    applicable,
    count_of,
    list_items,
    make_tool,
    with_ids,
)

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends

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


def build(facts: Facts) -> Tool:
    result = with_ids(InteractedResult, facts.item_id_type)

    async def run(backends: Backends, arguments: InteractedArguments[Any]) -> Result:
        return result(**await interacted_items(backends, arguments))

    return make_tool(
        facts,
        name="get_interacted_items_tool",
        title="History of a {user}",
        description=applicable(DESCRIPTION, facts),
        arguments=with_ids(InteractedArguments, facts.user_id_type),
        result=result,
        run=run,
    )


async def interacted_items(backends: Backends, arguments: InteractedArguments[Any]) -> dict[str, Any]:
    """The fields of an InteractedResult."""
    nouns, columns = backends.spec.nouns, backends.spec.interactions
    catalog = await backends.catalog()
    user = await catalog.user_idx(arguments.user)
    entries, total = await catalog.recent(user, arguments.offset + arguments.k)
    page = entries[arguments.offset :]
    listed = await catalog.item_idx(entry.id for entry in page)
    items = await list_items(backends, listed.tolist(), arguments.detail)
    for item, entry in zip(items, page, strict=True):
        if columns.rating is not None:
            item["rating"] = entry.rating
        if columns.timestamp is not None:
            item["date"] = None if entry.timestamp is None else _day(entry.timestamp)
    n_items = len(catalog.twins.once(await catalog.history(user)))
    message = f"{nouns.user.capitalize()} {arguments.user} has {count_of(total, nouns.interaction, nouns.interactions)}"
    if not page and n_items:
        message += "; the offset is beyond the last of them"
    elif arguments.offset:
        message += f"; {nouns.items} {arguments.offset + 1:,} to {arguments.offset + len(page):,}, newest first"
    elif len(items) < total:
        message += f"; the newest {count_of(len(items), nouns.item, nouns.items)}"
    remaining = max(n_items - arguments.offset - len(page), 0)
    return {"message": f"{message}.", "items": items, "total": total, "remaining": remaining}


def _day(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).date().isoformat()
