"""Sources for tables: the file itself where that is enough, else a query."""

from collections.abc import Mapping, Sequence

from mcp_server.discovery.proposal import SourceProposal
from mcp_server.discovery.tables import FileOrigin, JoinedOrigin, Table
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import identifier

LARGEST_CONFLICT = 0.05
"""Share of a key's values with several values in a column, up to which the column still says something of the key."""

LEAST_REPEATED = 10
"""Values of a key that come again, by which it is told which columns say something of it."""


def whole_table(table: Table, columns: Sequence[str], why: str) -> SourceProposal:
    """A source of all rows of a table.

    Args:
        columns: Columns that are used; a file has all of its columns anyway.
    """
    if isinstance(table.origin, FileOrigin):
        return SourceProposal(dict(table.origin.declared), why)
    whole = dict.fromkeys(column.split(".")[0] if column in table.parts else column for column in columns)
    return query_source(table, {column: table.origin.column(column) for column in whole}, why)


def further_sources(table: Table) -> list[SourceProposal]:
    """Sources of the rows that a table has from further files."""
    return [
        SourceProposal(dict(origin.declared), "further rows of the same table")
        for origin in table.more
        if isinstance(origin, FileOrigin)
    ]


def query_source(
    table: Table, columns: Mapping[str, str], why: str, *, joins: str = "", ending: str = ""
) -> SourceProposal:
    """A source that is a query of a table.

    Args:
        columns: SQL or names of columns, by the names that they get.
        joins: JOIN clauses after the table.
        ending: What follows, such as GROUP BY.
    """
    origin = table.origin
    chosen = ", ".join(_entry(table, name, sql) for name, sql in columns.items())
    clauses = [f"SELECT {chosen} FROM {origin.sql}", joins, ending]
    query = " ".join(clause for clause in clauses if clause)
    place = {} if origin.database is None else {"from": origin.database}
    return SourceProposal({**place, "query": query}, why)


def _entry(table: Table, name: str, sql: str) -> str:
    """An entry of a SELECT."""
    found = table.origin.column(sql) if sql in table.columns else sql
    return found if found in (name, table.origin.quote(name)) else f"{found} AS {table.origin.quote(name)}"


def can_query(table: Table, *columns: str) -> bool:
    """True if a query can read these columns of a table."""
    return table.origin.sql is not None and not table.more and table.parts.isdisjoint(columns)


def can_join(*columns: tuple[Table, str]) -> bool:
    """True if a query can join tables by these columns of them."""
    return all(can_query(table, column) and not isinstance(table.origin, JoinedOrigin) for table, column in columns)


def conflicts(session: Session, table: Table, key: str, columns: Sequence[str] | None = None) -> dict[str, float]:
    """For columns, the share of the key's values with which each has several values.

    Args:
        columns: By default all but the key.
    """
    others = [name for name in table.columns if name != key] if columns is None else columns
    if not others:
        return {}
    counts = ", ".join(f"count(DISTINCT {identifier(name)}) > 1 AS c{place}" for place, name in enumerate(others))
    shares = ", ".join(f"avg(CAST(c{place} AS INTEGER))" for place in range(len(others)))
    found = session.row(
        f"SELECT {shares} FROM (SELECT {counts} FROM {table.relation} "
        f"WHERE {identifier(key)} IS NOT NULL GROUP BY {identifier(key)})",
        table.name,
    )
    return {name: float(share or 0) for name, share in zip(others, found, strict=True)}


def steady_columns(session: Session, table: Table, key: str, columns: Sequence[str] | None = None) -> set[str]:
    """Columns that say something of the key, and not of a row: they have one value for each of its values, though these
    come again and again.

    Args:
        columns: Columns that are asked for; by default all but the key.
    """
    [n_repeated] = session.row(
        f"SELECT count(*) FROM (SELECT 1 FROM {table.relation} WHERE {identifier(key)} IS NOT NULL "
        f"GROUP BY {identifier(key)} HAVING count(*) > 1)",
        table.name,
    )
    if n_repeated < LEAST_REPEATED:
        return set()
    found = conflicts(session, table, key, columns)
    return {
        name for name, share in found.items() if share <= LARGEST_CONFLICT / 5 and table.columns[name].n_distinct > 1
    }


def most_frequent(table: Table, column: str) -> str:
    """SQL for the value of a column that a group of rows has most often, or for one of them."""
    function = "mode" if table.origin.database is None else "max"
    return f"{function}({table.origin.column(column)})"
