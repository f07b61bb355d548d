"""Conditions on items and groups of users, in words and as masks, drawn from the values that a catalogue has."""

from dataclasses import dataclass

import numpy as np

from mcp_server.dataset.fields import FieldSpec
from mcp_server.questions.columns import Columns, means_years
from mcp_server.types import BoolArray, DoubleArray

LONGEST_NAME = 40
"""Characters of a name that a question may have."""

VAGUE = frozenset({"other", "none", "unknown", "n/a", "no", "all", "any", "misc", "various"})
"""Names that mean no one thing."""


@dataclass(frozen=True)
class Condition:
    """A condition on items or users."""

    words: str
    """A clause that follows the noun: "whose genres include Comedy"."""
    mask: BoolArray
    """(n_records,): True where it holds."""
    field: str
    name: str = ""
    """For a category, the name that must be there."""

    @property
    def n(self) -> int:
        """The number of records that meet it."""
        return int(np.count_nonzero(self.mask))


def label(field: FieldSpec) -> str:
    """People's word for a field, within a sentence."""
    title = field.title
    return title[0].lower() + title[1:] if title[1:] == title[1:].lower() else title


def is_usable(name: str) -> bool:
    """True for a name that can stand in a question without being misread."""
    return (
        3 <= len(name) <= LONGEST_NAME
        and name.casefold() not in VAGUE
        and name[0].isalpha()
        and not any(sign in name for sign in '"“”\n;,')
    )


def has_name(columns: Columns, field: str, code: int) -> Condition:
    """The condition that a category has a name, or that a boolean has a value."""
    spec, terms = columns.fields[field], columns.terms[field]
    name = terms.names[code]
    return Condition(f"whose {label(spec)} {includes(spec)} {name}", terms.holds(code), field, name)


def has_either(first: Condition, second: Condition, field: FieldSpec) -> Condition:
    """The condition that a category has at least one of two names."""
    words = f"whose {label(field)} {includes(field)} {first.name} or {second.name}"
    return Condition(words, first.mask | second.mask, field.name)


def is_above(columns: Columns, field: str, limit: float) -> Condition:
    """The condition that a number is greater than a limit."""
    spec = columns.fields[field]
    word = "after" if means_years(spec) else "above"
    return Condition(
        f"whose {label(spec)} {is_or_are(spec)} {word} {shown(limit, spec)}", columns.numbers[field] > limit, field
    )


def is_below(columns: Columns, field: str, limit: float) -> Condition:
    """The condition that a number is less than a limit."""
    spec = columns.fields[field]
    word = "before" if means_years(spec) else "below"
    return Condition(
        f"whose {label(spec)} {is_or_are(spec)} {word} {shown(limit, spec)}", columns.numbers[field] < limit, field
    )


def is_between(columns: Columns, field: str, least: float, greatest: float) -> Condition:
    """The condition that a number is in a range, both ends included."""
    spec, numbers = columns.fields[field], columns.numbers[field]
    ends = f"at least {shown(least, spec)} and at most {shown(greatest, spec)}"
    if means_years(spec):
        ends = f"from {least:.0f} to {greatest:.0f}, both included"
    return Condition(f"whose {label(spec)} {is_or_are(spec)} {ends}", within(numbers, least, greatest), field)


def within(numbers: DoubleArray, least: float, greatest: float) -> BoolArray:
    """True where a number is in a range, both ends included; unknown ones are not."""
    found: BoolArray = (numbers >= least) & (numbers <= greatest)
    return found


def both(first: Condition, second: Condition) -> Condition:
    """The condition that two conditions hold."""
    return Condition(f"{first.words} and {second.words}", first.mask & second.mask, first.field)


def shown(number: float, field: FieldSpec) -> str:
    """A number with its unit, as a question writes it. Years have no thousands."""
    text = f"{number:.0f}" if means_years(field) else f"{number:,.10g}"
    return text if field.unit is None or means_years(field) else f"{text} {field.unit}"


def is_or_are(field: FieldSpec) -> str:
    """The verb for a field's label."""
    return "are" if field.title.endswith("s") and not field.title.endswith("ss") else "is"


def includes(field: FieldSpec) -> str:
    """The verb between a field's label and one of its names."""
    if not field.many:
        return "is"
    return "include" if field.title.endswith("s") else "includes"
