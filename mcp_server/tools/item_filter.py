"""Items by their attributes: one argument for each field that the dataset declares filterable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from mcp_server.dataset.spec import FieldSpec
from mcp_server.errors import InvalidInputError
from mcp_server.tools.base import (
    Arguments,
    Facts,
    ItemId,
    ListedItem,
    OneOrMore,
    Result,
    Tool,
    Truthless,
    count_of,
    list_items,
    make_tool,
    with_ids,
)

if TYPE_CHECKING:
    from mcp_server.backends import Backends
    from mcp_server.catalog.selection import Condition

N_LISTED = 10

MOST_NAMES_SHOWN = 30
"""A category with no more names than this is listed in full in the argument's description."""

DESCRIPTION = """
Finds {items} by their attributes; all arguments that are given must hold. Returns how many there are, a handle
(item_set) for all of them, and the first ten. Pass the item_set on to the other tools: to
get_top_k_recommendations_tool to recommend among them, to get_item_metadata_tool to read more of them. Names are
matched even if misspelt; corrections are in the result and should be told.
"""

SEARCH_HINT = "Not for what {items} are about: that is for vector_store_search_tool."


Limit = Annotated[float, Truthless, Field(allow_inf_nan=False)]


class Bounds(BaseModel):
    """Limits of a number."""

    model_config = ConfigDict(extra="forbid")

    gt: Limit | None = Field(None, description="Greater than.")
    gte: Limit | None = Field(None, description="At least.")
    lt: Limit | None = Field(None, description="Less than.")
    lte: Limit | None = Field(None, description="At most.")
    eq: Limit | None = Field(None, description="Equal to.")

    @model_validator(mode="before")
    @classmethod
    def _number_is_equality(cls, value: Any) -> Any:
        """``1994`` means ``{"eq": 1994}``."""
        return {"eq": value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _some_limit(self) -> Bounds:
        if not self.given:
            raise ValueError('give at least one of gt, gte, lt, lte, eq, such as {"gt": 6}')
        return self

    @property
    def given(self) -> dict[str, float]:
        return self.model_dump(exclude_none=True)


class Correction(BaseModel):
    """A name that was taken for another."""

    field: str
    asked: str = Field(description="The name as given.")
    used: list[str] = Field(description="The names it was taken for.")


class NotFound(BaseModel):
    """A name that nothing in the catalogue is near to."""

    field: str
    asked: str = Field(description="The name as given.")
    suggestions: list[str] = Field(description="Names to try instead.")


class FilterResult(Result, Generic[ItemId]):
    count: int = Field(description="How many {items} there are.")
    item_set: str = Field(default="", description="Handle for all of them; missing where there are none.")
    items: list[ListedItem[ItemId]] = Field(description="The first ten, those with most {interactions} first.")
    corrections: list[Correction] = Field(default_factory=list, description="Names that were taken for others.")
    not_found: list[NotFound] = Field(default_factory=list, description="Names that are not in the catalogue.")


def build(facts: Facts) -> Tool | None:
    """None where the dataset declares no filterable field."""
    fields = facts.spec.filters
    if not fields:
        return None
    result = with_ids(FilterResult, facts.item_id_type)
    definitions: dict[str, Any] = {field.name: _argument(field, facts) for field in fields}
    if any(field.kind != "number" for field in fields):
        definitions["match"] = (
            Literal["all", "any"],
            Field("all", description="Within one list of names: all of them must be the {item}'s, or any."),
        )
    arguments = create_model("FilterArguments", __base__=Arguments, **definitions)

    async def run(backends: Backends, given: Arguments) -> Result:
        return result(**await filter_items(backends, fields, given))

    return make_tool(
        facts,
        name="item_filter_tool",
        title="Find {items} by attributes",
        description=f"{DESCRIPTION} {SEARCH_HINT}" if facts.spec.search else DESCRIPTION,
        arguments=arguments,
        result=result,
        run=run,
    )


def _argument(field: FieldSpec, facts: Facts) -> tuple[Any, Any]:
    if field.kind == "number":
        unit = f", {field.unit}" if field.unit else ""
        known = facts.card.ranges.get(field.name) if facts.card else None
        span = f" ({known[0]:.15g} to {known[1]:.15g})" if known else ""
        description = f"{field.title}{unit}{span}."
        return (Bounds | None, Field(None, description=_escape(description)))
    names = facts.card.terms.get(field.name, []) if facts.card else []
    n_names = facts.card.term_counts.get(field.name, 0) if facts.card else 0
    if names and n_names <= MOST_NAMES_SHOWN:
        description = f"{field.title}: {', '.join(names)}."
    elif names:
        description = f"{field.title}: names such as {', '.join(names[:3])}."
    else:
        description = f"{field.title}: the whole of it, or words of it."
    names_type = Annotated[
        list[Annotated[str, Field(min_length=1, max_length=255)]],
        OneOrMore,
        Field(min_length=1, max_length=50),
    ]
    return (names_type | None, Field(None, description=_escape(description)))


def _escape(text: str) -> str:
    """Braces in the data's own words are not nouns to fill in."""
    return text.replace("{", "{{").replace("}", "}}")


async def filter_items(backends: Backends, fields: list[FieldSpec], given: Arguments) -> dict[str, Any]:
    """The fields of a FilterResult."""
    from mcp_server.catalog.selection import NumberCondition, TermCondition

    nouns = backends.spec.nouns
    catalog = await backends.catalog()
    match_any = getattr(given, "match", "all") == "any"
    conditions: list[tuple[str, Condition]] = []
    corrections, not_found = [], []
    for field in fields:
        value = getattr(given, field.name)
        if value is None:
            continue
        if isinstance(value, Bounds):
            conditions.append((_say_bounds(field, value), NumberCondition(field.name, tuple(value.given.items()))))
            continue
        names = list(dict.fromkeys(value))
        matches = await catalog.name_index.match(field.name, names)
        for asked, match in zip(names, matches, strict=True):
            if match.corrected:
                corrections.append({"field": field.name, "asked": asked, "used": match.names})
            elif not match.terms:
                not_found.append({"field": field.name, "asked": asked, "suggestions": match.suggestions})
        condition = TermCondition(tuple(tuple(match.terms) for match in matches), match_any)
        conditions.append(
            (f"{field.title.lower()} {' or '.join(names) if match_any else ' and '.join(names)}", condition)
        )
    if not conditions:
        raise InvalidInputError(f"give at least one condition: {', '.join(field.name for field in fields)}")
    selection = await catalog.selector.select([condition for _, condition in conditions])
    found = selection.idx
    distinct = catalog.twins.once(found)
    message = [f"{count_of(len(found), nouns.item, nouns.items)} found."]
    if len(distinct) < len(found):
        n_twice = len(found) - len(distinct)
        message.append(f"{n_twice} of them {'is' if n_twice == 1 else 'are'} listed twice, under two IDs.")
    message += [f"{c['asked']!r} was taken for {_join(c['used'])}." for c in corrections]
    for name in not_found:
        near = f" Near: {', '.join(name['suggestions'])}." if name["suggestions"] else ""
        message.append(f"{name['asked']!r} is not among the names of {name['field']}.{near}")
    fields_of_result: dict[str, Any] = {
        "count": len(found),
        "items": await list_items(backends, distinct[:N_LISTED].tolist()),
    }
    if len(found):
        fields_of_result["item_set"] = await (await backends.item_sets()).put(selection.ids)
    elif len(conditions) > 1:
        alone = [f"{say}: {len((await catalog.selector.select([condition])).idx):,}" for say, condition in conditions]
        message.append(f"On its own, each condition has: {'; '.join(alone)}.")
    if corrections:
        fields_of_result["corrections"] = corrections
    if not_found:
        fields_of_result["not_found"] = not_found
    return {"message": " ".join(message), **fields_of_result}


def _say_bounds(field: FieldSpec, bounds: Bounds) -> str:
    signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "="}
    return f"{field.title.lower()} {' and '.join(f'{signs[name]} {value:g}' for name, value in bounds.given.items())}"


def _join(names: list[str]) -> str:
    return " or ".join(repr(name) for name in names)
