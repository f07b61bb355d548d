"""Tables with the same columns: parts of one that was divided into train and test, copies, and other deeds."""

from collections.abc import Sequence
from dataclasses import replace

from mcp_server.discovery.profiles import profile_columns
from mcp_server.discovery.roles import DEED_WORDS
from mcp_server.discovery.tables import FileOrigin, Table, Tables
from mcp_server.discovery.words import singular
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import identifier

SPLIT_WORDS = frozenset({"dev", "eval", "holdout", "part", "split", "test", "testing", "train", "training", "val",
                         "valid", "validation"})  # fmt: skip

MOST_COMMON_ROWS = 0.5
"""Share of rows that a part has from another one, beyond which it is a copy and no part."""


def unite_splits(tables: Tables) -> None:
    """Put the parts of a table together: files of the same columns, whose names differ in words for parts only."""
    groups: dict[tuple[object, ...], list[Table]] = {}
    for table in tables.found:
        rest = tuple(word for word in table.words if word not in SPLIT_WORDS and not word.isdigit())
        if isinstance(table.origin, FileOrigin) and len(rest) < len(table.words):
            groups.setdefault((table.name.rpartition("/")[0], rest, tuple(table.columns)), []).append(table)
    for group in groups.values():
        parts = sorted(group, key=lambda table: -table.n_rows)
        if len(parts) > 1 and not any(_is_copy(part, parts[0], tables.session) for part in parts[1:]):
            _unite(tables, parts)


def _is_copy(part: Table, whole: Table, session: Session) -> bool:
    columns = ", ".join(map(identifier, part.columns))
    [n_new] = session.row(
        f"SELECT count(*) FROM (SELECT {columns} FROM {part.relation} EXCEPT SELECT {columns} FROM {whole.relation})",
        part.name,
    )
    return bool(part.n_rows - n_new > MOST_COMMON_ROWS * part.n_rows)


def _unite(tables: Tables, parts: Sequence[Table]) -> None:
    first, relation = parts[0], f"{parts[0].relation}_whole"
    columns = ", ".join(map(identifier, first.columns))
    union = " UNION ALL ".join(f"SELECT {columns} FROM {part.relation}" for part in parts)
    tables.session.run(f"CREATE TABLE {relation} AS {union}", first.name)
    [n_rows] = tables.session.row(f"SELECT count(*) FROM {relation}", first.name)
    types = dict.fromkeys(first.columns, "VARCHAR")
    types |= {
        name: profile.type
        for name, profile in first.columns.items()
        if all(part.columns[name].type == profile.type for part in parts)
    }
    profiles = profile_columns(tables.session, relation, types, first.name, n_rows)
    whole = replace(
        first,
        relation=relation,
        columns=profiles,
        n_rows=sum(part.n_rows for part in parts),
        more=tuple(part.origin for part in parts[1:]),
    )
    tables.found = [table for table in tables.found if all(table is not part for part in parts)]
    tables.found.append(whole)


def same_columns(table: Table, of: Table) -> str:
    """Words on what a table with the same columns as another one may be."""
    deeds = [{singular(word) for word in each.words} & DEED_WORDS for each in (table, of)]
    if all(deeds) and deeds[0] != deeds[1]:
        return (
            f"it has the same columns as {of.name}: a query with UNION ALL and a column for the kind of event can "
            "unite them, so that each has its weight"
        )
    return f"it has the same columns as {of.name}, so it may be a part or a copy of it"
