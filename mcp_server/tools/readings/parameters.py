"""The arguments of a tool by kind: what decides how a value is read."""

from __future__ import annotations

import types
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from mcp_server.dataset.computed_fields import computed_fields, rating_unit
from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.ids import IdOf
from mcp_server.tools.limits import DateLimits, IsDate, IsOrder, NumberLimits
from mcp_server.tools.readings.units import NO_UNIT, Unit

if TYPE_CHECKING:
    from mcp_server.dataset.facts import DatasetFacts

WHERE, EXCLUDE = "where", "exclude"
"""Arguments that hold conditions on fields: those that must hold, and those that must not."""

GROUPS = "user_group"
"""Name of the argument that takes groups of users, in every tool that has it."""

EMPTY_CHOICE = frozenset({"items"})
"""Arguments of which an empty list means that there is nothing to choose from, instead of nothing said."""


class Kind(Enum):
    """The kinds of arguments that are read each in its own way."""

    ID = auto()
    """The ID of a user or an item."""
    SET = auto()
    """A handle of an item set."""
    CHOICE = auto()
    """One of several words."""
    GROUP = auto()
    """A group of users."""
    NAME = auto()
    """A name in a category, or words of a text, of the catalogue."""
    NUMBER_LIMITS = auto()
    DATE_LIMITS = auto()
    DATE = auto()
    ORDER = auto()
    """A field, and the direction in which items are put in order by it."""
    INTEGER = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    FIELDS = auto()
    """An object of fields and the values that they take as arguments."""
    TEXT = auto()
    """Text in the person's own words."""
    OTHER = auto()
    """Anything else: it is left to the model of the arguments."""


@dataclass(frozen=True)
class Parameter:
    """One argument of a tool."""

    name: str
    kind: Kind
    many: bool = False
    """True for a list of values."""
    whose: Literal["user", "item"] | None = None
    """Whose IDs it takes."""
    is_integer: bool = False
    """True for IDs that are whole numbers."""
    choices: tuple[str, ...] = ()
    """All words that it takes, where they are known."""
    is_condition: bool = False
    """True for a condition on a field of items."""
    field: FieldSpec | None = None
    """The declaration of the field, where the dataset has one."""
    unit: Unit = NO_UNIT
    """The unit of its numbers."""


def parameters_of(
    model: type[BaseModel], facts: DatasetFacts, known: Collection[str], choices: Mapping[str, Collection[str]]
) -> dict[str, Parameter]:
    """The arguments of a tool, by name.

    Args:
        model: Model of the arguments.
        known: Names of those that the dataset has.
        choices: Arguments that take names, and the names that there are.
    """
    fields = {field.name: field for field in facts.spec.filters}
    units = {name: field.unit or "" for name, field in fields.items()}
    if EXCLUDE in known:
        units |= {field.name: field.unit for field in computed_fields(facts.spec)}
    conditions = set(units)
    units.setdefault("rating", rating_unit(facts.spec))
    found = {}
    for name in known:
        declared = model.model_fields[name]
        parts = [*declared.metadata, *_parts(declared.annotation)]
        found[name] = _kind_of(name, parts, choices.get(name, ()))
        if name in conditions and found[name].kind in OF_FIELDS:
            found[name] = replace(found[name], is_condition=True, field=fields.get(name))
        if name in units:
            found[name] = replace(found[name], unit=Unit(units[name], noun=name.split("_")[-1]))
    return found


OF_FIELDS = (Kind.NAME, Kind.NUMBER_LIMITS, Kind.DATE_LIMITS, Kind.BOOLEAN)
"""Kinds of the arguments that fields of items become."""


def _kind_of(name: str, parts: list[Any], choices: Collection[str]) -> Parameter:
    many = list in parts
    identifies = next((part for part in parts if isinstance(part, IdOf)), None)
    literals = [value for part in parts if get_origin(part) is Literal for value in get_args(part)]
    kind = next((kind for kind, test in _TESTS if any(map(test, parts))), Kind.OTHER)
    if identifies is not None:
        return Parameter(name, Kind.ID, many, identifies.whose, is_integer=int in parts)
    if name == GROUPS:
        return Parameter(name, Kind.GROUP, many, choices=tuple(choices))
    if name == "item_set":
        return Parameter(name, Kind.SET, many=True)
    if literals or choices:
        return Parameter(name, Kind.CHOICE, many, choices=tuple(choices or literals))
    if kind is Kind.TEXT and many:
        return Parameter(name, Kind.NAME, many)
    return Parameter(name, kind, many)


_TESTS: tuple[tuple[Kind, Any], ...] = (
    (Kind.NUMBER_LIMITS, lambda part: isinstance(part, type) and issubclass(part, NumberLimits)),
    (Kind.DATE_LIMITS, lambda part: isinstance(part, type) and issubclass(part, DateLimits)),
    (Kind.FIELDS, lambda part: isinstance(part, type) and issubclass(part, BaseModel)),
    (Kind.DATE, lambda part: isinstance(part, IsDate)),
    (Kind.ORDER, lambda part: isinstance(part, IsOrder)),
    (Kind.BOOLEAN, lambda part: part is bool),
    (Kind.INTEGER, lambda part: part is int),
    (Kind.NUMBER, lambda part: part is float),
    (Kind.TEXT, lambda part: part is str),
)
"""Kinds, and the parts of an annotation by which they are told; the first that applies counts."""


def _parts(annotation: Any) -> Iterator[Any]:
    """Everything that an annotation is made of, without None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        yield from metadata
        yield from _parts(inner)
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _parts(part)
    elif origin is list:
        yield list
        yield from _parts(get_args(annotation)[0])
    elif annotation is not type(None):
        yield annotation
