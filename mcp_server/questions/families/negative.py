"""Questions without an answer: what they ask about does not exist, or was never named."""

import numpy as np

from mcp_server.questions.conditions import both, includes, is_above, is_or_are, is_usable, label
from mcp_server.questions.draw import Draft, Draw, require
from mcp_server.questions.ledger import words_of
from mcp_server.questions.truth import RefusalTruth
from mcp_server.types import Id

TITLES = ("The Quibbling Zephyr of Ombrosia", "Nineteen Lanterns for Vexmoor", "Grumbold and the Umbrella Tax")
"""Titles that no catalogue should have; one that does is not asked about."""

NAMES = ("Zebulon Quaxley", "Ottiwell Brambleforth", "Perpetua Vanderklomp")
"""Names that no category should have."""


def recommendations_for_nobody(draw: Draw) -> Draft:
    """Recommendations for a user who does not exist."""
    unknown = unknown_id(draw, draw.ledger.users.ids)
    return Draft(f"Recommend 3 {draw.nouns.items} to {draw.nouns.user} {unknown}.", RefusalTruth(), 1)


def history_of_nobody(draw: Draw) -> Draft:
    """The history of a user who does not exist."""
    unknown = unknown_id(draw, draw.ledger.users.ids)
    words = f"Which {draw.nouns.items} are in the history of {draw.nouns.user} {unknown}?"
    return Draft(words, RefusalTruth(), 1)


def field_of_unknown_item(draw: Draw) -> Draft:
    """A field of an item whose ID does not exist."""
    field = draw.one(draw.ledger.spec.items.fields)
    unknown = unknown_id(draw, draw.ledger.items.ids)
    return Draft(f"What {is_or_are(field)} the {label(field)} of {draw.nouns.item} {unknown}?", RefusalTruth(), 1)


def users_of_unknown_title(draw: Draw) -> Draft:
    """The number of users who have used an item whose title does not exist."""
    title = draw.one(TITLES)
    known = {" ".join(words_of(each or "")) for each in draw.ledger.titles}
    require(" ".join(words_of(title)) not in known)
    words = f'How many {draw.nouns.users} like the {draw.nouns.item} "{title}"?'
    return Draft(words, RefusalTruth(may_suggest=True), 2)


def items_of_unknown_name(draw: Draw) -> Draft:
    """The items of a category with a name that does not exist."""
    field, name = draw.one(draw.kinds), draw.one(NAMES)
    terms = draw.ledger.items.terms[field.name]
    require(name not in terms.names)
    words = f'Which {draw.nouns.items} are there whose {label(field)} {includes(field)} "{name}"?'
    return Draft(words, RefusalTruth(may_suggest=True), 1)


def items_beyond_the_limit(draw: Draw) -> Draft:
    """The items of a kind whose number is greater than that of any of them."""
    kind, field = draw.broad_kind(5), draw.one(draw.measures)
    numbers = draw.ledger.items.numbers[field.name][kind.mask]
    require(not np.isnan(numbers).all())
    greatest = float(np.nanmax(numbers))
    none = both(kind, is_above(draw.ledger.items, field.name, float(np.ceil(greatest + abs(greatest) * 0.02 + 1))))
    require(none.n == 0)
    return Draft(f"Which {draw.nouns.items} are there {none.words}?", RefusalTruth(may_suggest=True), 1)


def items_of_incompatible_kinds(draw: Draw) -> Draft:
    """The items that have two names which no item has together."""
    first, second = draw.kind(3), draw.kind(3)
    require(first.words != second.words and is_usable(second.name) and both(first, second).n == 0)
    return Draft(f"Which {draw.nouns.items} are there {both(first, second).words}?", RefusalTruth(may_suggest=True), 1)


def user_not_named(draw: Draw) -> Draft:
    """Recommendations for a user whose ID was not given."""
    words = f"Recommend 4 {draw.nouns.items} to the {draw.nouns.user} that I have in mind."
    return Draft(words, RefusalTruth(asks_back=True), 0)


def item_not_named(draw: Draw) -> Draft:
    """The users of an item that was not named."""
    words = f"What percentage of all {draw.nouns.users} like the {draw.nouns.item} that my colleague told me about?"
    return Draft(words, RefusalTruth(asks_back=True), 0)


def history_not_named(draw: Draw) -> Draft:
    """The history of a user whose ID was not given."""
    words = f"What is in the history of that {draw.nouns.user}?"
    return Draft(words, RefusalTruth(asks_back=True), 0)


TEMPLATES = (
    recommendations_for_nobody,
    users_of_unknown_title,
    items_beyond_the_limit,
    user_not_named,
    field_of_unknown_item,
    items_of_unknown_name,
    items_of_incompatible_kinds,
    item_not_named,
    history_of_nobody,
    history_not_named,
)


def unknown_id(draw: Draw, ids: list[Id]) -> Id:
    """An ID of the same kind that nothing has."""
    require(bool(ids))
    number = int(draw.rng.integers(10, 99))
    unknown: Id = max(ids) * 10 + number if isinstance(ids[0], int) else f"nobody-{number}"  # type: ignore[operator]
    require(unknown not in ids)
    return unknown
