"""Facts about a dataset that descriptions and messages need."""

from collections import Counter
from typing import Any

import numpy as np

from mcp_server.dataset.amounts import amounts_of
from mcp_server.dataset.facts import DatasetCard
from mcp_server.dataset.feedback import plain_number
from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.groups import BOOLEANS
from mcp_server.dataset.records import Dataset
from mcp_server.types import Id

TERMS_IN_CARD = 40
"""Number of names of each category that are kept for descriptions."""


def describe(dataset: Dataset) -> DatasetCard:
    """Describe a dataset."""
    spec = dataset.spec
    categories = spec.categories
    names: dict[str, Counter[str]] = {field.name: Counter() for field in categories}
    for values in dataset.items.rows([field.name for field in categories]):
        for field, value in zip(categories, values, strict=True):
            names[field.name].update(value if isinstance(value, list) else [] if value is None else [str(value)])
    ranges = _ranges(dataset, [field.name for field in spec.columns if field.kind == "number"])
    dates = _ranges(dataset, [field.name for field in spec.columns if field.kind == "date"])
    fields = {field.name: field for field in spec.users.fields}
    groups = {name: _group_names(dataset, fields[name]) for name in spec.users.groups}
    amounts = amounts_of(dataset.interactions, spec.interactions.kind, len(dataset.items))
    shown = amounts.popularity if dataset.available is None else np.where(dataset.available, amounts.popularity, -1)
    most_popular = shown.argsort(kind="stable")[::-1]
    active = np.flatnonzero(np.bincount(dataset.interactions.user))[:3]
    return DatasetCard(
        n_items=len(dataset.items),
        n_users=len(dataset.users),
        n_interactions=plain_number(amounts.n_interactions.sum()),
        n_pairs=len(dataset.interactions),
        n_dropped=dataset.n_dropped,
        n_unavailable=0 if dataset.available is None else int(np.count_nonzero(~dataset.available)),
        notes=dataset.notes,
        item_ids=_describe_ids(dataset.items.ids),
        user_ids=_describe_ids(dataset.users.ids),
        example_items=[dataset.items.ids[position] for position in most_popular[:3]],
        example_users=[dataset.users.ids[position] for position in active],
        terms={field: [name for name, _ in counts.most_common(TERMS_IN_CARD)] for field, counts in names.items()},
        term_counts={field: len(counts) for field, counts in names.items()},
        ranges=ranges,
        dates=dates,
        groups=groups,
    )


def _group_names(dataset: Dataset, field: FieldSpec) -> list[str]:
    """Names of the groups of a user field, in order: of bands and booleans all, of names those that there are."""
    if field.kind == "boolean":
        return list(BOOLEANS)
    return list(field.bands) or sorted({str(value) for (value,) in dataset.users.rows([field.name]) if value})


def _ranges(dataset: Dataset, fields: list[str]) -> dict[str, tuple[Any, Any]]:
    """Least and greatest known value of fields with numbers or dates."""
    ranges: dict[str, tuple[Any, Any]] = {}
    for values in dataset.items.rows(fields):
        for field, value in zip(fields, values, strict=True):
            if value is not None:
                least, greatest = ranges.get(field, (value, value))
                ranges[field] = min(least, value), max(greatest, value)
    return ranges


def _describe_ids(ids: list[Id]) -> str:
    if not ids:
        return "there are none"
    if isinstance(ids[0], int):
        return f"IDs run from {ids[0]} to {ids[-1]}"
    return f"IDs look like {', '.join(map(repr, ids[:3]))}"
