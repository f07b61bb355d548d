"""Orders and their lines: who bought is in one table, what was bought in another. They are joined to one table."""

from collections.abc import Sequence

from mcp_server.discovery.links import Link, can_be_id
from mcp_server.discovery.profiles import profile_columns
from mcp_server.discovery.roles import looks_like_people
from mcp_server.discovery.sources import can_join
from mcp_server.discovery.tables import JoinedOrigin, Table, Tables
from mcp_server.discovery.words import USER_WORDS, has_word
from mcp_server.reading.sql_text import identifier


def join_orders(tables: Tables, links: Sequence[Link]) -> bool:
    """Add a table for each table of lines that is joined to its orders; True if there are any."""
    pairs = [(link, table) for table in tables.found for link in links if _is_line_of(table, link, links)]
    for link, _ in pairs:
        _join(tables, link)
    return bool(pairs)


def _is_line_of(table: Table, link: Link, links: Sequence[Link]) -> bool:
    """True for a link of lines, which name no user, to orders, which do."""
    orders = link.target
    return (
        link.table is table
        and link.names_agree
        and not _users_of(table)
        and bool(_users_of(orders))
        and not looks_like_people(orders)
        and can_join(table, orders)
        and any(other.table is table and other.target is not orders and other.names_agree for other in links)
    )


def _users_of(table: Table) -> list[str]:
    return [name for name, profile in table.columns.items() if has_word(name, USER_WORDS) and can_be_id(profile)]


def _join(tables: Tables, link: Link) -> None:
    lines, orders, session = link.table, link.target, tables.session
    added = [name for name in orders.columns if name not in lines.columns]
    quote = lines.origin.quote
    columns = {name: f"l.{quote(name)}" for name in lines.columns} | {name: f"o.{quote(name)}" for name in added}
    joined = f"l JOIN {orders.origin.sql} o ON o.{quote(link.key)} = l.{quote(link.column)}"
    relation = f"table_{len(tables.found)}_joined"
    chosen = [*(f"l.{identifier(name)}" for name in lines.columns), *(f"o.{identifier(name)}" for name in added)]
    name = f"{lines.name} with {orders.name}"
    session.run(
        f"CREATE TABLE {relation} AS SELECT {', '.join(chosen)} FROM {lines.relation} l "
        f"JOIN {orders.relation} o ON o.{identifier(link.key)} = l.{identifier(link.column)}",
        name,
    )
    types = {each: profile.type for each, profile in lines.columns.items()}
    types |= {each: orders.columns[each].type for each in added}
    [n_rows] = session.row(f"SELECT count(*) FROM {relation}", name)
    if not n_rows:
        return
    profiles = profile_columns(session, relation, types, name, n_rows)
    origin = JoinedOrigin(lines.origin.database, f"{lines.origin.sql} {joined}", quote, columns,
                          (lines.name, orders.name))  # fmt: skip
    tables.found.append(Table(name, relation, profiles, max(n_rows, lines.n_rows), origin))
