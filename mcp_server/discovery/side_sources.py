"""Tables that know more of items: prices, links, tags. They are joined to the items as further sources."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mcp_server.discovery.field_kinds import (
    MOST_FILTER_NAMES,
    FieldProposal,
    LeftOut,
    is_long_text,
    propose_field,
)
from mcp_server.discovery.links import TIME_WORDS, Link, can_be_id, names_agree, overlap
from mcp_server.discovery.lookups import Lookup
from mcp_server.discovery.profiles import Profile
from mcp_server.discovery.proposal import SourceProposal
from mcp_server.discovery.questions import Choose
from mcp_server.discovery.roles import TITLE_WORDS, Roles
from mcp_server.discovery.sources import can_join, query_source
from mcp_server.discovery.tables import FileOrigin, Table
from mcp_server.discovery.words import USER_WORDS, field_name, has_word, noun_of
from mcp_server.reading.kinds import is_time
from mcp_server.reading.session import Session


@dataclass(frozen=True)
class Side:
    """A further source of items."""

    source: SourceProposal
    fields: list[FieldProposal]
    left_out: list[LeftOut]


class SideSources:
    """Finds the further sources of items.

    Args:
        key: Column of the first source with the item's ID; all sources call it so.
    """

    def __init__(self, roles: Roles, links: Sequence[Link], session: Session, choose: Choose, key: str) -> None:
        self._roles, self._links, self._session, self._choose, self._key = roles, links, session, choose, key

    def find(
        self, columns: Collection[str], names: Collection[str], known: Sequence[Lookup]
    ) -> tuple[list[Side], list[LeftOut]]:
        """The further sources, and the tables that are none, with reasons.

        Args:
            columns: Columns that the items already have.
            names: Names of fields that they already have.
            known: Tables of names that are joined already.
        """
        found: list[Side] = []
        left_out: list[LeftOut] = []
        used_columns, used_names, lookups = set(columns), set(names), set[str]()
        lookups |= {link.target.name for lookup in known for link in lookup.links}
        for table in self._roles.others:
            if table.name in lookups:
                continue
            side = self._side(table, used_columns, used_names, lookups)
            if isinstance(side, LeftOut):
                left_out.append(side)
                continue
            found.append(side)
            used_names |= {field.name for field in side.fields}
            used_columns |= {str(field.declared.get("source", field.name)) for field in side.fields}
        return found, [each for each in left_out if each.name not in lookups]

    def _side(self, table: Table, columns: set[str], names: set[str], lookups: set[str]) -> Side | LeftOut:
        roles = self._roles
        if set(table.columns) == set(roles.items.columns) or set(table.columns) == set(roles.interactions.columns):
            of = roles.items if set(table.columns) == set(roles.items.columns) else roles.interactions
            return LeftOut(table.name, f"it has the same columns as {of.name}, so it may be a part or a copy of it")
        reference = self._reference(table)
        if reference is None:
            return LeftOut(table.name, "no column of it was found to refer to the items or the users")
        column, target = reference
        by_user = [name for name, each in table.columns.items() if has_word(name, USER_WORDS) and can_be_id(each)]
        if by_user and not any(has_word(name, {"tag", "keyword"}) for name in table.columns):
            return LeftOut(table.name, "it says what users did, and interactions come from one table only: a query "
                           "with UNION ALL can unite them")  # fmt: skip
        lookup = None if table.columns[column].is_unique else self._lookup(table, column, by_user)
        if lookup is not None:
            lookups.add(lookup.target.name)
        return self._source(table, column, target, lookup, (columns, names, by_user))

    def _reference(self, table: Table) -> tuple[str, str] | None:
        """The column that refers to the items, and the column of the items that it refers to."""
        roles = self._roles
        links = [link for link in self._links if link.table is table and link.target is roles.items]
        if links:
            best = max(links, key=lambda link: (link.key == roles.item_key, link.names_agree, link.contained))
            return best.column, best.key
        for name, profile in table.columns.items():
            if can_be_id(profile) and names_agree(table, name, roles.interactions, roles.item):
                contained, covered = overlap(self._session, table, name, roles.interactions, roles.item)
                if max(contained, covered) > 0.3:
                    return name, roles.item_key
        return None

    def _lookup(self, table: Table, column: str, by_user: Sequence[str]) -> Link | None:
        """A link of a table to names for its codes."""
        wanted = [
            link
            for link in self._links
            if link.table is table and link.column != column and link.column not in by_user and link.names_agree
            and any(link.target is other for other in self._roles.others)
        ]  # fmt: skip
        return max(wanted, key=lambda link: link.contained, default=None)

    def _source(
        self, table: Table, column: str, target: str, lookup: Link | None, used: tuple[set[str], set[str], list[str]]
    ) -> Side | LeftOut:
        columns, names, by_user = used
        is_unique, roles = table.columns[column].is_unique, self._roles
        candidates = [
            (table, each)
            for name, each in table.columns.items()
            if name != column and name not in by_user and (lookup is None or name != lookup.column)
        ]
        if lookup is not None:
            candidates = [(lookup.target, each) for name, each in lookup.target.columns.items() if name != lookup.key]
        fields: list[FieldProposal] = []
        left_out: list[LeftOut] = []
        taken = set(names)
        for owner, profile in candidates:
            noun = noun_of(owner.name.rpartition("/")[2].split(".")[0]) or "more"
            is_name_of_code = owner is not table and has_word(profile.name, TITLE_WORDS)
            name = field_name(noun if is_name_of_code else profile.name, taken, noun)
            field = self._field(profile, name, is_unique)
            if isinstance(field, LeftOut):
                left_out.append(LeftOut(f"{owner.name}: {profile.name}", field.why))
            else:
                fields.append(field)
                taken.add(name)
        if not fields:
            reasons = "; ".join(f"{each.name.rpartition(': ')[2]}: {each.why}" for each in left_out)
            return LeftOut(table.name, f"no column of it can be a field ({reasons})" if reasons else "it has only IDs")
        kept = {field.profile.name for field in fields}
        is_direct = target == roles.item_key and column == self._key and lookup is None
        if is_direct and not (set(table.columns) - {column}) & columns and isinstance(table.origin, FileOrigin):
            known, _ = overlap(self._session, table, column, roles.items, target)
            if known == 1.0 or not can_join(table, roles.items):
                return Side(SourceProposal(dict(table.origin.declared), self._rows(is_unique, known)), fields, left_out)
        involved = [table]
        involved += [lookup.target] if lookup is not None else []
        involved += [roles.items] if roles.items is not roles.interactions else []
        if not can_join(*involved):
            why = "it would have to be joined by a query, which reads only files in UTF-8 with a header line"
            return LeftOut(table.name, why)
        return self._joined(table, column, target, lookup, kept, columns, fields, left_out)

    def _rows(self, is_unique: bool, known: float) -> str:
        rows = f"{'one row' if is_unique else 'several rows'} for an item"
        if known == 1.0:
            return rows
        return f"{rows}; {1 - known:.0%} of its items are only here, have no title and are never recommended"

    def _field(self, profile: Profile, name: str, is_unique: bool) -> FieldProposal | LeftOut:
        found = propose_field(profile, name, self._choose)
        if is_unique or isinstance(found, LeftOut):
            return found
        if is_time(profile.type) or found.kind == "date" or has_word(profile.name, TIME_WORDS):
            return LeftOut(profile.name, "each item has several times")
        if found.kind in ("number", "boolean"):
            return LeftOut(profile.name, "each item has several values: a query with GROUP BY can choose one")
        if is_long_text(profile) or profile.mean_words > 6:
            return LeftOut(profile.name, "each item has several texts")
        declared = {key: value for key, value in found.declared.items() if key not in ("kind", "html")}
        declared |= {"kind": "category", "many": True}
        if profile.n_distinct <= MOST_FILTER_NAMES:
            declared["filter"] = True
        order = ("name", "kind", "many")
        declared = {key: declared[key] for key in order} | {k: v for k, v in declared.items() if k not in order}
        return FieldProposal(declared, f"several for an item, such as {', '.join(profile.examples)}", profile)

    def _joined(
        self,
        table: Table,
        column: str,
        target: str,
        lookup: Link | None,
        kept: set[str],
        columns: set[str],
        fields: list[FieldProposal],
        left_out: list[LeftOut],
    ) -> Side:
        """A source by a query; columns whose names are taken get others."""
        roles, quote = self._roles, table.origin.quote
        owner = lookup.target if lookup else table
        renamed = {name: name if name not in columns else f"{noun_of(owner.name) or 'more'}_{name}" for name in kept}
        joins = []
        key = f"t.{quote(column)}"
        if target != roles.item_key or roles.items is not roles.interactions:
            joins.append(f"JOIN {roles.items.origin.sql} i ON i.{quote(target)} = t.{quote(column)}")
            key = f"i.{quote(roles.item_key)}"
        alias = "t"
        if lookup is not None:
            joins.append(f"JOIN {owner.origin.sql} n ON n.{quote(lookup.key)} = t.{quote(lookup.column)}")
            alias = "n"
        chosen = {self._key: key} | {renamed[name]: f"{alias}.{quote(name)}" for name in sorted(kept)}
        why = "several rows for an item" if not table.columns[column].is_unique else "one row for an item"
        source = query_source(table, chosen, why, joins=" ".join(["t", *joins]))
        return Side(source, [_renamed(field, renamed) for field in fields], left_out)


def _renamed(field: FieldProposal, renamed: dict[str, str]) -> FieldProposal:
    """A field of a column that the query has given another name."""
    old = field.profile.name
    new, source = renamed[old], field.declared.get("source", old)
    if new == old:
        return field
    return field.changed(source=str(source).replace(old, new))
