"""Recommendations, for one user, for two, for somebody without an ID; similar items; and the users an item is for.

There is no single right list, so the truth says what any right one keeps to.
"""

import numpy as np

from mcp_server.questions.draw import MOST_LISTED, Draft, Draw, require, top
from mcp_server.questions.truth import ListTruth
from mcp_server.types import BoolArray, Id, IntArray

LEAST_HISTORY = 4
"""Items in the history of a user whom something can be recommended to."""

N_POPULAR = 40
"""Items that are said to be popular in a group."""


def for_user(draw: Draw) -> Draft:
    """Any items for a user."""
    k, user = _k(draw), draw.user(LEAST_HISTORY)
    words = (
        f"Recommend {k} {draw.nouns.items} to {draw.nouns.user} {_user_id(draw, user)} that are not in the history yet."
    )
    return Draft(words, _unseen(draw, [user], k), 1)


def kind_for_user(draw: Draw) -> Draft:
    """Items of a kind for a user."""
    k, user, kind = _k(draw), draw.user(LEAST_HISTORY), draw.broad_kind(10)
    words = (
        f"Recommend {k} {draw.nouns.items} {kind.words} to {draw.nouns.user} {_user_id(draw, user)}, none of them from "
        "the history."
    )
    return Draft(words, _unseen(draw, [user], k, kind.mask), 2)


def limited_for_user(draw: Draw) -> Draft:
    """Items of a kind within a limit for a user."""
    k, user, kind = _k(draw), draw.user(LEAST_HISTORY), draw.kind(15)
    limit = draw.limit(kind.mask)
    words = (
        f"I need {k} {draw.nouns.items} {kind.words} and {limit.words} for {draw.nouns.user} {_user_id(draw, user)}, "
        "and none that is in the history."
    )
    return Draft(words, _unseen(draw, [user], k, kind.mask & limit.mask), 2)


def excluded_for_user(draw: Draw) -> Draft:
    """Items of a kind but not of another one for a user."""
    k, user, kind, left_out = _k(draw), draw.user(LEAST_HISTORY), draw.broad_kind(15), draw.broad_kind(2)
    require(bool((kind.mask & left_out.mask).any()) and kind.words != left_out.words)
    words = (
        f"Recommend {k} {draw.nouns.items} {kind.words} to {draw.nouns.user} {_user_id(draw, user)}: none "
        f"{left_out.words}, and none from the history."
    )
    return Draft(words, _unseen(draw, [user], k, kind.mask & ~left_out.mask), 2)


def popular_for_user(draw: Draw) -> Draft:
    """Items that a group uses much, for a user."""
    k, user, group = _k(draw), draw.user(LEAST_HISTORY), draw.group()
    scores = draw.ledger.popularity(group.mask[draw.ledger.user])
    known = top(scores, N_POPULAR)
    require(scores[known[-1]] > 0 and bool(draw.ledger.recommendable[known].all()) and draw.ledger.kind != "events")
    words = (
        f"Among the {N_POPULAR} {draw.nouns.items} with the most {draw.nouns.interactions} by the {draw.nouns.users} "
        f"{group.words}, recommend {k} to {draw.nouns.user} {_user_id(draw, user)} that are not in the history."
    )
    mask = np.zeros(len(draw.ledger.items), dtype=bool)
    mask[known] = True
    return Draft(words, _unseen(draw, [user], k, mask), 2)


def for_liked_items(draw: Draw) -> Draft:
    """Items for somebody who likes two others."""
    k, first, second = _k(draw), draw.item(), draw.item()
    require(first != second)
    about = draw.item_ids([first, second])
    words = (
        f'Somebody without an ID likes "{draw.title(first)}" and "{draw.title(second)}". Recommend {k} other '
        f"{draw.nouns.items}."
    )
    allowed, none_of = _eligible(draw, np.array([first, second]), None)
    return Draft(words, ListTruth(allowed=allowed, none_of=none_of, count=k, about=about), 2)


def for_two_users(draw: Draw) -> Draft:
    """Items for two users together."""
    k, first, second = _k(draw), draw.user(LEAST_HISTORY), draw.user(LEAST_HISTORY)
    require(first != second)
    words = (
        f"{draw.nouns.users.capitalize()} {_user_id(draw, first)} and {_user_id(draw, second)} have come together. "
        f"Recommend {k} {draw.nouns.items} that are in the history of neither."
    )
    return Draft(words, _unseen(draw, [first, second], k), 1)


