"""Links between tables: columns whose values are found in a unique column of another table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcp_server.discovery.profiles import Profile
from mcp_server.discovery.tables import DatabaseOrigin, Table
from mcp_server.discovery.words import ID_WORDS, has_word, is_nameless, noun_of, singular, words_of
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import identifier

LEAST_CONTAINED = 0.3
"""Least share of a column's different values that a key has to know, or of a key's values that the column has."""

LEAST_UNNAMED = 50
"""Different values that a column needs, if its name does not speak for the link. Small numbers are in every key."""

LEAST_UNNAMED_SHARE = 0.8
"""Least share that a key has to know of a column whose name does not speak for the link."""

TIME_WORDS = frozenset({"at", "date", "datetime", "day", "time", "timestamp", "ts", "unixtime", "when"})


@dataclass(frozen=True)
class Link:
    """A column that refers to a key of another table."""

    table: Table
    column: str
    target: Table
    key: str
    contained: float
    """Share of the column's different values that the key knows."""
    covered: float
    """Share of the key's values that the column has."""
    names_agree: bool


def can_be_id(profile: Profile) -> bool:
    """True for a column whose values are whole numbers or short texts, and no times."""
    n_times = profile.times.n_iso + profile.n_clear_times
    has_form_of_time = bool(profile.formats) or (n_times > profile.times.n_known / 2 and profile.share_whole < 0.5)
    is_named_time = has_word(profile.name, TIME_WORDS) and not has_word(profile.name, ID_WORDS)
    looks_like_time = has_form_of_time or (is_named_time and profile.share_numbers == 1.0)
    is_fraction = profile.share_numbers > 0.9 and profile.share_numbers - profile.share_whole > 0.05
    return (
        profile.n_distinct >= 2
        and profile.known_share > 0.5
        and not looks_like_time
        and not is_fraction
        and profile.longest <= 255
        and profile.mean_length <= 80
        and profile.share_urls < 0.5
        and profile.share_lists + profile.share_objects == 0
    )


def find_links(tables: Sequence[Table], session: Session) -> list[Link]:
    """All links between the tables."""
    keys = [
        (table, profile)
        for table in tables
        for profile in table.columns.values()
        if profile.is_unique and can_be_id(profile)
    ]
    found: list[Link] = []
    for table in tables:
        for profile in table.columns.values():
            if can_be_id(profile):
                others = [(target, key) for target, key in keys if target is not table]
                found += _links_of(table, profile, others, session)
    return found


def _links_of(table: Table, column: Profile, keys: Sequence[tuple[Table, Profile]], session: Session) -> Iterator[Link]:
    """The links of a column. Where names say nothing, the values alone decide, and the best link is the only one."""
    named = [(target, key) for target, key in keys if not (is_nameless(column.name) or is_nameless(key.name))]
    for target, key in named:
        yield from _named_link(table, column, target, key, session)
    unnamed = [
        link
        for target, key in keys
        if (is_nameless(column.name) or is_nameless(key.name)) and column.is_integer == key.is_integer
        for link in _unnamed_link(table, column, target, key, session)
    ]
    if unnamed:
        yield max(unnamed, key=lambda link: link.contained + link.covered)


def _unnamed_link(table: Table, column: Profile, target: Table, key: Profile, session: Session) -> Iterator[Link]:
    if column.n_distinct < LEAST_UNNAMED or column.is_unique:
        return
    contained, covered = overlap(session, table, column.name, target, key.name)
    is_clear = contained > 0.8 and covered > 0.1
    if is_clear or (not key.is_integer and contained * column.n_distinct > LEAST_UNNAMED):
        yield Link(table, column.name, target, key.name, contained, covered, names_agree=True)


def _named_link(table: Table, column: Profile, target: Table, key: Profile, session: Session) -> Iterator[Link]:
    agree = names_agree(table, column.name, target, key.name)
    if not agree and (column.n_distinct < LEAST_UNNAMED or not has_word(column.name, ID_WORDS)):
        return
    nouns = noun_of(column.name), noun_of(key.name)
    if not agree and (column.is_integer != key.is_integer or (all(nouns) and nouns[0] != nouns[1])):
        return
    contained, covered = overlap(session, table, column.name, target, key.name)
    if (agree and max(contained, covered) >= LEAST_CONTAINED) or contained > LEAST_UNNAMED_SHARE:
        yield Link(table, column.name, target, key.name, contained, covered, agree)


def overlap(session: Session, table: Table, column: str, target: Table, key: str) -> tuple[float, float]:
    """The share of a column's different values that a key knows, and of the key's values that the column has."""
    left, right = (
        f"(SELECT DISTINCT regexp_replace({identifier(name)}, '\\.0+$', '') AS v FROM {each.relation} "
        f"WHERE {identifier(name)} IS NOT NULL)"
        for each, name in ((table, column), (target, key))
    )
    n_left, n_right, n_both = session.row(
        f"SELECT (SELECT count(*) FROM {left}), (SELECT count(*) FROM {right}), "
        f"(SELECT count(*) FROM {left} JOIN {right} USING (v))",
        table.name,
    )
    return n_both / max(n_left, 1), n_both / max(n_right, 1)


def names_agree(table: Table, column: str, target: Table, key: str) -> bool:
    """True if the name of a column says that it refers to a key."""
    origin = table.origin
    if isinstance(origin, DatabaseOrigin) and origin.keys.get(column) == (target.name, key):
        return True
    column_words, key_words = words_of(column), words_of(key)
    if column_words == key_words:
        return column_words != ("id",) or bool(set(map(singular, table.words)) & set(map(singular, target.words)))
    named = noun_of(column) or column.lower()
    only_id = not set(key_words) - ID_WORDS
    return (only_id and named in map(singular, target.words)) or named == (noun_of(key) or key.lower())
