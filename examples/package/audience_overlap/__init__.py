"""The overlap of the audiences of two lists of items."""

from typing import Annotated, Any, Generic

from pydantic import Field

from mcp_server.tool_api import (
    Backends,
    DatasetFacts,
    InvalidInputError,
    ItemId,
    ItemsArguments,
    OneOrMore,
    Result,
    Tool,
    candidate_items,
    count_of,
    make_tool,
)

DESCRIPTION = """
Compares the audiences of two lists of {items}: how many {users} like at least one of the first, of the second, and of
both. Use it to see whether those who like one kind also like another.
"""


class OverlapArguments(ItemsArguments[ItemId], Generic[ItemId]):
    other_items: Annotated[list[ItemId] | None, OneOrMore] = Field(None, description="IDs of {items} to compare with.")
    other_set: str | None = Field(None, description="Handle of a set of {items} to compare with.")


class OverlapResult(Result):
    n_first: int = Field(description="How many {users} like at least one of the first.")
    n_second: int = Field(description="How many {users} like at least one of the second.")
    n_both: int = Field(description="How many do both.")


def build(facts: DatasetFacts) -> Tool:
    return make_tool(
        facts,
        name="audience_overlap_tool",
        title="Overlap of two audiences",
        description=DESCRIPTION,
        arguments=OverlapArguments,
        result=OverlapResult,
        run=overlap,
    )


async def overlap(backends: Backends, arguments: OverlapArguments[Any]) -> OverlapResult:
    import numpy as np  # here, so that a host's list of tools does not wait for it

    nouns = backends.spec.nouns
    others = ItemsArguments[Any](items=arguments.other_items, item_set=arguments.other_set)
    first, second = await candidate_items(backends, arguments), await candidate_items(backends, others)
    if first is None or second is None:
        raise InvalidInputError(f"two lists of {nouns.items} are needed: items or item_set, other_items or other_set")
    statistics = (await backends.catalog()).statistics
    n_first, n_second = await statistics.n_likers(first), await statistics.n_likers(second)
    n_both = n_first + n_second - await statistics.n_likers(np.union1d(first, second))
    whom = count_of(n_both, nouns.user, nouns.users)
    message = f"{whom} like some of both; {n_first:,} like some of the first, {n_second:,} some of the second."
    return OverlapResult(message=message, n_first=n_first, n_second=n_second, n_both=n_both)
