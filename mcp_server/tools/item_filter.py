"""Items by their attributes: one argument for each field that the dataset declares filterable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.ids import ItemId, NotBoolean
from mcp_server.errors import InvalidInputError, UnwritableError, quoted
from mcp_server.tools.arguments import Arguments, Detail, OneOrMore
from mcp_server.tools.results import Entry, ListedItem, Result, count_of, list_items
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from mcp_server.catalog.catalog import Catalog
    from mcp_server.catalog.selection import Condition
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id

N_LISTED = 10

MOST_NAMES_SHOWN = 30
"""A category with no more names than this is listed in full in the argument's description."""

SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "="}
"""Names of limits, and the signs that people know for them."""

DESCRIPTION = (
    """
All {items} with the attributes given; all arguments must hold: "with or by X", "of kind Y", "above 6", "before 1997".
Also finds the ID of a title. Misspelt names are corrected: say so. Returns count, the ten with most {interactions}, and
item_set, a handle for all of them. Pass it to get_top_k_recommendations_tool (for a {user}), get_popular_items_tool
(most popular of them), get_item_metadata_tool (read them) or get_like_percentage_tool.
""",
    When(Feature.SEARCH_TEXTS, "Not for plot or mood: vector_store_search_tool.\n"),
    When(Feature.FILTERED_MONTHS, "A season is its months: Christmas is 12."),
)

Limit = Annotated[float, NotBoolean, Field(allow_inf_nan=False)]


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


class FilterArguments(Arguments):
    """Arguments beside those that the dataset's fields become."""

    match: Annotated[Literal["all", "any"], Feature.FILTERED_NAMES] = Field(
        "all", description="Of several names in a list."
    )
    detail: Detail = "compact"


class FilterResult(Result, Generic[ItemId]):
    count: int = Field(description="How many match.")
    item_set: str | None = Field(None, description="For all of them.")
    items: list[ListedItem[ItemId]] = Field(description="The first ten.")
    corrections: list[Correction] = Field(default_factory=list, description="Names taken for others.")
    not_found: list[NotFound] = Field(default_factory=list, description="Unknown names.")


def build(facts: DatasetFacts) -> Tool:
    arguments: dict[str, Any] = {each.name: _argument(each, facts) for each in facts.spec.filters}
    return make_tool(
        facts,
        name="item_filter_tool",
        title="Filter {items}",
        description=DESCRIPTION,
        arguments=create_model("FieldArguments", __base__=FilterArguments, **arguments),
        result=FilterResult,
        run=filter_items,
        needs=Feature.FILTERS,
    )


def _argument(spec: FieldSpec, facts: DatasetFacts) -> tuple[Any, Any]:
    """Type and declaration of the argument that a field becomes."""
    card = facts.card
    if spec.kind == "number":
        known = card.ranges.get(spec.name) if card else None
        span = f"{known[0]:.15g} to {known[1]:.15g}" if known else ""
        values = " ".join(part for part in (span, spec.unit) if part)
        return (Bounds | None, Field(None, description=_describe(spec, values)))
    names = card.terms.get(spec.name, []) if card else []
    if names and card and card.term_counts.get(spec.name, 0) <= MOST_NAMES_SHOWN:
        values = ", ".join(names)
    elif names:
        values = f"such as {names[0]}"
    else:
        values = "words of it suffice" if spec.kind == "text" else ""
    names_type = Annotated[
        list[Annotated[str, Field(min_length=1, max_length=255)]],
        OneOrMore,
        Field(min_length=1, max_length=50),
    ]
    return (names_type | None, Field(None, description=_describe(spec, values)))


def _describe(spec: FieldSpec, values: str) -> str:
    """A label, where it says more than the argument's name, and values. Their braces are no nouns to fill in."""
    label = spec.title if spec.title.lower() != spec.name.replace("_", " ") or not values else ""
    text = ": ".join(part for part in (label, values) if part)
    return f"{text[:1].upper()}{text[1:]}.".replace("{", "{{").replace("}", "}}")


@dataclass
class _Asked:
    """The conditions of a call, in words and as the catalogue takes them."""

    conditions: list[tuple[str, Condition]] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    not_found: list[NotFound] = field(default_factory=list)


async def filter_items(backends: Backends, arguments: FilterArguments) -> FilterResult[Id]:
    spec, nouns = backends.spec, backends.spec.nouns
    catalog = await backends.catalog()
    asked = await _read_conditions(catalog, spec.filters, arguments)
    if not asked.conditions:
        raise InvalidInputError(f"give at least one condition: {', '.join(each.name for each in spec.filters)}")
    selection = await catalog.selector.select([condition for _, condition in asked.conditions])
    found = selection.idx
    distinct = catalog.twins.once(found)
    message = [f"{count_of(len(found), nouns.item, nouns.items)} found."]
    if n_twice := len(found) - len(distinct):
        message.append(f"{n_twice} of them {'is' if n_twice == 1 else 'are'} listed twice, under two IDs.")
    for correction in asked.corrections:
        used = " or ".join(map(quoted, correction.used))
        message.append(f"{quoted(correction.asked)} was taken for {used}.")
    for name in asked.not_found:
        near = f" Near: {', '.join(name.suggestions)}." if name.suggestions else ""
        message.append(f"{quoted(name.asked)} is not among the names of {name.field}.{near}")
    items = await list_items(backends, ListedItem, distinct[:N_LISTED].tolist(), arguments.detail)
    result: FilterResult[Id] = FilterResult(message="", count=len(found), items=items)
    if len(found):
        try:
            result.item_set = await (await backends.item_sets()).put(selection.ids)
        except UnwritableError as error:
            message.append(f"There is no item_set of them: {error}.")
    elif len(asked.conditions) > 1:
        alone = [
            f"{words}: {len((await catalog.selector.select([condition])).idx):,}"
            for words, condition in asked.conditions
        ]
        message.append(f"On its own, each condition has: {'; '.join(alone)}.")
    if asked.corrections:
        result.corrections = asked.corrections
    if asked.not_found:
        result.not_found = asked.not_found
    result.message = " ".join(message)
    return result


async def _read_conditions(catalog: Catalog, fields: list[FieldSpec], arguments: FilterArguments) -> _Asked:
    from mcp_server.catalog.selection import NumberCondition, TermCondition  # with NumPy

    asked, match_any = _Asked(), arguments.match == "any"
    for spec in fields:
        value = getattr(arguments, spec.name)
        if isinstance(value, Bounds):
            limits = " and ".join(f"{SIGNS[name]} {limit:g}" for name, limit in value.given.items())
            condition = NumberCondition(spec.name, tuple(value.given.items()))
            asked.conditions.append((f"{spec.title.lower()} {limits}", condition))
        elif value is not None:
            names = list(dict.fromkeys(value))
            matches = await catalog.name_index.match(spec.name, names)
            for name, match in zip(names, matches, strict=True):
                if match.corrected:
                    asked.corrections.append(Correction(field=spec.name, asked=name, used=match.names))
                elif not match.terms:
                    asked.not_found.append(NotFound(field=spec.name, asked=name, suggestions=match.suggestions))
            words = (" or " if match_any else " and ").join(map(quoted, names))
            terms = TermCondition(tuple(tuple(match.terms) for match in matches), match_any)
            asked.conditions.append((f"{spec.title.lower()} {words}", terms))
    return asked
