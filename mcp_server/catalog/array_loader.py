"""The arrays of a catalogue, filled from a dataset. The arrays of terms come from the loader of terms."""

from collections.abc import Iterator

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
    Array,
    as_utf8,
    ends_of,
    item_sums,
    segment_sums,
    write_array,
)
from mcp_server.catalog.columns import column_of
from mcp_server.catalog.schema import CatalogTables, group_fields
from mcp_server.dataset.amounts import Amounts, Measure, Measures
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
    used = list(_used_by_segment(dataset, segment, len(segment_of), measures))
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
    write_array(connection, tables.arrays, USER_SEGMENTS, segment)
    write_array(connection, tables.arrays, SEGMENT_ITEMS, np.concatenate([items for items, _ in used]))
    for measure in measures:
        sums = np.concatenate([summed[measure] for _, summed in used])
        write_array(connection, tables.arrays, segment_sums(measure), sums)


def _used_by_segment(
    dataset: Dataset, segment: IntArray, n_segments: int, measures: Measures
) -> Iterator[tuple[Array, dict[Measure, Array]]]:
    """The items that the users of each segment have used, and the sums of each measure: all (n,)."""
    found = dataset.interactions
    of_pair = segment[found.user]
    order = np.argsort(of_pair, kind="stable")
    ends = ends_of(np.bincount(of_pair, minlength=n_segments))
    for number in range(n_segments):
        pairs = order[ends[number] : ends[number + 1]]
        used, place = np.unique(found.item[pairs], return_inverse=True)
        yield (
            used.astype(np.int32),
            {
                measure: np.bincount(place, None if values is None else values[pairs], len(used)).astype(
                    segment_sums(measure).dtype
                )
                for measure, values in measures.items()
            },
        )
