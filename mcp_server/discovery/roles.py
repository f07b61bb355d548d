"""Roles of tables: which one holds the interactions, which one the items, which one the users."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mcp_server.discovery.links import TIME_WORDS, Link, can_be_id, names_agree, overlap
from mcp_server.discovery.profiles import Profile
from mcp_server.discovery.questions import Choose, Question
from mcp_server.discovery.sources import steady_columns
from mcp_server.discovery.tables import DatabaseOrigin, JoinedOrigin, Table
from mcp_server.discovery.words import ID_WORDS, ITEM_WORDS, USER_WORDS, has_word, is_nameless
from mcp_server.errors import DatasetError
from mcp_server.reading.feedback import COUNT_WORDS
from mcp_server.reading.session import Session

PEOPLE_WORDS = frozenset({"age", "birth", "birthday", "city", "country", "dob", "email", "gender", "occupation",
                          "phone", "sex", "surname", "zip", "zipcode", "joined", "signup"})  # fmt: skip

TITLE_WORDS = frozenset({"caption", "headline", "label", "name", "title"})

RATING_WORDS = frozenset({"grade", "overall", "point", "rate", "rating", "score", "star", "vote"})

EVENT_WORDS = frozenset({"action", "behavior", "behaviour", "event", "interaction"})

DEED_WORDS = frozenset({"borrowing", "click", "download", "event", "history", "interaction", "like", "listen", "loan",
                        "log", "order", "play", "purchase", "rating", "read", "rental", "review", "sale",
                        "transaction", "view", "watch"})  # fmt: skip
"""Words in the names of tables that hold what users do."""

ATTRIBUTE_WORDS = frozenset({"age", "brand", "category", "city", "color", "colour", "country", "department", "gender",
                             "language", "lat", "latitude", "lng", "longitude", "method", "month", "price", "region",
                             "size", "state", "status", "type", "weekday", "year", "zip", "zipcode"})  # fmt: skip
"""Words in the names of columns that tell how something is, and not what it is."""

MOST_PAIRS = 6
"""Further pairs of columns that are shown as a choice."""

POSITION = 0.01
"""Doubt for each place from the left: without names, the first columns are most often the IDs."""


@dataclass(frozen=True)
class Roles:
    """The tables of a dataset."""

    interactions: Table
    user: str
    """Column of the interactions with the user's ID."""
    item: str
    items: Table
    """Table of items; the interactions themselves if there is no other."""
    item_key: str
    users: Table | None
    user_key: str | None
    others: tuple[Table, ...]


@dataclass(frozen=True)
class _Pair:
    """Columns of a table that may be users and items, and how much speaks for it."""

    table: Table
    user: str
    item: str
    score: float
    user_score: float


class NoInteractionsError(DatasetError):
    """No table says which user has done something with which item."""


def find_roles(tables: Sequence[Table], links: Sequence[Link], session: Session, choose: Choose) -> Roles:
    """Decide the roles of tables.

    Raises:
        NoInteractionsError: No table says which user has done something with which item.
    """
    found = sorted((pair for table in tables for pair in _pairs(table, links)), key=lambda pair: -pair.score)
    best = next((pair for pair in found if _is_of_many(pair, session)), None)
    if best is None:
        raise NoInteractionsError(
            "no table was found that says which user did something with which item: a table with a column of user IDs "
            f"and a column of item IDs is needed. There are: {'; '.join(map(_describe, tables)) or 'no tables'}"
        )
    further = [pair for pair in found if pair.table is best.table and pair is not best][:MOST_PAIRS]
    pairs = [best, *(pair for pair in further if _is_of_many(pair, session))]
    best = _chosen_pair(pairs, choose)
    items, item_key = _items(best, tables, links, session)
    of_users = (link for link in links if _is_of(link, best.table, best.user))
    users = _best_link((each for each in of_users if _may_be_users(each)), exclude=items)
    used = [best.table, items, *([users.target] if users else [])]
    joined = best.table.origin.parts if isinstance(best.table.origin, JoinedOrigin) else ()
    others = tuple(
        table
        for table in tables
        if all(table is not each for each in used)
        and table.name not in joined
        and not isinstance(table.origin, JoinedOrigin)
    )
    return Roles(
        interactions=best.table,
        user=best.user,
        item=best.item,
        items=items,
        item_key=item_key,
        users=users.target if users else None,
        user_key=users.key if users else None,
        others=others,
    )


