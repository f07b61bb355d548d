"""The most recent interactions of a user."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic

from pydantic import Field

from mcp_server.tools.base import (
    Arguments,
    Facts,
    ItemId,
    K,
    ListedItem,
    Result,
    Tool,
    UserId,
    count_of,
    make_tool,
    with_ids,
)

if TYPE_CHECKING:
    from mcp_server.backends import Backends

DESCRIPTION = """
Lists the {items} that a {user} most recently had {interactions} of, newest first, and how many there are in all.
Use it for "what has {user} X seen or bought", and to explain recommendations by comparing them with the
{user}'s past.
"""


class InteractedArguments(Arguments, Generic[UserId]):
    user: UserId = Field(description="ID of the {user}.")
    k: K = 20


class InteractedItem(ListedItem[ItemId], Generic[ItemId]):
    rating: float | None = Field(None, description="The {user}'s rating.")
    date: str | None = Field(None, description="Day, as YYYY-MM-DD (UTC).")


class InteractedResult(Result, Generic[ItemId]):
    items: list[InteractedItem[ItemId]] = Field(description="{Items}, newest {interaction} first.")
    total: int = Field(description="Number of all {interactions} of the {user}.")


def build(facts: Facts) -> Tool:
    result = with_ids(InteractedResult, facts.item_id_type)
    columns = facts.spec.interactions

    async def run(backends: Backends, arguments: InteractedArguments[Any]) -> Result:
        nouns = backends.spec.nouns
        catalog = await backends.catalog()
        entries, total = await catalog.recent(await catalog.user_idx(arguments.user), arguments.k)
        items: list[dict[str, Any]] = []
        for entry in entries:
            item: dict[str, Any] = {"item_id": entry.id, "title": entry.title}
            if columns.rating is not None:
                item["rating"] = entry.rating
            if columns.timestamp is not None:
                item["date"] = None if entry.timestamp is None else _day(entry.timestamp)
            items.append(item)
        shown = "" if len(items) == total else f"; the newest {count_of(len(items), nouns.item, nouns.items)}"
        message = (
            f"{nouns.user.capitalize()} {arguments.user} has "
            f"{count_of(total, nouns.interaction, nouns.interactions)}{shown}."
        )
        return result(message=message, items=items, total=total)

    return make_tool(
        facts,
        name="get_interacted_items_tool",
        title="History of a {user}",
        description=DESCRIPTION,
        arguments=with_ids(InteractedArguments, facts.user_id_type),
        result=result,
        run=run,
    )


def _day(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).date().isoformat()
