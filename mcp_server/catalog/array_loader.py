"""The arrays of a catalogue, filled from a dataset. The arrays of terms come from the loader of terms."""

import numpy as np
from sqlalchemy import Connection

from mcp_server.catalog.arrays import (
    AVAILABLE,
    CANONICAL,
    FIRST_TIMES,
    INTEGER_IDS,
    LIKER_ENDS,
    LIKERS,
    N_INTERACTIONS,
    N_TIMED,
    POPULARITY,
    SEGMENT_ITEMS,
    TEXT_ID_ENDS,
    TEXT_IDS,
    TIME_EVENTS,
    TIME_ITEMS,
    TIME_LIKED,
    TIME_USERS,
    TIME_VALUES,
    TIMES,
    UNTITLED,
    USER_LIKES,
    USER_SEGMENTS,
    as_utf8,
    ends_of,
    item_sums,
    segment_sums,
    write_array,
)
from mcp_server.catalog.columns import column_of
from mcp_server.catalog.schema import CatalogTables, group_fields
from mcp_server.dataset.amounts import Amounts, Measures
from mcp_server.dataset.records import NO_TIME, Dataset, Value
from mcp_server.types import IntArray


def load_item_arrays(connection: Connection, tables: CatalogTables, dataset: Dataset, amounts: Amounts) -> None:
    """Write what is known of each item: its ID, its amounts, and the fields that are filtered or put items in
    order, and are no names.
    """
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
        if field.kind in ("number", "date") or (field.filter and field.kind == "boolean"):
            column = column_of(field, (value for (value,) in dataset.items.rows([field.name])))
            write_array(connection, tables.arrays, *column)


def load_opinions(connection: Connection, tables: CatalogTables, dataset: Dataset, measures: Measures) -> None:
    """Write the users who like each item, and what is summed up of the opinions of all users."""
    found, n_items = dataset.interactions, len(dataset.items)
    user, item = found.user[found.liked], found.item[found.liked]
    write_array(connection, tables.arrays, LIKERS, user, np.argsort(item, kind="stable"))
    write_array(connection, tables.arrays, LIKER_ENDS, ends_of(np.bincount(item, minlength=n_items)))
    write_array(connection, tables.arrays, USER_LIKES, np.bincount(user, minlength=len(dataset.users)))
    for measure, values in measures.items():
        if measure not in ("amounts", "popularity"):  # they are in arrays of their own
            sums = np.bincount(found.item, values, n_items)
            write_array(connection, tables.arrays, item_sums(measure), sums)


def load_times(connection: Connection, tables: CatalogTables, dataset: Dataset) -> None:
    """Write the pairs in the order of time, where the dataset has times."""
    found = dataset.interactions
    if found.timestamp is None:
        return
    order = np.argsort(found.timestamp, kind="stable")
    n_untimed = int(np.count_nonzero(found.timestamp == NO_TIME))  # NO_TIME comes before all times
    order = order[n_untimed:]
    for array, values in (
        (TIME_USERS, found.user),
        (TIME_ITEMS, found.item),
        (TIME_VALUES, found.value),
        (TIME_LIKED, found.liked),
        (TIME_EVENTS, found.n_events),
        (TIMES, found.timestamp),
    ):
        if values is not None:
            write_array(connection, tables.arrays, array, values, order)
    write_array(connection, tables.arrays, FIRST_TIMES, found.timestamp[order[:: TIMES.per_piece]])
    write_array(connection, tables.arrays, N_TIMED, [len(order), n_untimed])


def load_segments(connection: Connection, tables: CatalogTables, dataset: Dataset, measures: Measures) -> None:
    """Write the segments, which are the users with the same values of all group fields, and what each has used."""
    groups = [field.name for field in group_fields(dataset.spec)]
    if not groups or not len(dataset.users):
        return
    segment_of: dict[tuple[Value, ...], int] = {}
    rows = dataset.users.rows(groups)
    segment = np.fromiter((segment_of.setdefault(row, len(segment_of)) for row in rows), np.int64, len(dataset.users))
    n_users = np.bincount(segment, minlength=len(segment_of))
    ends = _write_used(connection, tables, dataset, segment, len(segment_of), measures)
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
    write_array(connection, tables.arrays, USER_SEGMENTS, segment)


def _write_used(
    connection: Connection,
    tables: CatalogTables,
    dataset: Dataset,
    segment: IntArray,
    n_segments: int,
    measures: Measures,
) -> IntArray:
    """Write the items that the users of each segment have used, one segment after the other, and the sums of each
    measure. Gives the ends of the segments, and 0 before them: (n_segments + 1,).
    """
    found, n_items = dataset.interactions, len(dataset.items)
    keys = segment[found.user] * n_items + found.item
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate([np.ones(min(len(keys), 1), dtype=bool), keys[1:] != keys[:-1]]))
    used = keys[starts]
    write_array(connection, tables.arrays, SEGMENT_ITEMS, used % n_items)
    for measure, values in measures.items():
        if values is None:
            sums = np.diff(starts, append=len(keys))
        else:
            sums = np.add.reduceat(values[order], starts, dtype=np.float64)
        write_array(connection, tables.arrays, segment_sums(measure), sums)
    return np.searchsorted(used, np.arange(n_segments + 1) * n_items)
