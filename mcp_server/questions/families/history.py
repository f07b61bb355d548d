"""Histories of users: how much they have done, with which items, what they think of them, what came last."""

import numpy as np

from mcp_server.dataset.feedback import plain_number
from mcp_server.questions.draw import Draft, Draw, require
from mcp_server.questions.families.lookup import context_of
from mcp_server.questions.truth import ListTruth, NumberTruth
from mcp_server.types import DoubleArray, IntArray

MOST_ITEMS = 10
"""Items that a question may ask to be listed."""

LONGEST_HISTORY = 120
"""Items of a user whose history is asked about in detail."""


def n_items_of_user(draw: Draw) -> Draft:
    """The number of items of a user's history."""
    user, pairs = _user(draw)
    words = (
        f"How many different {draw.nouns.items} are in the history of {draw.nouns.user} {draw.ledger.users.ids[user]}?"
    )
    return Draft(words, NumberTruth(values=[len(pairs)]), 1)


def rated_so(draw: Draw) -> Draft:
    """All items that a user has rated with at least or at most a rating."""
    require(draw.ledger.kind == "ratings")
    user, pairs = _user(draw)
    values = _values(draw, pairs)
    bounds = [(limit, word) for limit in np.unique(values).tolist() for word in ("more", "less")]
    chosen_by = {bound: pairs[values >= bound[0] if bound[1] == "more" else values <= bound[0]] for bound in bounds}
    limit, word = draw.one([bound for bound, chosen in chosen_by.items() if len(chosen) <= MOST_ITEMS])
    bound = f"{plain_number(limit)} or {word}"
    words = f"Which {draw.nouns.items} has {draw.nouns.user} {draw.ledger.users.ids[user]} rated {bound}?"
    return Draft(words, _all_of(draw, chosen_by[limit, word]), 1)


def both_had(draw: Draw) -> Draft:
    """All items of the histories of two users."""
    first, of_first = _user(draw)
    second, of_second = _user(draw)
    require(first != second)
    common = np.intersect1d(draw.ledger.item[of_first], draw.ledger.item[of_second])
    ids = draw.ledger.users.ids
    words = (
        f"Which {draw.nouns.items} are in the history of both {draw.nouns.user} {ids[first]} and {draw.nouns.user} "
        f"{ids[second]}?"
    )
    chosen = of_first[np.isin(draw.ledger.item[of_first], common)]
    return Draft(words, _all_of(draw, chosen), 2)


def newest(draw: Draw) -> Draft:
    """The last item of a user's history."""
    require(draw.ledger.has_times)
    assert draw.ledger.time is not None
    user, pairs = _user(draw)
    times = draw.ledger.time[pairs]
    last = pairs[times == times.max()]
    require(len(last) == 1)
    words = (
        f"Which {draw.nouns.item} has the most recent {draw.nouns.interaction} of {draw.nouns.user} "
        f"{draw.ledger.users.ids[user]}?"
    )
    item = int(draw.ledger.item[last[0]])
    require(bool(draw.ledger.plain[item]))
    return Draft(words, ListTruth(first=draw.item_ids([item])), 1)


def value_of_pair(draw: Draw) -> Draft:
    """The rating or the count of a user for an item."""
    require(draw.ledger.kind in ("ratings", "counts"))
    user, pairs = _user(draw)
    named = pairs[draw.ledger.plain[draw.ledger.item[pairs]]]
    pair = int(draw.number(named))
    item, user_id = int(draw.ledger.item[pair]), draw.ledger.users.ids[user]
    asked = (
        f"What {draw.nouns.interaction} has"
        if draw.ledger.kind == "ratings"
        else f"How many {draw.nouns.interactions} has"
    )
    given = "given" if draw.ledger.kind == "ratings" else "had"
    words = f'{asked} {draw.nouns.user} {user_id} {given} for "{draw.title(item)}"?'
    value = float(_values(draw, np.array([pair]))[0])
    return Draft(words, NumberTruth(values=[value], context=context_of(draw, item)), 1)


def n_of_kind(draw: Draw) -> Draft:
    """The number of items of a kind in a user's history."""
    user, pairs = _user(draw)
    kind = draw.kind_of(int(draw.ledger.item[int(draw.number(pairs))]), draw.broad_field)
    number = int(np.count_nonzero(kind.mask[draw.ledger.item[pairs]]))
    words = (
        f"How many {draw.nouns.items} {kind.words} are in the history of {draw.nouns.user} "
        f"{draw.ledger.users.ids[user]}?"
    )
    return Draft(words, NumberTruth(values=[number]), 2)


def n_rated_so(draw: Draw) -> Draft:
    """The number of items that a user has rated with exactly a rating."""
    require(draw.ledger.kind == "ratings")
    user, pairs = _user(draw)
    values = _values(draw, pairs)
    rating = draw.number(np.unique(values))
    words = (
        f"How many {draw.nouns.items} has {draw.nouns.user} {draw.ledger.users.ids[user]} rated exactly "
        f"{plain_number(rating)}?"
    )
    return Draft(words, NumberTruth(values=[int(np.count_nonzero(values == rating))]), 1)


def n_in_month(draw: Draw) -> Draft:
    """The number of items that a user has rated in a month."""
    user, pairs = _user(draw)
    month = draw.month(pairs)
    assert draw.ledger.time is not None
    number = int(np.count_nonzero(month.holds(draw.ledger.time[pairs])))
    words = f"How many {draw.nouns.items} did {draw.nouns.user} {draw.ledger.users.ids[user]} rate in {month.words}?"
    return Draft(words, NumberTruth(values=[number]), 1)


TEMPLATES = (n_items_of_user, rated_so, both_had, newest, value_of_pair, n_of_kind, n_in_month, n_rated_so)


def _user(draw: Draw) -> tuple[int, IntArray]:
    """A user with a history of a readable length, in which no item is there twice."""
    user = draw.user(1, LONGEST_HISTORY)
    pairs = draw.ledger.of_user(user)
    require(not draw.ledger.has_twin[draw.ledger.item[pairs]].any() and bool(draw.ledger.is_used[pairs].all()))
    return user, pairs


def _values(draw: Draw, pairs: IntArray) -> DoubleArray:
    assert draw.ledger.value is not None
    values: DoubleArray = draw.ledger.value[pairs]
    return values


def _all_of(draw: Draw, pairs: IntArray) -> ListTruth:
    positions = draw.ledger.item[pairs]
    require(0 < len(positions) <= MOST_ITEMS and all(bool(draw.ledger.titles[each]) for each in positions))
    ids = draw.item_ids(positions)
    return ListTruth(all_of=ids, allowed=ids)
