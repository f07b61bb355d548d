"""The arguments of the filter tool: one for each field of items that can be filtered.

A dataset may have more such fields than a list of tools has room for. Then the most telling ones have arguments of
their own, and all others are reached through one argument, ``where``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, create_model
from pydantic.json_schema import SkipJsonSchema

from mcp_server.dataset.computed_fields import computed_fields
from mcp_server.dataset.facts import DatasetCard, DatasetFacts, Feature
from mcp_server.dataset.fields import FieldSpec
from mcp_server.tools.arguments import Arguments, Detail, K, OneOrMore
from mcp_server.tools.limits import BriefDateLimits, BriefNumberLimits, DateLimits, IsOrder, NumberLimits

N_LISTED = 10
"""Items that are listed, where a caller does not say how many."""

MOST_FIELDS = 20
"""Fields with an argument of their own."""

MOST_NAMES_SHOWN = 30
"""A category with no more names than this is listed in full in the argument's description, where there is room."""

ROOM_FOR_NAMES = 1_200
"""Characters that the names in all descriptions have together."""

LONGEST_EXAMPLE = 60
"""Characters of a name that is shown as an example."""

Names = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=255)]],
    OneOrMore,
    Field(min_length=1, max_length=50),
]


@dataclass(frozen=True)
class _Form:
    """The types of arguments by the kind of their field, and what they cost in every conversation."""

    types: Mapping[str, Any]
    sizes: Mapping[str, int]
    """Characters of an argument's schema, beside its name and description."""
    room: int
    """Characters that all schemas have together. Some 3.5 characters are a token."""


WHOLE = _Form(
    {"category": Names, "text": Names, "number": NumberLimits, "date": DateLimits, "boolean": bool},
    {"category": 70, "text": 70, "number": 150, "date": 150, "boolean": 40},
    2_100,
)

BRIEF = _Form(
    {**WHOLE.types, "number": BriefNumberLimits, "date": BriefDateLimits},
    {**WHOLE.sizes, "number": 90, "date": 90},
    1_450,
)
"""For datasets whose fields are too many for the other form."""

EXCLUDED = '"No X": leave out what meets any of these; fields as above.'

KINDS = {
    "category": "names",
    "text": "words",
    "number": "numbers with limits",
    "date": "dates with limits",
    "boolean": "true or false",
}
"""Words for the values that callers give for a field, by its kind."""


class FilterArguments(Arguments):
    """Arguments beside those that the dataset's fields become."""

    match: Annotated[Literal["all", "any"], Feature.FILTERED_NAMES] = Field(
        "all", description="Of several names in a list."
    )
    order_by: Annotated[str, IsOrder()] | None = Field(
        None, description="A number or date, or {computed} (which take limits, too), greatest first; 'X asc': least."
    )
    detail: Detail = "compact"
    k: SkipJsonSchema[K] = N_LISTED
    """Items to list. Few callers need to know of it, so it is left out of the schema."""


def build_arguments(facts: DatasetFacts) -> type[FilterArguments]:
    """The model of the arguments for a dataset."""
    ranked = _rank(facts)
    described = {field.name: describe_field(field, facts) for field in ranked}
    form, own = WHOLE, _fitting(ranked, described, WHOLE)
    if len(own) < len(ranked):
        described = {field.name: describe_field(field, facts, list_names=False) for field in ranked}
        form, own = BRIEF, _fitting(ranked, described, BRIEF)
    arguments: dict[str, Any] = {}
    excluded: dict[str, Any] = {}
    example = next((field for field in ranked if field.kind == "category"), ranked[0] if ranked else None)
    for field in facts.spec.filters:
        shown = form.types[field.kind] | None
        hidden: Any = Annotated[shown, SkipJsonSchema()]  # type: ignore[type-arg]
        arguments[field.name] = (shown if field in own else hidden, Field(None, description=described[field.name]))
        excluded[field.name] = (shown if field is example else hidden, None)
    for computed in computed_fields(facts.spec):
        limits: Any = Annotated[NumberLimits | None, SkipJsonSchema()]  # type: ignore[type-arg]
        arguments[computed.name] = excluded[computed.name] = (limits, None)
    arguments["exclude"] = (create_model("Excluded", **excluded) | None, Field(None, description=EXCLUDED))
    others = [field for field in facts.spec.filters if field not in own]
    if others:
        arguments["where"] = (_where(others, form) | None, Field(None, description=_describe_where(others)))
    return create_model("FieldArguments", __base__=FilterArguments, **arguments)


