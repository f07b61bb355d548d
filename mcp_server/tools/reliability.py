"""Sentences on numbers that say little, because few users stand behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_server.tools.results import count_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_server.catalog.catalog import Catalog
    from mcp_server.dataset.spec import Nouns

FEWEST_USERS = 10
"""Averages, shares and orders of fewer users may be chance."""


def few_users(n_users: int, nouns: Nouns) -> list[str]:
    """A sentence about a group of few users, if it is one."""
    if not 0 < n_users < FEWEST_USERS:
        return []
    return [f"With only {count_of(n_users, nouns.user, nouns.users)} this may be chance."]


async def few_interactions(catalog: Catalog, items: Sequence[int], fields: Sequence[str], nouns: Nouns) -> list[str]:
    """A sentence about averages of items that few users have interacted with, if there are any.

    Args:
        items: Positions of the items that an answer lists.
        fields: Names of the fields that it shows of them.
    """
    averages = [
        name for name in fields if name in catalog.columns.computed and catalog.columns.computed[name].is_average
    ]
    if not averages:
        return []
    n_pairs = (await catalog.statistics.numbers({})).n_pairs
    n_few = sum(0 < n_pairs[item] < FEWEST_USERS for item in items)
    if not n_few:
        return []
    of = "" if len(items) == 1 else f" of {n_few:,} of these {nouns.items}"
    return [
        f"The {' and '.join(averages)}{of} {'is' if len(averages) == 1 else 'are'} made by fewer than {FEWEST_USERS} "
        f"{nouns.users}, and may be chance."
    ]
