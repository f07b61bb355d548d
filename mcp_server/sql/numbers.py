"""Rows of numbers, written in bulk: several times as fast as statements with a parameter for each value."""

from collections.abc import Sequence
from itertools import chain

from sqlalchemy import Connection, Table

Number = int | float | bool | None

LITERALS = 35_000
"""Numbers in one statement of a server. With 24 characters each they stay below 1 MiB, which every server takes."""

PARAMETERS = 900
"""Parameters of one statement of SQLite, which takes 999 in every version."""


def insert_numbers(connection: Connection, table: Table, columns: Sequence[Sequence[Number]]) -> None:
    """Write rows into all columns of a table.

    Args:
        columns: Values of the columns, in the order of the table.
    """
    prepare = connection.dialect.identifier_preparer
    names = ", ".join(prepare.format_column(column) for column in table.columns)
    into = f"INSERT INTO {prepare.format_table(table)} ({names}) VALUES"
    if connection.dialect.name == "sqlite":
        _insert_parameters(connection, into, columns)
    else:
        _insert_literals(connection, into, columns)


def _insert_parameters(connection: Connection, into: str, columns: Sequence[Sequence[Number]]) -> None:
    row = f"({','.join('?' for _ in columns)})"
    values = tuple(chain.from_iterable(zip(*columns, strict=True)))
    width = PARAMETERS // len(columns) * len(columns)
    statements = [values[start : start + width] for start in range(0, len(values), width)]
    for same in (statements[:-1], statements[-1:]):  # the last one may be shorter
        if same:
            connection.exec_driver_sql(f"{into} {','.join([row] * (len(same[0]) // len(columns)))}", same)


def _insert_literals(connection: Connection, into: str, columns: Sequence[Sequence[Number]]) -> None:
    n_rows = LITERALS // len(columns)
    for start in range(0, len(columns[0]), n_rows):
        texts = [_as_texts(column[start : start + n_rows]) for column in columns]
        rows = "),(".join(map(",".join, zip(*texts, strict=True)))
        connection.exec_driver_sql(f"{into} ({rows})")


def _as_texts(values: Sequence[Number]) -> list[str]:
    if set(map(type, values)) == {int}:
        return list(map(repr, values))
    literals = {value: _literal(value) for value in set(values)}  # most occur often
    return [literals[value] for value in values]


def _literal(value: Number) -> str:
    text = "NULL" if value is None else repr(value)
    # Without an exponent MySQL reads a decimal number, not a double.
    return f"{text}e0" if isinstance(value, float) and "e" not in text else text