def kind_for_two_users(draw: Draw) -> Draft:
    """Items of a kind for two users together."""
    k, first, second, kind = _k(draw), draw.user(LEAST_HISTORY), draw.user(LEAST_HISTORY), draw.broad_kind(10)
    require(first != second)
    words = (
        f"{draw.nouns.users.capitalize()} {_user_id(draw, first)} and {_user_id(draw, second)} have come together. "
        f"Recommend {k} {draw.nouns.items} {kind.words} that are in the history of neither."
    )
    return Draft(words, _unseen(draw, [first, second], k, kind.mask), 2)


def similar_to_item(draw: Draw) -> Draft:
    """Items like another one."""
    k, item = _k(draw), draw.item()
    words = f'Which {k} {draw.nouns.items} are most like "{draw.title(item)}", apart from itself?'
    allowed, none_of = _eligible(draw, np.array([item]), None)
    return Draft(words, ListTruth(allowed=allowed, none_of=none_of, count=k, about=draw.item_ids([item])), 2)


def kind_similar_to_item(draw: Draw) -> Draft:
    """Items of a kind that are like another one."""
    k, item = _k(draw), draw.item()
    kind = draw.kind_of(item, draw.broad_field)
    words = f'Which {k} {draw.nouns.items} {kind.words} are most like "{draw.title(item)}", apart from itself?'
    allowed, none_of = _eligible(draw, np.array([item]), kind.mask)
    require(allowed is not None and len(allowed) >= 2 * k)
    return Draft(words, ListTruth(allowed=allowed, none_of=none_of, count=k, about=draw.item_ids([item])), 2)


def audience_of_item(draw: Draw) -> Draft:
    """Users who may like an item that they do not have in their history."""
    k, item = _k(draw), draw.item()
    had = np.unique(draw.ledger.user[draw.ledger.item == item])
    require(len(draw.ledger.users) - len(had) >= 2 * k)
    words = (
        f'Which {k} {draw.nouns.users} are most likely to like "{draw.title(item)}", among those who do not have it in '
        "their history?"
    )
    require(len(had) <= MOST_LISTED)
    return Draft(words, ListTruth(part="users", none_of=draw.user_ids(had), count=k), 2)


def group_for_item(draw: Draw) -> Draft:
    """Users of a group who may like an item that they do not have in their history."""
    k, item, group = _k(draw), draw.item(), draw.group()
    users = group.mask.copy()
    users[draw.ledger.user[draw.ledger.item == item]] = False
    allowed = np.flatnonzero(users)
    require(2 * k <= len(allowed) <= MOST_LISTED)
    words = (
        f'Which {k} of the {draw.nouns.users} {group.words} are most likely to like "{draw.title(item)}", among those '
        "who do not have it in their history?"
    )
    return Draft(words, ListTruth(part="users", allowed=draw.user_ids(allowed), count=k), 2)


def similar_users(draw: Draw) -> Draft:
    """Users with the taste of another one."""
    k, user = _k(draw), draw.user(LEAST_HISTORY)
    require(len(draw.ledger.users) >= 3 * k)
    words = (
        f"Which {k} other {draw.nouns.users} have a taste most like that of {draw.nouns.user} {_user_id(draw, user)}?"
    )
    ids = draw.user_ids([user])
    return Draft(words, ListTruth(part="users", none_of=ids, count=k, about=ids), 1)


RECOMMENDATION = (for_user, kind_for_user, limited_for_user, excluded_for_user, popular_for_user, for_liked_items)
TWO_USERS = (for_two_users, kind_for_two_users)
SIMILAR = (similar_to_item, kind_similar_to_item)
AUDIENCE = (audience_of_item, group_for_item, similar_users)


def _k(draw: Draw) -> int:
    return int(draw.rng.integers(2, 7))


def _user_id(draw: Draw, user: int) -> Id:
    return draw.ledger.users.ids[user]


def _unseen(draw: Draw, users: list[int], k: int, kind: BoolArray | None = None) -> ListTruth:
    """Items that none of some users has in the history."""
    seen = np.concatenate([draw.ledger.item[draw.ledger.of_user(user)] for user in users])
    allowed, none_of = _eligible(draw, seen, kind)
    require(allowed is None or len(allowed) >= 2 * k)
    return ListTruth(allowed=allowed, none_of=none_of, count=k)


def _eligible(draw: Draw, left_out: IntArray, kind: BoolArray | None) -> tuple[list[Id] | None, list[Id]]:
    """The items that may be named, if they are limited to a kind, and those that must not be."""
    ledger = draw.ledger
    forbidden = ledger.with_twins(left_out)
    if kind is not None:
        allowed = kind & ledger.recommendable
        allowed[forbidden] = False
        return draw.short_list(allowed), []
    unavailable = np.flatnonzero(~ledger.recommendable)
    none_of = np.union1d(forbidden, unavailable)
    require(len(none_of) <= MOST_LISTED and len(ledger.items) - len(none_of) >= 12)
    return None, draw.item_ids(none_of)
