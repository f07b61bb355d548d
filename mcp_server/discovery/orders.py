"""Orders with their lines, and loans with their copies: who is in one table, what in another. Both become one table."""

from collections.abc import Sequence

from mcp_server.discovery.links import Link, can_be_id
from mcp_server.discovery.profiles import profile_columns
from mcp_server.discovery.roles import has_title, looks_like_people
from mcp_server.discovery.sources import can_join
from mcp_server.discovery.tables import JoinedOrigin, Table, Tables
from mcp_server.discovery.words import ITEM_WORDS, USER_WORDS, has_word, noun_of
from mcp_server.reading.sql_text import identifier


def join_orders(tables: Tables, links: Sequence[Link]) -> bool:
    """Add a table for each table of lines that is joined to its orders; True if there are any."""
    pairs = [link for link in links if _refers(link) and (_is_line_of(link, links) or _is_of_copies(link, links))]
    for link in pairs:
        _join(tables, link)
    return bool(pairs)


def _refers(link: Link) -> bool:
    """False for a table's own numbers, which are those of another table by chance."""
    is_own = link.table.columns[link.column].is_unique and noun_of(link.column) is None
    return link.names_agree and not is_own


def _is_line_of(link: Link, links: Sequence[Link]) -> bool:
    """True for a link of lines, which name no user, to orders, which do."""
    table, orders = link.table, link.target
    return (
        not _users_of(table)
        and bool(_users_of(orders))
        and not looks_like_people(orders)
        and can_join((table, link.column), (orders, link.key))
        and any(other.table is table and other.target is not orders and other.names_agree for other in links)
    )


def _is_of_copies(link: Link, links: Sequence[Link]) -> bool:
    """True for a link of loans, which name a user, to copies, which have no title themselves but refer to one."""
    loans, copies = link.table, link.target
    return (
        bool(_users_of(loans))
        and not _users_of(copies)
        and not has_title(copies)
        and not looks_like_people(copies)
        and can_join((loans, link.column), (copies, link.key))
        and any(
            other.table is copies
            and other.names_agree
            and has_title(other.target)
            and not copies.columns[other.column].is_unique
            and has_word(other.column, ITEM_WORDS)
            for other in links
        )
    )


def _users_of(table: Table) -> list[str]:
    return [name for name, profile in table.columns.items() if has_word(name, USER_WORDS) and can_be_id(profile)]


def _join(tables: Tables, link: Link) -> None:
    lines, orders, session = link.table, link.target, tables.session
    own = [name for name in lines.columns if name not in lines.parts]
    added = [name for name in orders.columns if name not in lines.columns and name not in orders.parts]
    quote = lines.origin.quote
    columns = {name: f"l.{quote(name)}" for name in own} | {name: f"o.{quote(name)}" for name in added}
    joined = f"l JOIN {orders.origin.sql} o ON o.{quote(link.key)} = l.{quote(link.column)}"
    relation = f"table_{len(tables.found)}_joined"
    chosen = [*(f"l.{identifier(name)}" for name in own), *(f"o.{identifier(name)}" for name in added)]
    name = f"{lines.name} with {orders.name}"
    session.run(
        f"CREATE TABLE {relation} AS SELECT {', '.join(chosen)} FROM {lines.relation} l "
        f"JOIN {orders.relation} o ON o.{identifier(link.key)} = l.{identifier(link.column)}",
        name,
    )
    types = {each: lines.columns[each].type for each in own}
    types |= {each: orders.columns[each].type for each in added}
    [n_rows] = session.row(f"SELECT count(*) FROM {relation}", name)
    if not n_rows:
        return
    profiles = profile_columns(session, relation, types, name, n_rows)
    origin = JoinedOrigin(lines.origin.database, f"{lines.origin.sql} {joined}", quote, columns,
                          (lines.name, orders.name))  # fmt: skip
    tables.found.append(Table(name, relation, profiles, max(n_rows, lines.n_rows), origin))
