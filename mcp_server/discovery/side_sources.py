"""Tables that know more of items: prices, links, tags. They are joined to the items as further sources."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mcp_server.discovery.field_kinds import (
    FieldProposal,
    LeftOut,
    propose_field,
)
from mcp_server.discovery.links import LEAST_CONTAINED, TIME_WORDS, Link, can_be_id, names_agree, overlap
from mcp_server.discovery.lookups import Lookup
from mcp_server.discovery.profiles import Profile
from mcp_server.discovery.proposal import SourceProposal
from mcp_server.discovery.questions import Choose
from mcp_server.discovery.roles import TITLE_WORDS, Roles
from mcp_server.discovery.side_fields import collected, named, renamed_field
from mcp_server.discovery.sources import can_join, query_source
from mcp_server.discovery.splits import same_columns
from mcp_server.discovery.tables import DatabaseOrigin, FileOrigin, Table
from mcp_server.discovery.words import USER_WORDS, field_name, has_word, noun_of
from mcp_server.reading.session import Session

DEEDS = "it says what users did, and interactions come from one table: a query with UNION ALL can unite them"


@dataclass(frozen=True)
class Side:
    """A further source of items."""

    source: SourceProposal
    fields: list[FieldProposal]
    left_out: list[LeftOut]


@dataclass(frozen=True)
class _Reference:
    """A table that refers to the items."""

    table: Table
    column: str
    """Column with the item's ID, or with another key of the items."""
    target: str
    """Column of the items that it refers to."""
    lookup: Link | None
    """Link to names for the codes of the table."""
    users: tuple[str, ...]
    """Columns with IDs of users."""

    @property
    def owner(self) -> Table:
        """The table that has the values."""
        return self.table if self.lookup is None else self.lookup.target

    @property
    def is_unique(self) -> bool:
        """True if there is one row for an item."""
        return self.table.columns[self.column].is_unique

    @property
    def profiles(self) -> list[Profile]:
        """Columns with values."""
        ids = {self.column, *self.users} if self.lookup is None else {self.lookup.key}
        return [profile for name, profile in self.owner.columns.items() if name not in ids]


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
        used_columns, used_names = set(columns), set(names)
        lookups = {link.target.name for lookup in known for link in lookup.links}
        for table in self._roles.others:
            if table.name in lookups:
                continue
            reference = self._refer(table)
            side = reference if isinstance(reference, LeftOut) else self._side(reference, used_columns, used_names)
            if isinstance(side, LeftOut):
                left_out.append(side)
                continue
            if isinstance(reference, _Reference) and reference.lookup is not None:
                lookups.add(reference.owner.name)
            found.append(side)
            used_names |= {field.name for field in side.fields}
            used_columns |= {str(field.declared.get("source", field.name)) for field in side.fields}
        return found, [each for each in left_out if each.name not in lookups]

    # How a table refers to the items

    def _refer(self, table: Table) -> _Reference | LeftOut:
        roles = self._roles
        if isinstance(table.origin, DatabaseOrigin) and table.origin.is_view:
            return LeftOut(table.name, "it is a view, and shows what other tables have")
        for of in (roles.items, roles.interactions):
            if set(table.columns) == set(of.columns):
                return LeftOut(table.name, same_columns(table, of))
        found = self._columns(table)
        if found is None:
            return LeftOut(table.name, "no column of it was found to refer to the items")
        users = _users_of(table)
        if users and not any(has_word(name, {"tag", "keyword"}) for name in table.columns):
            return LeftOut(table.name, DEEDS)
        column, target = found
        lookup = self._lookup(table, {column, *users})
        if lookup is not None and table.columns[column].is_unique and not _only_refers(table, {column, lookup.column}):
            lookup = None
        if lookup is not None and _users_of(lookup.target):
            return LeftOut(table.name, DEEDS)
        return _Reference(table, column, target, lookup, users)

    def _columns(self, table: Table) -> tuple[str, str] | None:
        """The column that refers to the items, and the column of the items that it refers to."""
        roles = self._roles
        links = [link for link in self._links if link.table is table and link.target is roles.items]
        if links:
            best = max(links, key=lambda link: (link.key == roles.item_key, link.names_agree, link.contained))
            return best.column, best.key
        for name, profile in table.columns.items():
            if can_be_id(profile) and names_agree(table, name, roles.interactions, roles.item):
                contained, covered = overlap(self._session, table, name, roles.interactions, roles.item)
                if max(contained, covered) > LEAST_CONTAINED:
                    return name, roles.item_key
        return None

    def _lookup(self, table: Table, ids: Collection[str]) -> Link | None:
        """A link of a table to names for its codes."""
        wanted = [
            link
            for link in self._links
            if link.table is table and link.names_agree and link.column not in ids
            and any(link.target is other for other in self._roles.others)
        ]  # fmt: skip
        return max(wanted, key=lambda link: link.contained, default=None)

    # Its fields

    def _side(self, reference: _Reference, columns: Collection[str], names: Collection[str]) -> Side | LeftOut:
        fields, left_out = self._fields(reference, names)
        if not fields:
            reasons = "; ".join(f"{each.name.rpartition(': ')[2]}: {each.why}" for each in left_out)
            why = f"no column of it can be a field ({reasons})" if reasons else "it has only IDs"
            return LeftOut(reference.table.name, why)
        source = self._direct(reference, columns)
        if source is not None:
            return Side(source, fields, left_out)
        fields = [field for field in fields if field.profile.name not in reference.owner.parts]
        if not can_join(*self._involved(reference)) or not fields:
            why = "it would have to be joined by a query, which reads only files in UTF-8 with a header line"
            return LeftOut(reference.table.name, why)
        kept = sorted({field.profile.name for field in fields})
        owner = noun_of(reference.owner.name) or "more"
        renamed: dict[str, str] = {}
        for name in kept:
            renamed[name] = _free_name(name, owner, {*columns, *renamed.values()})
        return Side(self._joined(reference, renamed), [renamed_field(field, renamed) for field in fields], left_out)

    def _fields(self, reference: _Reference, names: Collection[str]) -> tuple[list[FieldProposal], list[LeftOut]]:
        fields: list[FieldProposal] = []
        left_out: list[LeftOut] = []
        owner = reference.owner
        noun = noun_of(owner.name.rpartition("/")[2].split(".")[0]) or "more"
        for profile in reference.profiles:
            is_name_of_code = reference.lookup is not None and has_word(profile.name, TITLE_WORDS)
            taken = {*names, *(field.name for field in fields)}
            name = field_name(noun if is_name_of_code else profile.name, taken, noun)
            field = propose_field(profile, name, self._choose)
            if not reference.is_unique:
                field = collected(field)
            elif is_name_of_code and isinstance(field, FieldProposal):
                field = named(field)
            if isinstance(field, LeftOut):
                left_out.append(LeftOut(f"{owner.name}: {profile.name}", field.why))
            else:
                fields.append(field)
        return fields, left_out

    # Its source

    def _direct(self, reference: _Reference, columns: Collection[str]) -> SourceProposal | None:
        """The file itself as a source; None where a query is needed."""
        table, column, origin = reference.table, reference.column, reference.table.origin
        others = set(table.columns) - {column}
        is_named_alike = reference.target == self._roles.item_key and column == self._key
        if not is_named_alike or reference.lookup is not None or others & set(columns):
            return None
        known = self._known(reference)
        if not isinstance(origin, FileOrigin) or (
            known < 1.0 and can_join((table, column), (self._roles.items, self._roles.item_key))
        ):
            return None
        return SourceProposal(dict(origin.declared), f"{_rows(reference)}{_of_strangers(known)}")

    def _known(self, reference: _Reference) -> float:
        """The share of the IDs of a table that are IDs of items."""
        if self._roles.items is self._roles.interactions:
            return 1.0
        table, target = reference.table, reference.target
        return overlap(self._session, table, reference.column, self._roles.items, target)[0]

    def _restricts(self, reference: _Reference) -> bool:
        """True if a query has to join the items themselves, for their IDs or to leave other IDs out."""
        if self._roles.items is self._roles.interactions:
            return False
        is_key = reference.target == self._roles.item_key
        return not is_key or (self._known(reference) < 1.0 and can_join((self._roles.items, self._roles.item_key)))

    def _involved(self, reference: _Reference) -> list[tuple[Table, str]]:
        """The columns by which tables are joined."""
        found, lookup = [(reference.table, reference.column)], reference.lookup
        if lookup is not None:
            found += [(reference.table, lookup.column), (lookup.target, lookup.key)]
        if self._restricts(reference):
            found += [(self._roles.items, reference.target), (self._roles.items, self._roles.item_key)]
        return found

    def _joined(self, reference: _Reference, renamed: Mapping[str, str]) -> SourceProposal:
        """A source by a query.

        Args:
            renamed: Columns, and the names that the query gives them.
        """
        roles, quote, lookup = self._roles, reference.table.origin.quote, reference.lookup
        joins, key, alias = ["t"], f"t.{quote(reference.column)}", "t"
        if self._restricts(reference):
            joins.append(f"JOIN {roles.items.origin.sql} i ON i.{quote(reference.target)} = {key}")
            key = f"i.{quote(roles.item_key)}"
        if lookup is not None:
            joins.append(f"JOIN {lookup.target.origin.sql} n ON n.{quote(lookup.key)} = t.{quote(lookup.column)}")
            alias = "n"
        chosen = {self._key: key} | {new: f"{alias}.{quote(name)}" for name, new in renamed.items()}
        strangers = "" if self._restricts(reference) else _of_strangers(self._known(reference))
        why = f"{_rows(reference)}{strangers}"
        return query_source(reference.table, chosen, why, joins=" ".join(joins))


def _only_refers(table: Table, ids: Collection[str]) -> bool:
    """True if a table has nothing to say but its IDs, and when it was changed."""
    return all(name in ids or has_word(name, TIME_WORDS | {"created", "update", "updated"}) for name in table.columns)


def _free_name(name: str, owner: str, taken: Collection[str]) -> str:
    """A name for a column that no other source has: of several, a field would take the first value."""
    choices = itertools.chain([name, f"{owner}_{name}"], (f"{owner}_{name}_{number}" for number in itertools.count(2)))
    return next(choice for choice in choices if choice not in taken)


def _users_of(table: Table) -> tuple[str, ...]:
    """Columns with IDs of users."""
    return tuple(name for name, each in table.columns.items() if has_word(name, USER_WORDS) and can_be_id(each))


def _rows(reference: _Reference) -> str:
    return "one row for an item" if reference.is_unique else "several rows for an item"


def _of_strangers(known: float) -> str:
    """Words on the items that only a further source has."""
    if known == 1.0:
        return ""
    return f"; {1 - known:.0%} of its items are only here, have no title and are never recommended"
