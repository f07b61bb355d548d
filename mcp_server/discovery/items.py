"""The items: their sources, fields, title and availability, proposed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mcp_server.discovery.field_kinds import FieldProposal, LeftOut, propose_field
from mcp_server.discovery.links import Link
from mcp_server.discovery.lookups import find_lookups, lookup_source
from mcp_server.discovery.pictures import find_image
from mcp_server.discovery.profiles import Profile
from mcp_server.discovery.proposal import ItemsProposal, SourceProposal
from mcp_server.discovery.questions import Choose, says_yes
from mcp_server.discovery.roles import TITLE_WORDS, Roles, says_of_deed
from mcp_server.discovery.side_sources import SideSources
from mcp_server.discovery.sources import (
    LARGEST_CONFLICT,
    can_query,
    conflicts,
    further_sources,
    most_frequent,
    query_source,
    steady_columns,
    whole_table,
)
from mcp_server.discovery.sql_names import plain_name
from mcp_server.discovery.titles import YEAR_IN_TITLE, choose_title, has_year
from mcp_server.discovery.words import ID_WORDS, field_name, has_word, is_nameless, words_of
from mcp_server.errors import quoted
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import text_literal

MOST_FILTERS = 20
"""Fields that are filtered by default."""

STOCK_WORDS = frozenset({"instock", "inventory", "stock"})

AVAILABLE_WORDS = frozenset({"active", "available", "availability", "enabled", "published"})

GONE_WORDS = frozenset({"archived", "deleted", "discontinued", "removed", "retired", "soldout"})

AVAILABLE_NAMES = frozenset({"active", "available", "enabled", "for sale", "in stock", "in_stock", "instock",
                             "on sale", "published"})  # fmt: skip


@dataclass
class _Parts:
    """Fields and sources while they are collected."""

    fields: list[FieldProposal]
    sources: list[SourceProposal]
    left_out: list[LeftOut]

    @property
    def names(self) -> set[str]:
        return {field.name for field in self.fields}


class ItemsFinder:
    """Proposes the items."""

    def __init__(self, roles: Roles, links: Sequence[Link], session: Session, choose: Choose, noun: str) -> None:
        self._roles, self._links, self._session, self._choose, self._noun = roles, links, session, choose, noun

    def propose(self) -> tuple[ItemsProposal, list[LeftOut]]:
        """The items, and the tables that are not used."""
        table, key = self._roles.items, self._roles.item_key
        single, several = self._columns()
        title = choose_title(single, table.name, self._noun, self._choose)
        parts = _Parts([], [self._main_source(single, several), *further_sources(table)], [])
        titled = self._title(title)
        parts.fields.append(titled)
        if title is not None and has_year(title) and not any("year" in words_of(each.name) for each in single):
            parts.fields.append(_year(title))
        lookups = find_lookups(self._roles, self._links)
        for profile in [*single, *several]:
            if profile is not title and profile.name not in {each.links[0].column for each in lookups}:
                self._add(parts, profile, is_single=profile in single)
        if lookups:
            source, named = lookup_source(self._roles, lookups, parts.names)
            parts.sources.append(source)
            parts.fields += named
        sides = SideSources(self._roles, self._links, self._session, self._choose, key)
        found, unused = sides.find([each for each in table.columns if each != key], parts.names, lookups)
        for side in found:
            parts.sources.append(side.source)
            parts.fields += side.fields
            parts.left_out += side.left_out
        available, why, used = self._available(parts.fields)
        parts.fields = _few_filters(parts.fields, {titled.name, *used})
        id_type, id_why = id_type_of(table.columns[key], self._roles.interactions.columns[self._roles.item])
        image = find_image(parts.fields)
        proposal = ItemsProposal(
            key, id_type, id_why, titled.name, image, parts.sources, parts.fields, available, why, parts.left_out
        )
        return proposal, unused

    def _columns(self) -> tuple[list[Profile], list[Profile]]:
        """Columns with one value for an item, and those with several."""
        roles, table, key = self._roles, self._roles.items, self._roles.item_key
        others = [profile for name, profile in table.columns.items() if name != key]
        if table is not roles.interactions and table.columns[key].n_distinct == table.columns[key].n_known:
            return others, []
        found = conflicts(self._session, table, key)
        used = set()
        if table is roles.interactions:
            steady = steady_columns(self._session, table, key)
            used = {roles.user, *(each.name for each in others if says_of_deed(each) and each.name not in steady)}
        single = [each for each in others if found[each.name] <= LARGEST_CONFLICT and each.name not in used]
        if table is roles.interactions:
            taken = [each for each in others if each not in single and each.name not in used]
            return single + [each for each in taken if _may_be_title(each) and found[each.name] < 0.5], []
        several = [each for each in others if found[each.name] > 0 and (each not in single or _may_be_many(each))]
        return [each for each in others if each not in several], several

    def _main_source(self, single: Sequence[Profile], several: Sequence[Profile]) -> SourceProposal:
        roles, table, key = self._roles, self._roles.items, self._roles.item_key
        columns = [key, *(profile.name for profile in [*single, *several])]
        if table is not roles.interactions:
            rows = "one row" if not several and table.columns[key].is_unique else "one row or several"
            return whole_table(table, columns, f"{table.n_rows:,} rows, {rows} for {_a(self._noun)}")
        why = f"there is no table of {self._noun}s, so they are those of the interactions"
        if not can_query(table, *columns):
            return whole_table(table, columns, why)
        chosen = {key: key} | {each.name: most_frequent(table, each.name) for each in single}
        quoted_key = table.origin.column(key)
        ending = f"WHERE {quoted_key} IS NOT NULL GROUP BY {quoted_key}"
        return query_source(table, chosen, f"{why}, with the most frequent value of each", ending=ending)

    def _title(self, title: Profile | None) -> FieldProposal:
        if title is not None:
            name = "title" if is_nameless(title.name) else field_name(title.name, (), self._noun)
            declared = {"name": name, "kind": "text", "source": title.name, "filter": True}
            if name == title.name:
                declared.pop("source")
            if title.share_html > 0.02:
                declared["html"] = True
            return FieldProposal(declared, f"such as {', '.join(title.examples)}", title)
        key = self._roles.items.columns[self._roles.item_key]
        declared = {"name": "title", "kind": "text", "source": key.name, "filter": True}
        return FieldProposal(declared, f"no column looks like a title, so it is the {key.name}", key)

    def _add(self, parts: _Parts, profile: Profile, *, is_single: bool) -> None:
        name = field_name(profile.name, parts.names, self._noun)
        found = propose_field(profile, name, self._choose)
        if isinstance(found, LeftOut):
            parts.left_out.append(LeftOut(f"{self._roles.items.name}: {profile.name}", found.why))
            return
        if not is_single:
            declared = {"name": name, "kind": "category", "many": True, "source": profile.name, "filter": True}
            found = FieldProposal(declared, f"several for {_a(self._noun)}", profile)
        parts.fields.append(found)

    def _available(self, fields: Sequence[FieldProposal]) -> tuple[str | None, str, list[str]]:
        """A condition for items that are available, why, and the fields that it uses."""
        found = [(field, *condition) for field in fields if (condition := self._condition(field)) is not None]
        own = list(self._roles.items.columns.values())
        found = [each for each in found if each[0].profile in own] or found[:1]
        if not found:
            return None, "", []
        conditions = [f"({sql})" if " OR " in sql and len(found) > 1 else sql for _, sql, _ in found]
        return " AND ".join(conditions), "; ".join(why for *_, why in found), [field.name for field, *_ in found]

    def _condition(self, field: FieldProposal) -> tuple[str, str] | None:
        """The condition of a field for available items, and why; None where it says nothing of that."""
        profile, name = field.profile, plain_name(field.name)
        words = {*words_of(field.name), *words_of(profile.name)}
        if field.kind == "number" and words & STOCK_WORDS and profile.n_zeros:
            return f"{name} > 0", f"{profile.n_zeros:,} are out of stock"
        if field.kind == "boolean" and words & (STOCK_WORDS | AVAILABLE_WORDS):
            return name, f"the column {profile.name} says so"
        if field.kind == "boolean" and words & GONE_WORDS:
            return f"NOT {name}", f"the column {profile.name} says which are not"
        if field.kind == "date" and words & GONE_WORDS and profile.known_share < 1:
            return f"{name} IS NULL", f"{profile.n_known:,} have a date in the column {profile.name}"
        names = [value for value, _ in profile.common if value.strip().lower() in AVAILABLE_NAMES]
        few = profile.n_distinct <= 8 and not field.declared.get("many")
        return self._of_names(field, name, names) if field.kind == "category" and names and few else None

    def _of_names(self, field: FieldProposal, name: str, names: list[str]) -> tuple[str, str] | None:
        condition = " OR ".join(f"{name} = {text_literal(value)}" for value in names)
        is_so = says_yes(
            self._choose,
            "availability",
            f"Are only those available whose {field.profile.name} is {', '.join(names)}?",
            yes=condition,
            no="all are available",
        )
        return (condition, f"the names of {field.profile.name} say so") if is_so else None


def _a(noun: str) -> str:
    return f"an {noun}" if noun[:1] in "aeiou" else f"a {noun}"


def _may_be_many(column: Profile) -> bool:
    """True for a column of short names, of which an item can have several."""
    is_title = has_word(column.name, TITLE_WORDS) or _may_be_title(column)
    return not is_title and column.share_numbers < 0.5 and column.mean_words < 4 and column.share_booleans < 1


def _may_be_title(column: Profile) -> bool:
    return has_word(column.name, {"title", "name", "description"}) and column.share_numbers < 0.1


def _year(title: Profile) -> FieldProposal:
    source = f"regexp_extract({plain_name(title.name)}, {text_literal(YEAR_IN_TITLE)}, 1)"
    declared: dict[str, Any] = {"name": "year", "kind": "number", "source": source, "integer": True, "filter": True}
    return FieldProposal(declared, f"the year at the end of the title, as in {title.examples[0]}", title)


def _few_filters(fields: Sequence[FieldProposal], kept: set[str]) -> list[FieldProposal]:
    """Fields of which at most MOST_FILTERS can be filtered: those that are known for most items first."""

    def worth(field: FieldProposal) -> tuple[bool, bool, float]:
        is_id = has_word(field.profile.name, ID_WORDS)
        return field.name in kept, not is_id, field.profile.known_share

    filtered = sorted((field for field in fields if field.declared.get("filter")), key=worth, reverse=True)
    chosen = {field.name for field in filtered[:MOST_FILTERS]}
    return [field if field.name in chosen else _unfiltered(field) for field in fields]


def _unfiltered(field: FieldProposal) -> FieldProposal:
    declared = {key: value for key, value in field.declared.items() if key != "filter"}
    return FieldProposal(declared, field.why, field.profile, field.missing)


def id_type_of(*columns: Profile) -> tuple[str, str]:
    """The type of IDs that all of these columns have, and why."""
    if all(column.is_integer for column in columns):
        return "integer", f"whole numbers, such as {', '.join(columns[0].examples)}"
    zeros = next((column for column in columns if column.n_leading_zeros), None)
    if zeros is not None and zeros.share_whole == 1.0:
        example = next((value for value, _ in zeros.common if value.startswith("0")), zeros.examples[0])
        return "string", f"some begin with a zero, such as {quoted(example)}"
    return "string", f"texts, such as {', '.join(map(quoted, columns[0].examples))}"
