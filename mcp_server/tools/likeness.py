"""The likeness of items to one of them: in what they are, by texts and names, and in who likes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mcp_server.types import BoolArray, DoubleArray, FloatArray, IntArray
from mcp_server.vectors.fusion import standardised

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends

By = Literal["both", "content", "audience"]

CANDIDATES = 100
"""Items that each of texts, names and audience brings in, at least."""

NAMES = 0.5
"""Weight of shared names beside texts, which tell more of what an item is about."""


@dataclass(frozen=True)
class Likeness:
    """Items that are like one of them."""

    items: IntArray
    """(n,): positions, most alike first."""
    scores: DoubleArray
    """(n,), which never rise; comparable within one list only."""
    fits: DoubleArray
    """(n,): nearness in meaning of their texts (``Fusion.fits``); NaN where one of the two items has none."""
    by: By
    """The ways that were compared: less than what was asked for where nothing is known of the rest."""


async def find_alike(
    backends: Backends, item: int, by: By, limit: int, only: IntArray | None, leave_out: IntArray
) -> Likeness | None:
    """The items that are most like one; None where nothing is known of it that could be compared.

    Args:
        item: Its position.
        limit: At most so many items.
        only: Positions of the items to choose from; all where None.
        leave_out: Positions of items that are not to be found.

    Raises:
        BackendError: The catalogue, the model or the vectors cannot be read.
    """
    catalog, search = await backends.catalog(), await backends.search()
    allowed = np.ones(catalog.n_items, dtype=bool)
    if only is not None:
        allowed[:] = False
        allowed[only] = True
    allowed[leave_out] = False
    n = max(limit, CANDIDATES)
    audience = None if by == "content" else await _by_audience(backends, item)
    shared = await catalog.categories.shared(item)
    also = _best(shared, allowed, n)
    if audience is not None:
        also = np.union1d(also, _best(audience, allowed, n))
    texts = await search.nearest_to(item, limit, only, leave_out.tolist(), also)
    items = also if texts is None else np.union1d(also, texts.items)
    compared: dict[By, DoubleArray] = {}
    if by != "audience" or audience is None:
        content = np.zeros(len(items))
        if texts is not None:
            content[np.searchsorted(items, texts.items)] += standardised(texts.scores)
        if shared.any():
            rarity = await catalog.categories.rarity(items)
            content += NAMES * standardised(shared[items] / np.sqrt(np.where(rarity > 0, rarity, 1)))
        if texts is not None or shared.any():
            compared["content"] = content
    if audience is not None:
        compared["audience"] = audience[items].astype(np.float64)
    if not compared:
        return None
    scores = np.sum([standardised(each) for each in compared.values()], axis=0)
    order = np.lexsort((items, -scores))[:limit]
    fits = np.full(len(items), np.nan)
    if texts is not None:
        fits[np.searchsorted(items, texts.items)] = texts.fits
    counted = next(iter(compared)) if len(compared) == 1 else "both"
    return Likeness(items[order], scores[order], fits[order], counted)


async def _by_audience(backends: Backends, item: int) -> FloatArray | DoubleArray | None:
    """The amount by which liking an item speaks for each other: (n_items,).

    By the model, or by those who like both where it cannot tell; None for an item that nobody likes.
    """
    catalog = await backends.catalog()
    if not catalog.popularity[item] > 0:
        return None
    by_model = (await backends.ranker()).alike(item)
    return await catalog.co_likes.with_item(item) if by_model is None else by_model


def _best(scores: FloatArray | DoubleArray, allowed: BoolArray, n: int) -> IntArray:
    """Positions of the n best of the allowed items that have a score above 0, which rise."""
    found = np.flatnonzero(allowed & (scores > 0))
    if len(found) > n:
        found = found[np.lexsort((found, -scores[found]))[:n]]
    return np.sort(found)
