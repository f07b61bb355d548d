"""Remarks for the owner about data that was read as declared, but may mean something else."""

from collections.abc import Iterator, Sequence

import numpy as np

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.records import NO_TIME, Interactions
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.errors import quoted
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import identifier, text_literal

LIKELY_SEPARATORS = ("|", ";")
"""Characters that rarely are in a name, and often between two."""

LEAST_SHARE = 0.2
"""Share of a field's values with such a character from which on it is told."""

SECONDS_OF_1970 = 31_536_000


def remark_on_names(session: Session, table: str, fields: Sequence[FieldSpec]) -> Iterator[str]:
    """Remarks on categories whose names look like several in one.

    Args:
        table: Table of the records.
    """
    asked = [
        (field, mark)
        for field in fields
        if field.kind == "category" and field.separator is None and not field.bands
        for mark in LIKELY_SEPARATORS
    ]
    for field, mark in asked:
        name = identifier(field.name)
        names = f"unnest({name})" if field.many else name
        contains = f"contains(name, {text_literal(mark)})"
        n_known, n, example = session.row(
            f"SELECT count(name), count(*) FILTER ({contains}), min(name) FILTER ({contains}) "
            f"FROM (SELECT {names} AS name FROM {table})",
            table,
        )
        if n >= LEAST_SHARE * n_known and n > 1:
            many = "" if field.many else "many: true and "
            yield (
                f"{n:,} of {n_known:,} names of {field.name} have {quoted(mark)} in them, such as {quoted(example)}: "
                f"if these are several names, declare {many}separator: {quoted(mark)}."
            )


def remark_on_interactions(found: Interactions, spec: DatasetSpec) -> Iterator[str]:
    """Remarks on interactions, and on their times."""
    nouns = spec.nouns
    if not len(found):
        yield f"There are no {nouns.interactions}, so nothing is known of what {nouns.users} like."
        return
    if found.timestamp is None:
        return
    times = found.timestamp[found.timestamp != NO_TIME]
    if not len(times):
        yield f"No {nouns.interaction} has a time."
        return
    n_zero = int(np.count_nonzero(times == 0))
    if np.abs(times).max() < SECONDS_OF_1970:
        yield (
            f"All times of {nouns.interactions} are between {times.min()} and {times.max()} s from the beginning of "
            "1970: if they are not seconds, declare timestamp_format."
        )
    elif n_zero:
        verb = "has" if n_zero == 1 else "have"
        yield (
            f"{n_zero:,} of {len(found):,} {nouns.interactions} {verb} the time 0, which is the beginning of 1970. If "
            f"it stands for an unknown time, declare timestamp: nullif({spec.interactions.timestamp}, 0)."
        )
