"""Items by their attributes: one argument for each field that the dataset declares filterable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from mcp_server.dataset.fields import FieldSpec
from mcp_server.errors import InvalidInputError, UnwritableError, quoted
from mcp_server.tools.base import (
    Arguments,
    Detail,
    Entry,
    Facts,
    ItemId,
    ListedItem,
    OneOrMore,
    Result,
    Tool,
    Truthless,
    applicable,
    count_of,
    list_items,
    make_tool,
    with_ids,
)

if TYPE_CHECKING:
    from mcp_server.catalog.selection import Condition
    from mcp_server.serving.backends import Backends

N_LISTED = 10

MOST_NAMES_SHOWN = 30
"""A category with no more names than this is listed in full in the argument's description."""

DESCRIPTION = """
All {items} with the attributes given; all arguments must hold: "with or by X", "of kind Y", "above 6", "before 1997".
Also finds the ID of a title. Misspelt names are corrected: say so. Returns count, the ten with most {interactions}, and
item_set, a handle for all of them. Pass it to get_top_k_recommendations_tool (for a {user}), get_popular_items_tool
(most popular of them), get_item_metadata_tool (read them) or get_like_percentage_tool.
Not for plot or mood: vector_store_search_tool.
"""

SEASONS = "A season is its months: Christmas is 12."

Limit = Annotated[float, Truthless, Field(allow_inf_nan=False)]


class Bounds(BaseModel):
    """Limits of a number."""

    model_config = ConfigDict(extra="forbid")

    gt: Limit | None = Field(None, description=">")
    gte: Limit | None = Field(None, description=">=")
    lt: Limit | None = Field(None, description="<")
    lte: Limit | None = Field(None, description="<=")
    eq: Limit | None = Field(None, description="=")

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


class Correction(Entry):
    """A name that was taken for another."""

    field: str
    asked: str
    used: list[str]


class NotFound(Entry):
    """A name that nothing in the catalogue is near to."""

    field: str
    asked: str
    suggestions: list[str]


class FilterResult(Result, Generic[ItemId]):
    count: int = Field(description="How many match.")
    item_set: str | None = Field(None, description="For all of them.")
    items: list[ListedItem[ItemId]] = Field(description="The first ten.")
    corrections: list[Correction] = Field(default_factory=list, description="Names taken for others.")
    not_found: list[NotFound] = Field(default_factory=list, description="Unknown names.")


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
            Field("all", description="Of several names in a list."),
        )
    definitions["detail"] = (Detail, "compact")
    seasonal = any(field.part == "month" for field in fields)
    arguments = create_model("FilterArguments", __base__=Arguments, **definitions)

    async def run(backends: Backends, given: Arguments) -> Result:
        return result(**await filter_items(backends, fields, given))

    return make_tool(
        facts,
        name="item_filter_tool",
        title="Filter {items}",
        description=applicable(f"{DESCRIPTION}{SEASONS}" if seasonal else DESCRIPTION, facts),
        arguments=arguments,
        result=result,
        run=run,
    )


def _argument(field: FieldSpec, facts: Facts) -> tuple[Any, Any]:
    if field.kind == "number":
        known = facts.card.ranges.get(field.name) if facts.card else None
        span = f"{known[0]:.15g} to {known[1]:.15g}" if known else ""
        description = _describe(field, " ".join(part for part in (span, field.unit) if part))
        return (Bounds | None, Field(None, description=_escape(description)))
    names = facts.card.terms.get(field.name, []) if facts.card else []
    n_names = facts.card.term_counts.get(field.name, 0) if facts.card else 0
    if names and n_names <= MOST_NAMES_SHOWN:
        description = _describe(field, ", ".join(names))
    elif names:
        description = _describe(field, f"such as {names[0]}")
    else:
        description = _describe(field, "words of it suffice" if field.kind == "text" else "")
    names_type = Annotated[
        list[Annotated[str, Field(min_length=1, max_length=255)]],
        OneOrMore,
        Field(min_length=1, max_length=50),
    ]
    return (names_type | None, Field(None, description=_escape(description)))


def _describe(field: FieldSpec, values: str) -> str:
    """A label, where it says more than the argument's name, and values."""
    label = field.title if field.title.lower() != field.name.replace("_", " ") or not values else ""
    text = ": ".join(part for part in (label, values) if part)
    return f"{text[:1].upper()}{text[1:]}."


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
        asked_for = (" or " if match_any else " and ").join(map(quoted, names))
        conditions.append((f"{field.title.lower()} {asked_for}", condition))
    if not conditions:
        raise InvalidInputError(f"give at least one condition: {', '.join(field.name for field in fields)}")
    selection = await catalog.selector.select([condition for _, condition in conditions])
    found = selection.idx
    distinct = catalog.twins.once(found)
    message = [f"{count_of(len(found), nouns.item, nouns.items)} found."]
    if len(distinct) < len(found):
        n_twice = len(found) - len(distinct)
        message.append(f"{n_twice} of them {'is' if n_twice == 1 else 'are'} listed twice, under two IDs.")
    message += [f"{quoted(c['asked'])} was taken for {_join(c['used'])}." for c in corrections]
    for name in not_found:
        near = f" Near: {', '.join(name['suggestions'])}." if name["suggestions"] else ""
        message.append(f"{quoted(name['asked'])} is not among the names of {name['field']}.{near}")
    fields_of_result: dict[str, Any] = {
        "count": len(found),
        "items": await list_items(backends, distinct[:N_LISTED].tolist(), getattr(given, "detail", "compact")),
    }
    if len(found):
        try:
            fields_of_result["item_set"] = await (await backends.item_sets()).put(selection.ids)
        except UnwritableError as error:
            message.append(f"There is no item_set of them: {error}.")
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
    return " or ".join(map(quoted, names))
