"""Tables with several deeds in a row: a basket, a history, a column for each item. They get a row for each deed."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mcp_server.discovery.profiles import SEPARATORS, Profile, profile_columns
from mcp_server.discovery.sources import can_query
from mcp_server.discovery.sql_names import plain_name
from mcp_server.discovery.tables import FileOrigin, JoinedOrigin, Table, Tables
from mcp_server.discovery.words import USER_WORDS, has_word
from mcp_server.errors import MOST_CHARACTERS, quoted
from mcp_server.reading.feedback import MOST_RATING
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import identifier, text_literal
from recsys_shared.plain_text import cut

LEAST_SHARE = 0.5
"""Share of values with several parts, from which on a column holds lists."""

LEAST_COLUMNS = 8
"""Columns of the same scale from which on they are items."""

MOST_KEYS = 20

_WITH_DIGIT = re.compile(r"\S*\d\S*")


@dataclass(frozen=True)
class _Unfolded:
    """A SELECT with a row for each deed."""

    select: Callable[[str], str]
    """Makes it of the table that it reads."""
    columns: tuple[str, ...]
    replaces: bool = False
    """True if the table itself says nothing more."""


def unfold(tables: Tables) -> bool:
    """Add a table for each column of lists, and for each table with a column for each item; True if there are any."""
    found = [
        (table, unfolded)
        for table in tables.found
        if isinstance(table.origin, FileOrigin) and can_query(table)
        for unfolded in _ways(table, tables.session)
    ]
    for place, (table, unfolded) in enumerate(found):
        _add(tables, table, unfolded, f"{table.relation}_unfolded_{place}")
        if unfolded.replaces:
            tables.found.remove(table)
    return bool(found)


def hint(tables: Tables) -> str:
    """Words on what keeps a table from being read as deeds, for the message that there are none; often empty."""
    for table in tables.found:
        for column in table.columns.values():
            if _mark(column) is not None or column.share_lists > LEAST_SHARE:
                return (
                    f". The column {column.name} of {table.name} holds several values in one, such as "
                    f"{quoted(cut(column.examples[0], MOST_CHARACTERS))}: write a file with a header line and a row "
                    "for each user and item"
                )
        n_numbers = sum(column.share_numbers == 1.0 for column in table.columns.values())
        if n_numbers > LEAST_COLUMNS and n_numbers > 0.9 * len(table.columns):
            return (
                f". {table.name} has {n_numbers} columns of numbers: if each of them is an item, give it a header line "
                "with the names of the items, and a first column with the name user"
            )
    return ""


def _add(tables: Tables, table: Table, unfolded: _Unfolded, relation: str) -> None:
    session, name = tables.session, f"{table.name} by its rows"
    session.run(
        f"CREATE TABLE {relation} AS SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({unfolded.select(table.relation)})", name
    )
    [n_rows] = session.row(f"SELECT count(*) FROM {relation}", name)
    if n_rows:
        profiles = profile_columns(session, relation, dict.fromkeys(unfolded.columns, "VARCHAR"), name, n_rows)
        columns = {column: plain_name(column) for column in unfolded.columns}
        sql = f"({unfolded.select(str(table.origin.sql))})"
        tables.found.append(
            Table(table.name, relation, profiles, n_rows, JoinedOrigin(None, sql, plain_name, columns, (table.name,)))
        )


def _ways(table: Table, session: Session) -> Iterator[_Unfolded]:
    keys = [name for name in table.columns if has_word(name, USER_WORDS)]
    if not keys:
        return
    for column in table.columns.values():
        if column.name not in keys:
            yield from _lists(table, column, session)
    matrix = _matrix(table, keys[0])
    if matrix is not None:
        yield matrix


# Lists


def _lists(table: Table, column: Profile, session: Session) -> Iterator[_Unfolded]:
    others = [name for name in table.columns if name != column.name]
    kept = ", ".join(f"t.{plain_name(name)}" for name in others)
    listed = f"t.{plain_name(column.name)}"
    if column.share_lists > LEAST_SHARE:
        parts = _parts_of_objects(table, column, session)
        each = f"t, json_each({listed}) AS each_one"
        if parts:
            chosen = ", ".join(
                f"json_extract_string(each_one.value, {text_literal(f'$.{key}')}) AS {plain_name(name)}"
                for key, name in parts.items()
            )
            yield _Unfolded(lambda source: f"SELECT {kept}, {chosen} FROM {source} {each}", (*others, *parts.values()))
        elif _is_json(table, column, session):
            value = f"json_extract_string(each_one.value, '$') AS {plain_name(column.name)}"
            yield _Unfolded(lambda source: f"SELECT {kept}, {value} FROM {source} {each}", (*others, column.name))
        return
    mark = _mark(column)
    if mark is not None:
        split = f"trim(unnest(string_split(CAST({listed} AS VARCHAR), {text_literal(mark)})))"
        select = f"SELECT {kept}, {split} AS {plain_name(column.name)}"
        yield _Unfolded(lambda source: f"{select} FROM {source} t", (*others, column.name))


def _mark(column: Profile) -> str | None:
    """The mark between the parts of most values; a blank only between parts with digits."""
    mark = next((mark for mark in SEPARATORS if column.separated.get(mark, 0.0) > LEAST_SHARE), None)
    if mark is not None:
        return mark.strip()
    values = [value.split() for value, _ in column.common]
    are_codes = all(_WITH_DIGIT.fullmatch(part) for parts in values for part in parts)
    return " " if are_codes and sum(len(parts) > 1 for parts in values) > LEAST_SHARE * len(values) else None


def _is_json(table: Table, column: Profile, session: Session) -> bool:
    name = identifier(column.name)
    [n_known, n_valid] = session.row(
        f"SELECT count({name}), count(*) FILTER (json_valid({name})) FROM {table.relation}", table.name
    )
    return bool(n_known == n_valid)


def _parts_of_objects(table: Table, column: Profile, session: Session) -> dict[str, str]:
    """The keys of the objects in a column of lists, and names for them that no other column has."""
    name = identifier(column.name)
    if not _is_json(table, column, session):
        return {}
    objects = f"(SELECT e.value AS v FROM {table.relation} t, json_each(t.{name}) AS e LIMIT 2000)"
    rows = session.rows(
        f"SELECT DISTINCT unnest(json_keys(v)) AS key FROM {objects} WHERE json_type(v) = 'OBJECT' ORDER BY key",
        table.name,
    )
    keys = [key for (key,) in rows if key.isidentifier()][:MOST_KEYS]
    return {key: key if key not in table.columns else f"{column.name}_{key}" for key in keys}


# A column for each item


def _matrix(table: Table, key: str) -> _Unfolded | None:
    """A table with a row for each user and a column for each item, all with numbers of the same scale."""
    others = [column for name, column in table.columns.items() if name != key]
    if len(others) < LEAST_COLUMNS or not table.columns[key].is_unique:
        return None
    greatest = max((column.greatest or 0.0 for column in others), default=0.0)
    same = [column for column in others if column.greatest == greatest and column.share_numbers == 1.0]
    if not 0 < greatest <= MOST_RATING or len(same) < LEAST_SHARE * len(others):
        return None
    user = plain_name(key)
    return _Unfolded(
        lambda source: f"SELECT {user}, item, rating FROM {source} UNPIVOT "
                       f"(rating FOR item IN (COLUMNS(* EXCLUDE ({user}))))",
        (key, "item", "rating"),
        replaces=True,
    )  # fmt: skip
