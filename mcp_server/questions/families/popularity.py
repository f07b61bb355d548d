"""Items with most interactions, and shares of users who like items: of everybody, of a group, in a month."""

import numpy as np

from mcp_server.dataset.feedback import counting, liking
from mcp_server.questions.conditions import Condition
from mcp_server.questions.draw import Draft, Draw, require, top
from mcp_server.questions.truth import ListTruth, NumberTruth
from mcp_server.types import BoolArray, DoubleArray

HALF_A_PERCENT = 0.5
"""Rounding to whole percents is right."""


def popular(draw: Draw) -> Draft:
    """The items with most interactions."""
    return _most(draw, draw.ledger.per_item, "", f"all {draw.nouns.users}", 1)


def popular_kind(draw: Draw) -> Draft:
    """The items of a kind with most interactions."""
    kind = draw.kind(8)
    return _most(draw, np.where(kind.mask, draw.ledger.per_item, 0), f" {kind.words}", f"all {draw.nouns.users}", 2)


def popular_in_group(draw: Draw) -> Draft:
    """The items with most interactions of a group."""
    group = draw.group()
    scores = draw.ledger.popularity(group.mask[draw.ledger.user])
    return _most(draw, scores, "", f"the {draw.nouns.users} {group.words}", 1)


def popular_kind_in_group(draw: Draw) -> Draft:
    """The items of a kind with most interactions of a group."""
    group, kind = draw.group(), draw.kind(8)
    scores = np.where(kind.mask, draw.ledger.popularity(group.mask[draw.ledger.user]), 0)
    return _most(draw, scores, f" {kind.words}", f"the {draw.nouns.users} {group.words}", 2)


def popular_in_month(draw: Draw) -> Draft:
    """The items with most interactions in a month."""
    pairs, words = _month(draw)
    return _most(draw, draw.ledger.popularity(pairs), "", f"all {draw.nouns.users}", 1, words)


def popular_kind_in_month(draw: Draw) -> Draft:
    """The items of a kind with most interactions in a month."""
    pairs, words = _month(draw)
    kind = draw.broad_kind(8)
    scores = np.where(kind.mask, draw.ledger.popularity(pairs), 0)
    return _most(draw, scores, f" {kind.words}", f"all {draw.nouns.users}", 2, words)


def share_of_item(draw: Draw) -> Draft:
    """The share of all users who like an item."""
    item = draw.item()
    return _share(draw, _only(draw, item), f'like the {draw.nouns.item} "{draw.title(item)}"', None, 2)


def share_of_kind(draw: Draw) -> Draft:
    """The share of all users who like at least one item of a kind."""
    kind = draw.kind(2)
    return _share(draw, kind.mask, f"like at least one of the {draw.nouns.items} {kind.words}", None, 2)


def share_in_group(draw: Draw) -> Draft:
    """The share of a group who like an item."""
    item = draw.item()
    return _share(draw, _only(draw, item), f'like the {draw.nouns.item} "{draw.title(item)}"', draw.group(), 2)


def share_of_kind_in_group(draw: Draw) -> Draft:
    """The share of a group who like at least one item of a kind."""
    kind, group = draw.kind(2), draw.group()
    return _share(draw, kind.mask, f"like at least one of the {draw.nouns.items} {kind.words}", group, 2)


POPULAR = (
    popular,
    popular_kind,
    popular_in_group,
    popular_in_month,
    popular_kind_in_group,
    popular_kind_in_month,
)
LIKING = (share_of_item, share_of_kind, share_in_group, share_of_kind_in_group)


def meaning_of_liking(draw: Draw) -> str:
    """The meaning of liking an item, in brackets."""
    meant = liking(draw.ledger.spec)
    return f" (liking is {meant})" if meant else f" (each {draw.nouns.interaction} is a like)"


def _most(draw: Draw, scores: DoubleArray, kind: str, whom: str, calls: int, when: str = "") -> Draft:
    ledger, k = draw.ledger, int(draw.rng.integers(1, 6))
    require(len(scores) > 0)
    best = top(scores, k)
    require(scores[best[-1]] > 0 and not ledger.has_twin[best].any() and bool(ledger.recommendable[best].all()))
    which = f"Which {draw.nouns.item}" if k == 1 else f"Which {k} {draw.nouns.items}"
    if ledger.kind == "events":
        measured = f"{'is' if k == 1 else 'are'} most popular by the {counting(ledger.spec, whom)}"
    else:
        measured = f"{'has' if k == 1 else 'have'} the most {draw.nouns.interactions} by {whom}"
    asked = f"{which}{kind} {measured}{when}?"
    ids = draw.item_ids(best)
    if k == 1:
        return Draft(asked, ListTruth(first=ids), calls)
    return Draft(asked, ListTruth(all_of=ids, count=k, first=ids[:1]), calls)


def _month(draw: Draw) -> tuple[BoolArray, str]:
    """The pairs of a month in which there is enough to count, and words for it."""
    month = draw.month(np.arange(len(draw.ledger.user)))
    assert draw.ledger.time is not None
    pairs = month.holds(draw.ledger.time)
    require(int(np.count_nonzero(pairs)) >= 50)
    return pairs, f" in {month.words}"


def _only(draw: Draw, item: int) -> BoolArray:
    mask = np.zeros(len(draw.ledger.items), dtype=bool)
    mask[item] = True
    return mask


def _share(draw: Draw, items: BoolArray, what: str, group: Condition | None, calls: int) -> Draft:
    users = np.ones(len(draw.ledger.users), dtype=bool) if group is None else group.mask
    n_users = int(np.count_nonzero(users))
    require(n_users > 0)
    percentage = 100 * draw.ledger.n_likers(items, users) / n_users
    require(3 <= percentage <= 97)
    whom = f"all {draw.nouns.users}" if group is None else f"the {draw.nouns.users} {group.words}"
    truth = NumberTruth(values=[round(percentage, 3)], tolerance=HALF_A_PERCENT, percent=True)
    return Draft(f"What percentage of {whom} {what}{meaning_of_liking(draw)}?", truth, calls)
