"""Facts about a dataset that descriptions and messages need."""

import numpy as np

from mcp_server.dataset.facts import DatasetCard
from mcp_server.dataset.records import Dataset
from mcp_server.types import Id

TERMS_IN_CARD = 40
"""Number of names of each category that are kept for descriptions."""


def describe(dataset: Dataset) -> DatasetCard:
    """Describe a dataset."""
    names: dict[str, dict[str, int]] = {}
    for field in dataset.spec.categories:
        counts: dict[str, int] = {}
        for item in dataset.items:
            value = item[field.name]
            for name in value if isinstance(value, list) else [value] if value else []:
                counts[str(name)] = counts.get(str(name), 0) + 1
        names[field.name] = counts
    ranges = {}
    for field in dataset.spec.columns:
        values = [float(value) for item in dataset.items if isinstance(value := item[field.name], int | float)]
        if field.kind == "number" and values:
            ranges[field.name] = (min(values), max(values))
    groups = {}
    for name in dataset.spec.users.groups:
        bands = list(next(field for field in dataset.spec.users.fields if field.name == name).bands)
        present = {str(user[name]) for user in dataset.users if user[name]}
        groups[name] = bands or sorted(present)
    busiest = np.bincount(dataset.interactions.item, minlength=len(dataset.items)).argsort(kind="stable")[::-1]
    active = np.unique(dataset.interactions.user)[:3]
    return DatasetCard(
        n_items=len(dataset.items),
        n_users=len(dataset.users),
        n_interactions=len(dataset.interactions),
        n_dropped=dataset.interactions.n_dropped,
        item_ids=_describe_ids(dataset.item_ids),
        user_ids=_describe_ids(dataset.user_ids),
        example_items=[dataset.item_ids[position] for position in busiest[:3]],
        example_users=[dataset.user_ids[position] for position in active],
        terms={field: sorted(c, key=lambda n: -c[n])[:TERMS_IN_CARD] for field, c in names.items()},
        term_counts={field: len(counts) for field, counts in names.items()},
        ranges=ranges,
        groups=groups,
    )


def _describe_ids(ids: list[Id]) -> str:
    if isinstance(ids[0], int):
        return f"IDs run from {ids[0]} to {ids[-1]}"
    return f"IDs look like {', '.join(map(repr, ids[:3]))}"
