"""Items that meet conditions: all of them, those left by an exclusion, or their number."""

import numpy as np

from mcp_server.questions.conditions import Condition, both, has_either, has_name, is_between
from mcp_server.questions.draw import Draft, Draw, require
from mcp_server.questions.families.lookup import context_of
from mcp_server.questions.truth import ListTruth, NumberTruth
from mcp_server.types import BoolArray

MOST_ITEMS = 9
"""Items that a question may ask to be listed; ten are shown by a first call."""


def two_kinds(draw: Draw) -> Draft:
    """All items that have two names, in one category or in two."""
    item = draw.item()
    first, second = draw.kind_of(item, draw.one(draw.kinds)), draw.kind_of(item, draw.one(draw.kinds))
    require(first.words != second.words and first.n > MOST_ITEMS / 3)
    return _list_all(draw, both(first, second))


def kind_within_limit(draw: Draw) -> Draft:
    """All items of a kind below or above a limit."""
    kind = draw.kind(3, 200)
    return _list_all(draw, both(kind, draw.limit(kind.mask)))


def kind_in_range(draw: Draw) -> Draft:
    """All items of a kind with a number in a range."""
    kind, field = draw.kind(5), draw.one(draw.measures)
    numbers = draw.ledger.items.numbers[field.name]
    known = np.unique(numbers[kind.mask & ~np.isnan(numbers)])
    require(len(known) >= 4)
    begin = int(draw.rng.integers(1, len(known) - 2))
    end = min(begin + int(draw.rng.integers(1, 4)), len(known) - 2)
    require(begin < end)
    return _list_all(draw, both(kind, is_between(draw.ledger.items, field.name, known[begin], known[end])))


def either_kind(draw: Draw) -> Draft:
    """All items that have at least one of two names."""
    field = draw.one(draw.kinds)
    first, second = draw.kind(1, MOST_ITEMS, field), draw.kind(1, MOST_ITEMS, field)
    require(first.name != second.name)
    return _list_all(draw, has_either(first, second, field))


def kind_without_kind(draw: Draw) -> Draft:
    """All items of a kind but those of another one."""
    kept, left_out = _kind_and_exclusion(draw, 3, 4 * MOST_ITEMS)
    words = f"List all {draw.nouns.items} {kept.words}, but leave out those {left_out.words}."
    return Draft(words, _all_of(draw, kept.mask & ~left_out.mask), 1)


def count_without_kind(draw: Draw) -> Draft:
    """The number of items of a kind that are not of another one."""
    kept, left_out = _kind_and_exclusion(draw, 10, None)
    words = f"How many {draw.nouns.items} {kept.words} are there, not counting those {left_out.words}?"
    return Draft(words, count_of(draw, kept.mask & ~left_out.mask), 1)


def count_without_limit(draw: Draw) -> Draft:
    """The number of items of a kind that are not below or above a limit, where all of them have the number."""
    kind = draw.kind(10)
    limit = draw.limit(kind.mask)
    require(not np.isnan(draw.ledger.items.numbers[limit.field][kind.mask]).any())
    words = f"How many {draw.nouns.items} {kind.words} are there, not counting those {limit.words}?"
    return Draft(words, count_of(draw, kind.mask & ~limit.mask), 1)


def count_items(draw: Draw) -> Draft:
    """The number of all items."""
    return Draft(
        f"How many {draw.nouns.items} are in the catalogue?",
        count_of(draw, np.ones(len(draw.ledger.items), dtype=bool)),
        1,
    )


def count_users(draw: Draw) -> Draft:
    """The number of all users."""
    return Draft(f"How many {draw.nouns.users} are there?", NumberTruth(values=[len(draw.ledger.users)]), 1)


def count_kind(draw: Draw) -> Draft:
    """The number of items of a kind."""
    kind = draw.kind(3)
    return Draft(f"How many {draw.nouns.items} are there {kind.words}?", count_of(draw, kind.mask), 1)


def count_kind_within_limit(draw: Draw) -> Draft:
    """The number of items of a kind below or above a limit."""
    kind = draw.kind(8)
    both_hold = both(kind, draw.limit(kind.mask))
    return Draft(f"How many {draw.nouns.items} are there {both_hold.words}?", count_of(draw, both_hold.mask), 1)


def count_two_kinds(draw: Draw) -> Draft:
    """The number of items that have two names."""
    item = draw.item()
    first, second = draw.kind_of(item, draw.broad_field), draw.kind_of(item, draw.one(draw.kinds))
    require(first.words != second.words)
    both_hold = both(first, second)
    return Draft(f"How many {draw.nouns.items} are there {both_hold.words}?", count_of(draw, both_hold.mask), 1)


def count_flag(draw: Draw) -> Draft:
    """The number of items of which something is true."""
    field = draw.one([field for field in draw.ledger.spec.filters if field.kind == "boolean"])
    terms = draw.ledger.items.terms[field.name]
    flag = has_name(draw.ledger.items, field.name, draw.one(range(len(terms.names))))
    return Draft(f"How many {draw.nouns.items} are there {flag.words}?", count_of(draw, flag.mask), 1)


def count_users_of_item(draw: Draw) -> Draft:
    """The number of users who have interacted with an item."""
    item = draw.item()
    n_users = int(np.count_nonzero(draw.ledger.is_used & (draw.ledger.item == item)))
    words = (
        f"How many {draw.nouns.users} have at least one {draw.nouns.interaction} for the {draw.nouns.item} "
        f'"{draw.title(item)}"?'
    )
    return Draft(words, NumberTruth(values=[n_users], context=context_of(draw, item)), 2)


FILTER = (two_kinds, kind_within_limit, kind_in_range, either_kind)
EXCLUSION = (kind_without_kind, count_without_kind, kind_without_kind, count_without_limit)
COUNTING = (
    count_items,
    count_users,
    count_kind,
    count_kind_within_limit,
    count_two_kinds,
    count_flag,
    count_users_of_item,
)


def count_of(draw: Draw, mask: BoolArray) -> NumberTruth:
    """The number of items of a mask. Items that are listed twice may be counted once or twice."""
    counts = {int(np.count_nonzero(mask)), draw.ledger.n_distinct(mask)}
    require(0 not in counts)
    return NumberTruth(values=sorted(counts))


def _list_all(draw: Draw, condition: Condition) -> Draft:
    return Draft(f"List all {draw.nouns.items} {condition.words}.", _all_of(draw, condition.mask), 1)


def _all_of(draw: Draw, mask: BoolArray) -> ListTruth:
    ledger = draw.ledger
    positions = np.flatnonzero(mask)
    titled = all(bool(ledger.titles[position]) for position in positions)
    require(titled and 1 <= len(positions) <= MOST_ITEMS and not ledger.has_twin[positions].any())
    ids = draw.item_ids(positions)
    return ListTruth(all_of=ids, allowed=ids)


def _kind_and_exclusion(draw: Draw, least: int, most: int | None) -> tuple[Condition, Condition]:
    """A kind, and another one that some of its items have."""
    kept = draw.kind(least, most)
    left_out = draw.kind_of(draw.position(kept.mask), draw.one(draw.kinds))
    n_left_out = int(np.count_nonzero(kept.mask & left_out.mask))
    require(left_out.words != kept.words and 0 < n_left_out < kept.n)
    return kept, left_out
