"""Conversations: the last question refers to the answer before it."""

import math

import numpy as np

from mcp_server.questions.conditions import both, is_or_are, label
from mcp_server.questions.draw import Draft, Draw, require, top
from mcp_server.questions.families.filters import count_of
from mcp_server.questions.families.lookup import context_of
from mcp_server.questions.families.popularity import HALF_A_PERCENT, meaning_of_liking
from mcp_server.questions.truth import ListTruth, NumberTruth


def users_of_it(draw: Draw) -> Draft:
    """An item's title, then the number of its users."""
    item = draw.item()
    turns = [
        f"What is the title of {draw.nouns.item} {draw.ledger.items.ids[item]}?",
        f"How many {draw.nouns.users} have at least one {draw.nouns.interaction} for it?",
    ]
    n_users = int(np.count_nonzero(draw.ledger.is_used & (draw.ledger.item == item)))
    return Draft(turns, NumberTruth(values=[n_users], context=context_of(draw, item)), 2)


def second_of_them(draw: Draw) -> Draft:
    """The most popular items, then a number of the second one."""
    ledger = draw.ledger
    require(ledger.kind != "events")
    best = top(ledger.per_item, 3)
    second = int(best[1])
    require(
        bool(
            np.all(np.diff(ledger.per_item[best]) < 0) and ledger.plain[best].all() and ledger.recommendable[best].all()
        )
    )
    field = draw.one([field for field in ledger.spec.items.fields if field.kind == "number" and field.part != "month"])
    value = float(ledger.items.numbers[field.name][second])
    require(not math.isnan(value))
    turns = [
        f"Which 3 {draw.nouns.items} have the most {draw.nouns.interactions} by all {draw.nouns.users}?",
        f"What {is_or_are(field)} the {label(field)} of the second one?",
    ]
    truth = NumberTruth(
        values=[value], tolerance=0.0 if value.is_integer() else 0.005, context=context_of(draw, second)
    )
    return Draft(turns, truth, 2)


def fewer_of_them(draw: Draw) -> Draft:
    """The number of items of a kind, then of those within a limit."""
    kind = draw.kind(8)
    limit = draw.limit(kind.mask)
    turns = [
        f"How many {draw.nouns.items} are there {kind.words}?",
        f"And how many of them are {draw.nouns.items} {limit.words}?",
    ]
    truth = count_of(draw, both(kind, limit).mask)
    return Draft(turns, truth.model_copy(update={"context": count_of(draw, kind.mask).values}), 2)


def kind_of_history(draw: Draw) -> Draft:
    """The length of a history, then the number of its items of a kind."""
    user = draw.user(5)
    items = draw.ledger.item[draw.ledger.of_user(user)]
    require(not draw.ledger.has_twin[items].any())
    kind = draw.kind_of(int(draw.number(items)), draw.broad_field)
    turns = [
        f"How many different {draw.nouns.items} are in the history of {draw.nouns.user} {draw.ledger.users.ids[user]}?",
        f"How many of these are {draw.nouns.items} {kind.words}?",
    ]
    number = int(np.count_nonzero(kind.mask[items]))
    return Draft(turns, NumberTruth(values=[number], context=[float(len(items))]), 2)


def share_of_a_group(draw: Draw) -> Draft:
    """The share of all users who like an item, then that of a group."""
    item, group = draw.item(), draw.group()
    only = np.arange(len(draw.ledger.items)) == item
    percentage = 100 * draw.ledger.n_likers(only, group.mask) / group.n
    require(3 <= percentage <= 97)
    turns = [
        f'What percentage of all {draw.nouns.users} like "{draw.title(item)}"{meaning_of_liking(draw)}?',
        f"And what percentage of the {draw.nouns.users} {group.words}?",
    ]
    return Draft(turns, NumberTruth(values=[round(percentage, 3)], tolerance=HALF_A_PERCENT, percent=True), 3)


def recommendation_of_a_kind(draw: Draw) -> Draft:
    """A user's history, then recommendations of a kind."""
    user, kind, k = draw.user(5), draw.broad_kind(10), int(draw.rng.integers(2, 7))
    seen = draw.ledger.with_twins(draw.ledger.item[draw.ledger.of_user(user)])
    allowed = kind.mask & draw.ledger.recommendable
    allowed[seen] = False
    turns = [
        f"How many different {draw.nouns.items} are in the history of {draw.nouns.user} {draw.ledger.users.ids[user]}?",
        f"Recommend {k} others to this {draw.nouns.user}, all of them {draw.nouns.items} {kind.words}.",
    ]
    ids = draw.short_list(allowed)
    require(len(ids) >= 2 * k)
    return Draft(turns, ListTruth(allowed=ids, count=k), 3)


TEMPLATES = (users_of_it, fewer_of_them, kind_of_history, second_of_them, share_of_a_group, recommendation_of_a_kind)
