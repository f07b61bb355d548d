"""A catalogue's tables, filled from a dataset."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table
from sqlalchemy.schema import CreateTable

from mcp_server.catalog.array_loader import load_item_arrays, load_opinions, load_segments, load_times
from mcp_server.catalog.arrays import TERM_ENDS, TERM_ITEMS, ends_of, write_array
from mcp_server.catalog.schema import NAME_LENGTH, CatalogTables, term_fields
from mcp_server.catalog.vocabulary import fold
from mcp_server.dataset.amounts import Amounts, amounts_of, pair_measures
from mcp_server.dataset.records import NO_TIME, Dataset, Interactions
from mcp_server.sql.numbers import Number, insert_numbers
from mcp_server.types import IntArray

BATCH = 10_000
"""Rows of items, users and terms in one statement."""

PAIRS = 50_000
"""Rows of numbers that are in memory as Python objects at once."""


def load_catalog(
    connection: Connection,
    tables: CatalogTables,
    dataset: Dataset,
    advance: Callable[[int], None] = lambda rows: None,
) -> None:
    """Create the tables and fill them. Indexes come last: to sort all rows once is faster than to keep them sorted.

    Args:
        connection: Connection in a transaction, which the caller commits.
        advance: Called with the number of interactions written since the last call.
    """
    for table in tables.metadata.sorted_tables:
        connection.execute(CreateTable(table))
    amounts = amounts_of(dataset.interactions, dataset.spec.interactions.kind, len(dataset.items))
    _insert(connection, tables.items, _item_rows(dataset, tables, amounts))
    load_item_arrays(connection, tables, dataset, amounts)
    _load_terms(connection, tables, dataset)
    _insert(connection, tables.users, _user_rows(dataset))
    measures = pair_measures(dataset.interactions, dataset.spec.interactions.kind)
    load_segments(connection, tables, dataset, measures)
    load_opinions(connection, tables, dataset, measures)
    load_times(connection, tables, dataset)
    _load_interactions(connection, tables.interactions, dataset.interactions, advance)
    for table in tables.metadata.sorted_tables:
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            index.create(connection)


def _insert(connection: Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    while batch := list(islice(rows, BATCH)):
        connection.execute(table.insert(), batch)


def _item_rows(dataset: Dataset, tables: CatalogTables, amounts: Amounts) -> Iterator[dict[str, Any]]:
    spec = dataset.spec
    columns = [spec.items.title, *(field.name for field in spec.columns)]
    for position, (identifier, values) in enumerate(zip(dataset.items.ids, dataset.items.rows(columns), strict=True)):
        yield {
            "idx": position,
            "id": identifier,
            "canonical": int(dataset.canonical[position]),
            "n_interactions": float(amounts.n_interactions[position]),
            tables.popularity.name: float(amounts.popularity[position]),
            tables.available.name: dataset.available is None or bool(dataset.available[position]),
            **dict(zip(columns, values, strict=True)),
        }


def _user_rows(dataset: Dataset) -> Iterator[dict[str, Any]]:
    columns = [field.name for field in dataset.spec.users.fields]
    for position, (identifier, values) in enumerate(zip(dataset.users.ids, dataset.users.rows(columns), strict=True)):
        yield {"idx": position, "id": identifier, **dict(zip(columns, values, strict=True))}


def _load_terms(connection: Connection, tables: CatalogTables, dataset: Dataset) -> None:
    fields = term_fields(dataset.spec)
    term_of: dict[tuple[str, str], int] = {}

    def links() -> Iterator[tuple[int, int, int]]:
        for item, values in enumerate(dataset.items.rows(fields)):
            for field, value in zip(fields, values, strict=True):
                for position, name in enumerate(_names(value)):
                    yield item, term_of.setdefault((field, name), len(term_of)), position

    found, items, links_to = links(), [np.empty(0, np.int32)], [np.empty(0, np.int32)]
    while batch := list(islice(found, PAIRS)):
        columns = list(zip(*batch, strict=True))
        insert_numbers(connection, tables.item_terms, columns)
        items.append(np.array(columns[0], np.int32))
        links_to.append(np.array(columns[1], np.int32))
    term = np.concatenate(links_to)
    sizes = np.bincount(term, minlength=len(term_of))
    write_array(connection, tables.arrays, TERM_ITEMS, np.concatenate(items), np.argsort(term, kind="stable"))
    write_array(connection, tables.arrays, TERM_ENDS, ends_of(sizes))
    terms = (
        {
            "term": number,
            "field": field,
            "name": name,
            "folded": fold(name)[:NAME_LENGTH],
            "n_items": int(sizes[number]),
        }
        for (field, name), number in term_of.items()
    )
    _insert(connection, tables.terms, terms)


def _names(value: object) -> Sequence[str]:
    names = value if isinstance(value, list) else [] if value is None else [value]
    return list(dict.fromkeys(str(name)[:NAME_LENGTH] for name in names))


def _load_interactions(
    connection: Connection, table: Table, interactions: Interactions, advance: Callable[[int], None]
) -> None:
    order = _order(interactions)
    for start in range(0, len(order), PAIRS):
        pairs = order[start : start + PAIRS]
        insert_numbers(connection, table, _columns(interactions, pairs, start))
        advance(len(pairs))


def _order(interactions: Interactions) -> IntArray:
    """(n_pairs,): pairs user by user. What a history names first comes last: the newest, of which times are known, or
    where there are none the best rated or most used.
    """
    later = interactions.value if interactions.timestamp is None else interactions.timestamp
    keys = (interactions.user,) if later is None else (later, interactions.user)
    return np.lexsort(keys)


def _columns(interactions: Interactions, pairs: IntArray, n_before: int) -> list[Sequence[Number]]:
    """Columns of the table, for some pairs."""
    unknown = [None] * len(pairs)
    value, n_events, times = interactions.value, interactions.n_events, interactions.timestamp
    return [
        interactions.user[pairs].tolist(),
        range(n_before, n_before + len(pairs)),
        interactions.item[pairs].tolist(),
        unknown if value is None else value[pairs].tolist(),
        interactions.liked[pairs].tolist(),
        unknown if n_events is None else n_events[pairs].tolist(),
        unknown if times is None else [None if time == NO_TIME else time for time in times[pairs].tolist()],
    ]
