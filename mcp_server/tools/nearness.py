"""Nearness of items to a search, as the item sets tell that the search has made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends
    from mcp_server.types import DoubleArray


async def nearness_of(backends: Backends, item_set: str | Sequence[str] | None) -> DoubleArray | None:
    """The nearness of the items in a set: (n_items,), NaN for all others. Of several sets it is the sum.

    None where no set comes from a search.

    Raises:
        InvalidInputError: A handle is unknown.
    """
    handles = [item_set] if isinstance(item_set, str) else item_set or []
    total: DoubleArray | None = None
    for handle in handles:
        scores = await (await backends.item_sets()).scores(handle)
        if scores is None:
            continue
        import numpy as np  # the list of tools does not wait for it

        nearness = np.full((await backends.catalog()).n_items, np.nan)
        nearness[await backends.item_set(handle)] = scores
        total = nearness if total is None else total + nearness
    return total
