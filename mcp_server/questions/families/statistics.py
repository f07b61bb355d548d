"""Numbers of kinds of items and of groups of users, side by side."""

import numpy as np

from mcp_server.dataset.feedback import liking
from mcp_server.questions.conditions import is_between, is_usable, label
from mcp_server.questions.draw import Draft, Draw, require, top
from mcp_server.questions.families.popularity import HALF_A_PERCENT
from mcp_server.questions.truth import ListTruth, NamesTruth, NumberTruth
from mcp_server.types import BoolArray, DoubleArray

MEAN_TOLERANCE = 0.05
"""A mean may be rounded to one decimal."""

ENOUGH = (20, 50, 100)
"""Interactions of an item whose mean rating is compared."""

LEAST_PAIRS = 30
"""Interactions that a mean or a share is taken of."""


def mean_of_kind(draw: Draw) -> Draft:
    """The mean rating of the items of a kind."""
    kind = draw.kind(2)
    return _mean(draw, kind.mask[draw.ledger.item], f"the {draw.nouns.items} {kind.words}", 1)


def mean_of_item(draw: Draw) -> Draft:
    """The mean rating of an item."""
    item = draw.item()
    return _mean(draw, draw.ledger.item == item, f'the {draw.nouns.item} "{draw.title(item)}"', 1)


def best_rated_of_kind(draw: Draw) -> Draft:
    """The item of a kind with the highest mean rating, among those with enough of them."""
    ledger, kind, least = draw.ledger, draw.broad_kind(5), draw.one(ENOUGH)
    require(ledger.kind == "ratings")
    assert ledger.value is not None
    sums = np.bincount(ledger.item, ledger.value, minlength=len(ledger.items))
    enough = kind.mask & (ledger.per_item >= least)
    require(int(np.count_nonzero(enough)) >= 3 and not ledger.has_twin[enough].any())
    means = np.where(enough, sums / np.maximum(ledger.per_item, 1), -np.inf)
    best = int(top(means, 1)[0])
    require(_margin(means) > 0.005 and bool(ledger.plain[best]))
    words = (
        f"Among the {draw.nouns.items} {kind.words} that have at least {least} {draw.nouns.interactions}, which one "
        f"has the highest mean {draw.nouns.interaction}?"
    )
    return Draft(words, ListTruth(first=draw.item_ids([best])), 1)


def mean_of_group(draw: Draw) -> Draft:
    """The mean rating that a group gives to the items of a kind."""
    kind, group = draw.broad_kind(2), draw.group()
    pairs = kind.mask[draw.ledger.item] & group.mask[draw.ledger.user]
    what = f"the {draw.nouns.items} {kind.words}, counting only {draw.nouns.users} {group.words}"
    return _mean(draw, pairs, what, 2)


