"""Names for codes of the items: a genre for a genre ID, an artist for an album ID."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_server.discovery.field_kinds import MOST_FILTER_NAMES, FieldProposal
from mcp_server.discovery.links import Link
from mcp_server.discovery.profiles import Profile
from mcp_server.discovery.proposal import SourceProposal
from mcp_server.discovery.roles import TITLE_WORDS, Roles, looks_like_people
from mcp_server.discovery.sources import can_join, query_source
from mcp_server.discovery.tables import Table
from mcp_server.discovery.words import field_name, has_word, noun_of, singular, words_of


@dataclass(frozen=True)
class Lookup:
    """A way from the items to a table of names."""

    links: tuple[Link, ...]
    """One link, or two, one after the other."""
    names: Profile

    @property
    def target(self) -> Table:
        return self.links[-1].target


def find_lookups(roles: Roles, links: Sequence[Link]) -> list[Lookup]:
    """All ways from the items to names for their codes."""
    if roles.items is roles.interactions or not can_join((roles.items, roles.item_key)):
        return []
    found: list[Lookup] = []
    for first in _links_of(roles.items, roles, links):
        found += _lookup((first,))
        for second in _links_of(first.target, roles, links):
            if second.target is not roles.items and second.target is not first.target:
                found += _lookup((first, second))
    return found


def _links_of(table: Table, roles: Roles, links: Sequence[Link]) -> list[Link]:
    """For each column of a table the best link to a table of names."""
    best: dict[str, Link] = {}
    for link in links:
        is_code = not link.table.columns[link.column].is_unique
        is_named = link.names_agree and any(link.target is each for each in roles.others)
        is_better = link.column not in best or link.contained > best[link.column].contained
        if link.table is table and is_code and is_named and is_better:
            best[link.column] = link
    return list(best.values())


def _lookup(links: tuple[Link, ...]) -> list[Lookup]:
    target = links[-1].target
    names = [
        each
        for name, each in target.columns.items()
        if (has_word(name, TITLE_WORDS) or words_of(name) == (noun_of(links[-1].key),))
        and each.share_numbers < 0.5
        and name not in target.parts
    ]
    columns = [each for link in links for each in ((link.table, link.column), (link.target, link.key))]
    if not names or looks_like_people(target) or not can_join(*columns):
        return []
    return [Lookup(links, names[0])]


def lookup_source(
    roles: Roles, lookups: Sequence[Lookup], taken: Collection[str]
) -> tuple[SourceProposal, list[FieldProposal]]:
    """The source that joins names to the items, and their fields.

    Args:
        lookups: At least one.
        taken: Names that fields already have.
    """
    quote = roles.items.origin.quote
    aliases: dict[tuple[int, ...], str] = {}
    joins = ["i"]
    chosen = {roles.item_key: f"i.{quote(roles.item_key)}"}
    fields: list[FieldProposal] = []
    names = set(taken)
    for lookup in lookups:
        alias = "i"
        for depth, link in enumerate(lookup.links):
            path = tuple(map(id, lookup.links[: depth + 1]))
            if path not in aliases:
                aliases[path] = f"n{len(aliases) + 1}"
                on = f"{aliases[path]}.{quote(link.key)} = {alias}.{quote(link.column)}"
                joins.append(f"LEFT JOIN {link.target.origin.sql} {aliases[path]} ON {on}")
            alias = aliases[path]
        name = field_name("_".join(map(singular, lookup.target.words)) or lookup.names.name, names, "more")
        names.add(name)
        chosen[name] = f"{alias}.{quote(lookup.names.name)}"
        declared: dict[str, Any] = {"name": name, "kind": "category"}
        if 2 <= lookup.names.n_distinct <= MOST_FILTER_NAMES:
            declared["filter"] = True
        why = f"names of {lookup.target.name} for {lookup.links[0].column}, such as {', '.join(lookup.names.examples)}"
        fields.append(FieldProposal(declared, why, lookup.names))
    tables = ", ".join(dict.fromkeys(lookup.target.name for lookup in lookups))
    return query_source(roles.items, chosen, f"names of {tables} for codes of the items", joins=" ".join(joins)), fields
