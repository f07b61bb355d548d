"""The arrays of a catalogue, filled from a dataset. The arrays of terms come from the loader of terms."""

from collections.abc import Iterator

import numpy as np
from sqlalchemy import Connection

from mcp_server.catalog.arrays import (
    AVAILABLE,
    CANONICAL,
    INTEGER_IDS,
    LIKER_ENDS,
    LIKERS,
    N_INTERACTIONS,
    POPULARITY,
    SEGMENT_ITEMS,
    TEXT_ID_ENDS,
    TEXT_IDS,
    UNTITLED,
    Array,
    as_utf8,
    ends_of,
    segment_amounts,
    write_array,
)
from mcp_server.catalog.columns import column_of
from mcp_server.catalog.schema import CatalogTables, group_fields
from mcp_server.dataset.amounts import Amounts, pair_amounts
from mcp_server.dataset.records import Dataset, Value
from mcp_server.types import IntArray, ShortIntArray


def load_item_arrays(connection: Connection, tables: CatalogTables, dataset: Dataset, amounts: Amounts) -> None:
    """Write what is known of each item: its ID, its amounts, and the fields that are filtered and are no names."""
    spec, n_items = dataset.spec, len(dataset.items)
    available = np.ones(n_items, dtype=bool) if dataset.available is None else dataset.available
    titled = np.fromiter((title is not None for (title,) in dataset.items.rows([spec.items.title])), bool, n_items)
    for array, values in (
        (CANONICAL, dataset.canonical),
        (N_INTERACTIONS, amounts.n_interactions),
        (POPULARITY, amounts.popularity),
        (AVAILABLE, available),
        (UNTITLED, np.flatnonzero(~titled)),
    ):
        write_array(connection, tables.arrays, array, values)
    if spec.items.id_type == "integer":
        write_array(connection, tables.arrays, INTEGER_IDS, dataset.items.ids)
    else:
        content, ends = as_utf8([str(each) for each in dataset.items.ids])
        write_array(connection, tables.arrays, TEXT_IDS, content)
        write_array(connection, tables.arrays, TEXT_ID_ENDS, ends)
    for field in spec.columns:
        if field.filter and field.kind != "text":
            column = column_of(field, (value for (value,) in dataset.items.rows([field.name])))
            write_array(connection, tables.arrays, *column)


def load_likers(connection: Connection, tables: CatalogTables, dataset: Dataset) -> None:
    """Write the users who like each item."""
    found = dataset.interactions
    user, item = found.user[found.liked], found.item[found.liked]
    lengths = np.bincount(item, minlength=len(dataset.items))
    write_array(connection, tables.arrays, LIKERS, user[np.argsort(item, kind="stable")])
    write_array(connection, tables.arrays, LIKER_ENDS, ends_of(lengths))


def load_segments(connection: Connection, tables: CatalogTables, dataset: Dataset) -> None:
    """Write the segments, which are the users with the same values of all group fields, and what each has used."""
    groups = [field.name for field in group_fields(dataset.spec)]
    if not groups or not len(dataset.users):
        return
    segment_of: dict[tuple[Value, ...], int] = {}
    rows = dataset.users.rows(groups)
    segment = np.fromiter((segment_of.setdefault(row, len(segment_of)) for row in rows), np.int64, len(dataset.users))
    n_users = np.bincount(segment, minlength=len(segment_of))
    used = list(_used_by_segment(dataset, segment, len(segment_of)))
    ends = ends_of(np.array([len(items) for items, _ in used]))
    described = [
        {
            "_segment": number,
            "_begin": int(ends[number]),
            "_end": int(ends[number + 1]),
            "_n_users": int(n_users[number]),
            **dict(zip(groups, values, strict=True)),
        }
        for values, number in segment_of.items()
    ]
    connection.execute(tables.segments.insert(), described)
    write_array(connection, tables.arrays, SEGMENT_ITEMS, np.concatenate([items for items, _ in used]))
    for place, array in enumerate(segment_amounts(dataset.spec.interactions.kind)):
        write_array(connection, tables.arrays, array, np.concatenate([amounts[place] for _, amounts in used]))


def _used_by_segment(
    dataset: Dataset, segment: IntArray, n_segments: int
) -> Iterator[tuple[ShortIntArray, list[Array]]]:
    """The items that the users of each segment have used, and their amounts as ``segment_amounts`` has them: (n,)."""
    found = dataset.interactions
    counted = pair_amounts(found, dataset.spec.interactions.kind)
    of_pair = segment[found.user]
    order = np.argsort(of_pair, kind="stable")
    ends = ends_of(np.bincount(of_pair, minlength=n_segments))
    for number in range(n_segments):
        pairs = order[ends[number] : ends[number + 1]]
        used, place = np.unique(found.item[pairs], return_inverse=True)
        yield (
            used.astype(np.int32),
            [np.bincount(place, None if each is None else each[pairs], len(used)) for each in counted],
        )
