"""Looking up what an item or a user is."""

import math

from mcp_server.dataset.fields import FieldSpec
from mcp_server.questions.columns import Columns
from mcp_server.questions.conditions import VAGUE, is_or_are, label
from mcp_server.questions.draw import Draft, Draw, require
from mcp_server.questions.truth import NamesTruth, NumberTruth


def title_of_item(draw: Draw) -> Draft:
    """The title of an item that is named by its ID."""
    item = draw.item()
    words = f"What is the title of {draw.nouns.item} {draw.ledger.items.ids[item]}?"
    return Draft(words, NamesTruth(part="items", field=draw.ledger.spec.items.title, names=[draw.title(item)]), 1)


def number_of_item(draw: Draw) -> Draft:
    """A number of an item that is named by its title."""
    items, item = draw.ledger.items, draw.item()
    field = draw.one(
        [field for field in draw.ledger.spec.items.fields if field.kind == "number" and field.part != "month"]
    )
    value = float(items.numbers[field.name][item])
    require(not math.isnan(value))
    words = f'What {is_or_are(field)} the {label(field)} of the {draw.nouns.item} "{draw.title(item)}"?'
    return Draft(words, NumberTruth(values=[value], tolerance=_tolerance(value), context=context_of(draw, item)), 2)


def names_of_item(draw: Draw) -> Draft:
    """All names that an item has in a category."""
    items, item = draw.ledger.items, draw.item()
    field = draw.one([field for field in draw.ledger.spec.items.fields if field.kind == "category"])
    names = _names(items, field, item)
    words = f'What {is_or_are(field)} the {label(field)} of the {draw.nouns.item} "{draw.title(item)}"?'
    return Draft(words, NamesTruth(part="items", field=field.name, names=names, whole=field.many), 2)


def number_of_user(draw: Draw) -> Draft:
    """A number of a user, such as the age."""
    users, user = draw.ledger.users, draw.user()
    field = draw.one([field for field in draw.ledger.spec.users.fields if field.kind == "number"])
    value = float(users.numbers[field.name][user])
    require(not math.isnan(value))
    words = f"What {is_or_are(field)} the {label(field)} of {draw.nouns.user} {users.ids[user]}?"
    return Draft(words, NumberTruth(values=[value], tolerance=_tolerance(value)), 1)


def name_of_user(draw: Draw) -> Draft:
    """The name that a user has in a category, such as the occupation."""
    users, user = draw.ledger.users, draw.user()
    field = draw.one([field for field in draw.ledger.spec.users.fields if field.kind == "category"])
    words = f"What {is_or_are(field)} the {label(field)} of {draw.nouns.user} {users.ids[user]}?"
    return Draft(words, NamesTruth(part="users", field=field.name, names=_names(users, field, user)), 1)


def difference_of_items(draw: Draw) -> Draft:
    """The difference between two items in a number."""
    items, first, second = draw.ledger.items, draw.item(), draw.item()
    field = draw.one([field for field in draw.measures if field.kind == "number"])
    of_first, of_second = (float(items.numbers[field.name][item]) for item in (first, second))
    require(first != second and not math.isnan(of_first - of_second) and of_first != of_second)
    words = (
        f'By how much do the {draw.nouns.items} "{draw.title(first)}" and "{draw.title(second)}" differ in their '
        f"{label(field)}?"
    )
    context = [*context_of(draw, first), *context_of(draw, second)]
    value = abs(of_first - of_second)
    require(value not in context)
    return Draft(words, NumberTruth(values=[value], tolerance=_tolerance(value), context=context), 2)


TEMPLATES = (title_of_item, number_of_item, names_of_item, number_of_user, name_of_user, difference_of_items)


def context_of(draw: Draw, item: int) -> list[float]:
    """The years of an item, which a text may name beside its title."""
    columns = draw.ledger.items
    years = {float(columns.numbers[field.name][item]) for field in draw.years}
    return sorted(year for year in years if not math.isnan(year))


def _names(columns: Columns, field: FieldSpec, position: int) -> list[str]:
    terms = columns.terms[field.name]
    names = [terms.names[code] for code in terms.of_record(position)]
    require(0 < len(names) <= 8 and not any(name.casefold() in VAGUE or len(name) < 2 for name in names))
    return names


def _tolerance(value: float) -> float:
    """Half a unit of the second decimal, for numbers that are not whole."""
    return 0.0 if value.is_integer() else 0.005