def _describe(table: Table) -> str:
    return f"{table.name} ({', '.join(list(table.columns)[:12])})"


def _chosen_pair(pairs: Sequence[_Pair], choose: Choose) -> _Pair:
    """The best pair; the user is asked where the names of columns do not tell which are the users."""
    best = pairs[0]
    if best.user_score >= 2:
        return best
    profiles = best.table.columns
    shown = {f"{pair.user}, {pair.item}": pair for pair in pairs}
    answer = choose(
        Question(
            key="columns of users and items",
            text=f"Which columns of {best.table.name} have the IDs of users, and which those of items?",
            choices={
                words: f"users such as {', '.join(profiles[pair.user].examples)}, "
                f"items such as {', '.join(profiles[pair.item].examples)}"
                for words, pair in shown.items()
            },
            default=f"{best.user}, {best.item}",
        )
    )
    return shown[answer]


def _pairs(table: Table, links: Sequence[Link]) -> Iterable[_Pair]:
    if any(_is_own_key(each) for each in table.columns.values()):
        return []
    columns = [each for each in table.columns.values() if can_be_id(each) and not each.is_unique]
    evidence = _evidence(table)
    found = []
    for user in columns:
        for item in columns:
            user_score = _user_score(table, user, links)
            item_score = _item_score(table, item, links)
            if user is not item and user_score > 0 and item_score > 0:
                found.append(_Pair(table, user.name, item.name, user_score + item_score + evidence, user_score))
    return found


def _is_own_key(column: Profile) -> bool:
    """True for the key of a table of items or of users: its rows are no deeds."""
    names_one = has_word(column.name, ITEM_WORDS) != has_word(column.name, USER_WORDS)
    return names_one and has_word(column.name, ID_WORDS) and column.is_unique and can_be_id(column)


def _is_of_many(pair: _Pair, session: Session) -> bool:
    """False if each item always has the same user, or each user the same item: a brewery is no user of its beers."""
    return not (
        steady_columns(session, pair.table, pair.item, [pair.user])
        or steady_columns(session, pair.table, pair.user, [pair.item])
    )


def _evidence(table: Table) -> float:
    """How much a table looks like interactions, whatever its IDs are."""
    names = list(table.columns)
    score = math.log10(max(table.n_rows, 1))
    score += 3 * any(has_word(name, RATING_WORDS | EVENT_WORDS) for name in names)
    score += 2 * any(has_word(name, COUNT_WORDS) for name in names)
    score += any(has_word(name, TIME_WORDS) for name in names)
    score += 2 * bool({word for word in DEED_WORDS if word in "_".join(table.words)})
    score += 2 * (_speaks_of(table, USER_WORDS) and _speaks_of(table, ITEM_WORDS))
    score -= 12 * any(has_word(name, {"tag", "keyword"}) for name in names)
    score -= isinstance(table.origin, DatabaseOrigin) and table.origin.is_view
    return score


def _speaks_of(table: Table, words: frozenset[str]) -> bool:
    return any(has_word(word, words) for word in table.words)


def looks_like_people(table: Table) -> bool:
    """True for a table of users, by its name or by its columns."""
    refers_to_users = any(has_word(name, USER_WORDS) and not each.is_unique for name, each in table.columns.items())
    if refers_to_users and not has_word(table.words[-1] if table.words else "", USER_WORDS):
        return False
    return any(has_word(word, USER_WORDS) for word in table.words[-1:]) or (
        sum(has_word(name, PEOPLE_WORDS) for name in table.columns) >= 2
    )


