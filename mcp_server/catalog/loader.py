"""A catalogue's tables, filled from a dataset."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table

from mcp_server.catalog.schema import NAME_LENGTH, CatalogTables, is_term_field
from mcp_server.catalog.vocabulary import fold
from mcp_server.dataset.records import NO_TIME, Dataset

BATCH = 10_000
"""Rows in one statement."""


def load_catalog(
    connection: Connection,
    tables: CatalogTables,
    dataset: Dataset,
    advance: Callable[[int], None] = lambda rows: None,
) -> None:
    """Create the tables and fill them.

    Args:
        connection: Connection in a transaction, which the caller commits.
        advance: Called with the number of interactions written since the last call.
    """
    tables.metadata.create_all(connection)
    _insert(connection, tables.items, _item_rows(dataset))
    _load_terms(connection, tables, dataset)
    _insert(connection, tables.users, _user_rows(dataset))
    _insert(connection, tables.interactions, _interaction_rows(dataset), advance)


def _insert(
    connection: Connection,
    table: Table,
    rows: Iterator[dict[str, Any]],
    advance: Callable[[int], None] = lambda rows: None,
) -> None:
    while batch := list(islice(rows, BATCH)):
        connection.execute(table.insert(), batch)
        advance(len(batch))


def _item_rows(dataset: Dataset) -> Iterator[dict[str, Any]]:
    spec = dataset.spec
    columns = [spec.items.title, *(field.name for field in spec.columns)]
    counts = np.bincount(dataset.interactions.item, minlength=len(dataset.items))
    for position, (identifier, values) in enumerate(zip(dataset.items.ids, dataset.items.rows(columns), strict=True)):
        yield {
            "idx": position,
            "id": identifier,
            "canonical": int(dataset.canonical[position]),
            "n_interactions": int(counts[position]),
            **dict(zip(columns, values, strict=True)),
        }


def _user_rows(dataset: Dataset) -> Iterator[dict[str, Any]]:
    columns = [field.name for field in dataset.spec.users.fields]
    for position, (identifier, values) in enumerate(zip(dataset.users.ids, dataset.users.rows(columns), strict=True)):
        yield {"idx": position, "id": identifier, **dict(zip(columns, values, strict=True))}


def _load_terms(connection: Connection, tables: CatalogTables, dataset: Dataset) -> None:
    fields = [field.name for field in dataset.spec.items.fields if is_term_field(field)]
    term_of: dict[tuple[str, str], int] = {}
    links: list[dict[str, int]] = []
    for item, values in enumerate(dataset.items.rows(fields)):
        for field, value in zip(fields, values, strict=True):
            for position, name in enumerate(_names(value)):
                term = term_of.setdefault((field, name), len(term_of))
                links.append({"item": item, "term": term, "position": position})
    sizes = Counter(link["term"] for link in links)
    terms = (
        {
            "term": term,
            "field": field,
            "name": name,
            "folded": fold(name)[:NAME_LENGTH],
            "n_items": sizes[term],
        }
        for (field, name), term in term_of.items()
    )
    _insert(connection, tables.terms, terms)
    _insert(connection, tables.item_terms, iter(links))


def _names(value: object) -> Sequence[str]:
    names = value if isinstance(value, list) else [] if value is None else [value]
    return list(dict.fromkeys(str(name)[:NAME_LENGTH] for name in names))


def _interaction_rows(dataset: Dataset) -> Iterator[dict[str, Any]]:
    data = dataset.interactions
    ratings = data.value.tolist() if data.value is not None else [None] * len(data)
    timestamps = [None] * len(data)
    if data.timestamp is not None:
        timestamps = [None if time == NO_TIME else time for time in data.timestamp.tolist()]
    columns = zip(data.user.tolist(), data.item.tolist(), ratings, timestamps, strict=True)
    for number, (user, item, rating, timestamp) in enumerate(columns, start=1):
        yield {"interaction": number, "user": user, "item": item, "rating": rating, "timestamp": timestamp}