def mean_of_decade(draw: Draw) -> Draft:
    """The mean rating of the items of a decade."""
    field = draw.one(draw.years)
    years = draw.ledger.items.numbers[field.name]
    begin = draw.number(np.unique(years[~np.isnan(years)] // 10 * 10))
    decade = is_between(draw.ledger.items, field.name, begin, begin + 9)
    return _mean(draw, decade.mask[draw.ledger.item], f"the {draw.nouns.items} {decade.words}", 1)


def mean_of_user(draw: Draw) -> Draft:
    """The mean rating of a user."""
    user = draw.user(10)
    require(not draw.ledger.has_twin[draw.ledger.item[draw.ledger.of_user(user)]].any())
    pairs = draw.ledger.user == user
    whom = f"{draw.nouns.user} {draw.ledger.users.ids[user]}"
    truth = NumberTruth(values=[_mean_of(draw, pairs, 10)], tolerance=MEAN_TOLERANCE)
    return Draft(f"What is the mean of all {draw.nouns.interactions} of {whom}?", truth, 1)


def higher_group(draw: Draw) -> Draft:
    """The group that rates the items of a kind highest."""
    ledger, kind = draw.ledger, draw.broad_kind(2)
    field = draw.one(ledger.spec.users.groups)
    terms, pairs = ledger.users.terms[field], kind.mask[ledger.item]
    require(2 <= len(terms.names) <= 8 and all(map(is_usable, terms.names)))
    masks = [pairs & terms.holds(code)[ledger.user] for code in range(len(terms.names))]
    means = np.array([_mean_of(draw, mask, 10) for mask in masks])
    best = top(means, 1)
    require(_margin(means) > 0.02)
    named = " or ".join(terms.names)
    words = (
        f"Which {draw.nouns.users} give the highest mean {draw.nouns.interaction} to the {draw.nouns.items} "
        f"{kind.words}: those whose {label(ledger.users.fields[field])} is {named}?"
    )
    return Draft(words, NamesTruth(part="users", field=field, names=[terms.names[best[0]]]), 1)


def liked_but_thin(draw: Draw) -> Draft:
    """The best rated kind among those with few items."""
    require(draw.ledger.kind == "ratings")
    ledger, field = draw.ledger, draw.broad_field
    terms = ledger.items.terms[field.name]
    counts = terms.counts
    limit = int(draw.number(np.unique(counts)))
    thin = np.flatnonzero(counts < limit)
    require(2 <= len(thin) <= 50)
    n_pairs = terms.sums(np.bincount(ledger.item, minlength=len(ledger.items)))[thin]
    require(bool((n_pairs >= LEAST_PAIRS).all()))
    likes = terms.sums(np.bincount(ledger.item[ledger.liked], minlength=len(ledger.items)))[thin]
    shares = likes / n_pairs
    best = top(shares, 1)
    require(_margin(shares) > 0.005 and not _is_vague(draw, field.name))
    words = (
        f"Among the {label(field)} with fewer than {limit} {draw.nouns.items}, which one has the greatest share of "
        f"likes ({liking(ledger.spec)}) among its {draw.nouns.interactions}?"
    )
    return Draft(words, NamesTruth(part="items", field=field.name, names=[terms.names[thin[best[0]]]]), 1)


def taste_of_user(draw: Draw) -> Draft:
    """The kind that occurs most in a user's history."""
    ledger, user, field = draw.ledger, draw.user(15), draw.broad_field
    terms = ledger.items.terms[field.name]
    mask = np.zeros(len(ledger.items))
    mask[np.unique(ledger.canonical[ledger.item[ledger.of_user(user)]])] = 1
    counts = terms.sums(mask)
    best = top(counts, 1)
    require(_margin(counts) >= 2 and not _is_vague(draw, field.name))
    words = (
        f"Which of the {label(field)} occurs most among the {draw.nouns.items} in the history of {draw.nouns.user} "
        f"{ledger.users.ids[user]}?"
    )
    return Draft(words, NamesTruth(part="items", field=field.name, names=[terms.names[best[0]]]), 1)


def share_of_likes(draw: Draw) -> Draft:
    """The share of the interactions with a kind that are likes."""
    require(draw.ledger.kind == "ratings")
    kind = draw.broad_kind(2)
    pairs = kind.mask[draw.ledger.item]
    require(int(np.count_nonzero(pairs)) >= LEAST_PAIRS)
    percentage = 100 * float(draw.ledger.liked[pairs].mean())
    words = (
        f"What percentage of the {draw.nouns.interactions} of the {draw.nouns.items} {kind.words} are likes "
        f"({liking(draw.ledger.spec)})?"
    )
    return Draft(words, NumberTruth(values=[round(percentage, 3)], tolerance=HALF_A_PERCENT, percent=True), 1)


def n_interactions_of_kind(draw: Draw) -> Draft:
    """The number of interactions with the items of a kind."""
    require(draw.ledger.kind != "events")
    kind = draw.kind(2)
    require(not draw.ledger.has_twin[kind.mask].any())
    number = float(draw.ledger.per_item[kind.mask].sum())
    require(number >= 1)
    words = f"How many {draw.nouns.interactions} do the {draw.nouns.items} {kind.words} have in all?"
    return Draft(words, NumberTruth(values=[number], context=[float(kind.n)]), 1)


def commonest_kind(draw: Draw) -> Draft:
    """The name that most items have in a category."""
    field = draw.one(draw.kinds)
    terms = draw.ledger.items.terms[field.name]
    counts = terms.counts.astype(np.float64)
    best = int(top(counts, 1)[0])
    require(is_usable(terms.names[best]) and not _is_vague(draw, field.name))
    distinct = terms.sums(draw.ledger.canonical == np.arange(len(draw.ledger.items)))
    require(int(top(distinct, 1)[0]) == best)
    words = f"Which of the {label(field)} do most {draw.nouns.items} of the catalogue have?"
    return Draft(words, NamesTruth(part="items", field=field.name, names=[terms.names[best]]), 1)


TEMPLATES = (
    mean_of_kind,
    mean_of_group,
    higher_group,
    mean_of_decade,
    mean_of_item,
    best_rated_of_kind,
    liked_but_thin,
    taste_of_user,
    share_of_likes,
    mean_of_user,
    n_interactions_of_kind,
    commonest_kind,
)


def _mean(draw: Draw, pairs: BoolArray, what: str, calls: int) -> Draft:
    truth = NumberTruth(values=[_mean_of(draw, pairs, LEAST_PAIRS)], tolerance=MEAN_TOLERANCE)
    return Draft(f"What is the mean of all {draw.nouns.interactions} of {what}?", truth, calls)


def _mean_of(draw: Draw, pairs: BoolArray, least: int) -> float:
    require(draw.ledger.kind == "ratings")
    assert draw.ledger.value is not None
    values = draw.ledger.value[pairs]
    require(len(values) >= least)
    return round(float(values.mean()), 4)


def _margin(scores: DoubleArray) -> float:
    """The distance of the greatest score from the next one."""
    second, first = np.partition(scores, -2)[-2:].tolist()
    return float(first - second)


def _is_vague(draw: Draw, field: str) -> bool:
    """True for a category whose names cannot be told from ordinary words."""
    return not all(map(is_usable, draw.ledger.items.terms[field].names[:100]))