def _user_score(table: Table, column: Profile, links: Sequence[Link]) -> float:
    score = 4.0 * has_word(column.name, USER_WORDS) + 1.5 * has_word(column.name, {"session"})
    score += 2 * any(looks_like_people(link.target) for link in links if _is_of(link, table, column.name))
    score += has_word(column.name, ID_WORDS) + 0.5 * _has_many_values(column)
    score -= 4 * has_word(column.name, ITEM_WORDS)
    if is_nameless(column.name):
        score -= POSITION * list(table.columns).index(column.name)
    return score - _doubts(column)


def _item_score(table: Table, column: Profile, links: Sequence[Link]) -> float:
    score = 3.0 * has_word(column.name, ITEM_WORDS)
    targets = [link for link in links if _is_of(link, table, column.name) and not looks_like_people(link.target)]
    if is_nameless(column.name):
        score += 2 * max((link.contained + link.covered for link in targets), default=0.0)
        score -= POSITION * list(table.columns).index(column.name)
    else:
        score += 3 * any(link.names_agree for link in targets) + bool(targets)
    score += has_word(column.name, ID_WORDS) + 0.5 * _has_many_values(column)
    score -= 4 * has_word(column.name, USER_WORDS)
    return score - _doubts(column)


def _has_many_values(column: Profile) -> bool:
    return column.n_distinct > 20


def says_of_deed(column: Profile) -> bool:
    """True for a column of interactions that tells how something was, or when, and neither of the user nor the item."""
    return has_word(column.name, RATING_WORDS | EVENT_WORDS | TIME_WORDS | COUNT_WORDS)


def _doubts(column: Profile) -> float:
    """How much a column looks like something else than IDs."""
    other_words = RATING_WORDS | EVENT_WORDS | TIME_WORDS | (COUNT_WORDS - {"n", "no", "num", "number"})
    few = column.n_distinct < 10 and column.n_rows > 200
    is_score = column.share_numbers == 1.0 and column.n_negative > 0
    return 5.0 * has_word(column.name, other_words | ATTRIBUTE_WORDS) + 3 * few + 5 * is_score + (column.mean_words > 4)


def _may_be_users(link: Link) -> bool:
    """True if a column of users may refer to a table. Of a column without a name only numbers agree, as any may."""
    return looks_like_people(link.target) or (link.names_agree and not is_nameless(link.column))


def _is_of(link: Link, table: Table, column: str) -> bool:
    return link.table is table and link.column == column


def _items(pair: _Pair, tables: Sequence[Table], links: Sequence[Link], session: Session) -> tuple[Table, str]:
    """The table of items and its key."""
    link = _best_link(link for link in links if _is_of(link, pair.table, pair.item))
    if link is not None:
        return link.target, link.key
    repeated = [
        (contained, table, name)
        for table in tables
        if table is not pair.table and has_title(table) and not looks_like_people(table)
        for name, profile in table.columns.items()
        if can_be_id(profile) and names_agree(pair.table, pair.item, table, name)
        for contained, _ in [overlap(session, pair.table, pair.item, table, name)]
        if contained > 0.3
    ]
    if repeated:
        _, table, name = max(repeated, key=lambda found: found[0])
        return table, name
    return pair.table, pair.item


def _best_link(links: Iterable[Link], exclude: Table | None = None) -> Link | None:
    def score(link: Link) -> float:
        columns = min(len(link.target.columns), 10) / 10
        return 3 * link.contained + 2 * link.names_agree + 2 * has_title(link.target) + columns

    return max((link for link in links if link.target is not exclude), key=score, default=None)


def has_title(table: Table) -> bool:
    """True if a column of a table is called a title or a name."""
    return any(has_word(name, TITLE_WORDS) for name in table.columns)