def _rank(facts: DatasetFacts) -> list[FieldSpec]:
    """The fields that can be filtered, the most telling first: the title, the fields of the summary, then the others as
    declared, since that order is the owner's. Those that do not divide the catalogue stand behind all others.
    """
    spec, card = facts.spec, facts.card
    first = [spec.items.title, *(field.name for field in spec.summary)]

    def rank(field: FieldSpec) -> tuple[bool, int]:
        place = first.index(field.name) if field.name in first else len(first)
        return card is not None and not _divides(field, card), place

    return sorted(spec.filters, key=rank)


def _fitting(ranked: list[FieldSpec], described: Mapping[str, str], form: _Form) -> list[FieldSpec]:
    """The first fields, as many as there is room for."""
    sizes = [form.sizes[field.kind] + len(field.name) + len(described[field.name]) for field in ranked]
    return [field for field, size in zip(ranked[:MOST_FIELDS], accumulate(sizes), strict=False) if size <= form.room]


def _divides(field: FieldSpec, card: DatasetCard) -> bool:
    """False where a field is known to have no value, or only one."""
    if field.kind == "category":
        return card.term_counts.get(field.name, 0) > 1
    if field.kind in ("number", "date"):
        least, greatest = card.spans.get(field.name, (None, None))
        return least != greatest
    return True


def _where(others: Iterable[FieldSpec], form: _Form) -> Any:
    """The type of ``where``. Its schema shows one of the fields: some hosts refuse objects without properties."""
    example = next(iter(others))
    shown: dict[str, Any] = {example.name: (form.types[example.kind] | None, None)}
    return create_model("Where", __config__=ConfigDict(extra="allow"), **shown)


def _describe_where(others: Iterable[FieldSpec]) -> str:
    by_kind: dict[str, list[str]] = {}
    for field in others:
        by_kind.setdefault(KINDS[field.kind], []).append(field.name)
    kinds = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in by_kind.items())
    return f"More fields, by name, with values as arguments take them. {kinds[:1].upper()}{kinds[1:]}."


def describe_field(field: FieldSpec, facts: DatasetFacts, *, list_names: bool = True) -> str:
    """A field's label, where it says more than the name, and its values. Braces in them are no nouns to fill in.

    Args:
        list_names: All names of a category with few of them, instead of an example.
    """
    values = _describe_values(field, facts, list_names=list_names)
    label = field.title if field.title.lower() != field.name.replace("_", " ") or not values else ""
    text = ": ".join(part for part in (label, values) if part)
    return f"{text[:1].upper()}{text[1:]}.".replace("{", "{{").replace("}", "}}")


def _describe_values(field: FieldSpec, facts: DatasetFacts, *, list_names: bool) -> str:
    if field.kind == "boolean":
        return "true or false"
    if field.kind == "text":
        return "words of it suffice"
    if facts.card is None:
        return (field.unit or "") if field.kind == "number" else ""
    if field.kind == "category":
        names = facts.card.terms.get(field.name, [])
        few = facts.card.term_counts.get(field.name, 0) <= MOST_NAMES_SHOWN
        return _describe_names(names, facts) if list_names and few else _example_of(names)
    least, greatest = facts.card.spans.get(field.name, ("", ""))
    span = f"{least} to {greatest}" if least else ""
    return " ".join(part for part in (span, field.unit) if part)


def _describe_names(names: list[str], facts: DatasetFacts) -> str:
    """All names, where there is room for them."""
    n_categories = sum(field.kind == "category" for field in facts.spec.filters)
    whole = ", ".join(names)
    return whole if len(whole) <= ROOM_FOR_NAMES // n_categories else _example_of(names)


def _example_of(names: list[str]) -> str:
    example = next((name for name in names if len(name) <= LONGEST_EXAMPLE), None)
    return f"such as {example}" if example else ""
