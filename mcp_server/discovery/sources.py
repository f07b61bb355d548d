"""Sources for tables: the file itself where that is enough, else a query."""

from collections.abc import Mapping, Sequence

from mcp_server.discovery.proposal import SourceProposal
from mcp_server.discovery.tables import DatabaseOrigin, FileOrigin, Table
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import identifier


def whole_table(table: Table, columns: Sequence[str], why: str) -> SourceProposal:
    """A source of all rows of a table.

    Args:
        columns: Columns that are used; a file has all of its columns anyway.
    """
    if isinstance(table.origin, FileOrigin):
        return SourceProposal(dict(table.origin.declared), why)
    return query_source(table, {column: column for column in columns}, why)


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
    quote = origin.quote
    chosen = ", ".join(
        (quote(sql) if sql in table.columns else sql)
        if name == sql
        else f"{quote(sql) if sql in table.columns else sql} AS {quote(name)}"
        for name, sql in columns.items()
    )
    clauses = [f"SELECT {chosen} FROM {origin.sql}", joins, ending]
    query = " ".join(clause for clause in clauses if clause)
    if isinstance(origin, DatabaseOrigin):
        return SourceProposal({"from": origin.database, "query": query}, why)
    return SourceProposal({"query": query}, why)


def can_query(*tables: Table) -> bool:
    """True if one query can read all of these tables."""
    return all(table.origin.sql is not None for table in tables)


def conflicts(session: Session, table: Table, key: str) -> dict[str, float]:
    """For each other column, the share of the key's values with which it has several values."""
    others = [name for name in table.columns if name != key]
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


def most_frequent(table: Table, column: str) -> str:
    """SQL for the value of a column that a group of rows has most often, or for one of them."""
    function = "max" if isinstance(table.origin, DatabaseOrigin) else "mode"
    return f"{function}({table.origin.quote(column)})"
