"""Items by their attributes: one argument for each field that the dataset declares filterable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic

from pydantic import BaseModel, Field

from mcp_server.dataset.computed_fields import ComputedField, computed_fields
from mcp_server.dataset.facts import DatasetFacts, Feature, When
from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.ids import ItemId
from mcp_server.errors import InvalidInputError, quoted
from mcp_server.tools.filter_arguments import FilterArguments, build_arguments
from mcp_server.tools.item_order import read_order, say_order
from mcp_server.tools.limits import DateLimits, NumberLimits
from mcp_server.tools.reliability import few_interactions
from mcp_server.tools.results import Entry, ListedItem, Result, count_of, keep_set, list_items, name_repeated
from mcp_server.tools.tool import Tool, make_tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_server.catalog.catalog import Catalog
    from mcp_server.catalog.item_columns import Order
    from mcp_server.catalog.selection import Condition
    from mcp_server.dataset.spec import Nouns
    from mcp_server.serving.backends import Backends
    from mcp_server.types import Id, IntArray

DESCRIPTION = (
    """
All {items} with the attributes given; all arguments must hold{examples}.
""",
    When(Feature.LIMITS, "Limits: gt >, gte >=, lt <, lte <=, eq =.\n"),
    When(Feature.DATES, "A date is 2024, 2024-03 or 2024-03-05, the whole of it.\n"),
    When(Feature.FILTERED_TITLES, "Also finds the ID of a title.\n"),
    When(Feature.FILTERED_NAMES, "Misspelt names are corrected: say so.\n"),
    """
Returns count, the ten with most {interactions} (or first by order_by), and item_set, a handle for all of them. Pass it
to get_top_k_recommendations_tool (for a {user}), get_popular_items_tool (most popular of them), get_item_metadata_tool
(read them) or get_like_percentage_tool.
""",
    When(
        Feature.SEARCH_TEXTS,
        ("Not for meaning ({texts}", When(Feature.MOODS, ", mood"), "): vector_store_search_tool.\n"),
    ),
    When(Feature.FILTERED_MONTHS, "A season is its months: {month} 12 for Christmas."),
)


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


def build(facts: DatasetFacts) -> Tool:
    return make_tool(
        facts,
        name="item_filter_tool",
        title="Filter {items}",
        description=DESCRIPTION,
        arguments=build_arguments(facts),
        result=FilterResult,
        run=filter_items,
        needs=Feature.FILTERS,
    )


@dataclass
class _Asked:
    """The conditions of a call, in words and as the catalogue takes them."""

    conditions: list[tuple[str, Condition]] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    not_found: list[NotFound] = field(default_factory=list)


async def filter_items(backends: Backends, arguments: FilterArguments) -> FilterResult[Id]:
    spec, nouns = backends.spec, backends.spec.nouns
    catalog = await backends.catalog()
    fields: list[FieldSpec | ComputedField] = [*spec.filters, *computed_fields(spec)]
    asked = await _read_conditions(catalog, fields, arguments)
    await _read_exclusions(catalog, fields, arguments, asked)
    order = None if arguments.order_by is None else read_order(arguments.order_by, spec)
    if not asked.conditions and order is None:
        names, in_all = ", ".join(each.name for each in fields), count_of(catalog.n_items, nouns.item, nouns.items)
        raise InvalidInputError(f"give at least one condition: {names}; without any, there are {in_all}")
    selection = await catalog.selector.select([condition for _, condition in asked.conditions], order)
    found = selection.idx
    distinct = catalog.twins.once(found)
    message = [f"{count_of(len(found), nouns.item, nouns.items)} found."]
    if len(found) > len(distinct):
        message.append(await _say_repeated(catalog, found, distinct, nouns))
    for correction in asked.corrections:
        used = " or ".join(map(quoted, correction.used))
        message.append(f"{quoted(correction.asked)} was taken for {used}.")
    for name in asked.not_found:
        near = f" Near: {', '.join(name.suggestions)}." if name.suggestions else ""
        message.append(f"{quoted(name.asked)} is not among the names of {name.field}.{near}")
    listed, shown = distinct[: arguments.k].tolist(), [] if order is None else _shown_of(order, catalog)
    if order is not None and listed:
        message.append(f"They are in order: {say_order(order, spec)}.")
        message += await _without(catalog, found, order.field, nouns)
        if few := await few_interactions(catalog, listed, shown, nouns):
            message += [*few, *(f"A limit on {name} leaves such out." for name in shown[1:])]
    items = await list_items(backends, ListedItem, listed, arguments.detail, shown=shown)
    result: FilterResult[Id] = FilterResult(message="", count=len(found), items=items)
    message += await keep_set(backends, result, selection.ids)
    if not len(found) and len(asked.conditions) > 1:
        alone = [
            f"{words}: {len((await catalog.selector.select([condition])).idx):,}"
            for words, condition in asked.conditions
        ]
        message.append(f"On its own, each condition has: {'; '.join(alone)}.")
    if not len(found):
        message += await _say_any(catalog, asked)
    if asked.corrections:
        result.corrections = asked.corrections
    if asked.not_found:
        result.not_found = asked.not_found
    result.message = " ".join(message)
    return result


async def _say_any(catalog: Catalog, asked: _Asked) -> list[str]:
    """Sentences on conditions of several names that nothing meets all of, where something meets one."""
    from mcp_server.catalog.selection import TermCondition

    said = []
    for words, condition in asked.conditions:
        if isinstance(condition, TermCondition) and len(condition.alternatives) > 1 and not condition.match_any:
            n_any = len((await catalog.selector.select([replace(condition, match_any=True)])).idx)
            said += [f"{words}: with match=any there are {n_any:,}."] if n_any else []
    return said


async def _say_repeated(catalog: Catalog, found: IntArray, distinct: IntArray, nouns: Nouns) -> str:
    """A sentence on items that are found under several IDs."""
    import numpy as np

    repeated = catalog.twins.once(found[~np.isin(found, distinct)])
    titles = await name_repeated(catalog, repeated, found)
    be = "is" if len(distinct) == 1 else "are"
    verb = "is" if len(repeated) == 1 else "are"
    different = count_of(len(distinct), f"different {nouns.item}", f"different {nouns.items}")
    return f"{len(repeated):,} of them {verb} found under several IDs, so there {be} {different}: {titles}."


def _shown_of(order: Order, catalog: Catalog) -> list[str]:
    """Names of the fields that show why items are in an order: beside an average, also of how many it is."""
    computed = catalog.columns.computed
    if order.field not in computed or not computed[order.field].is_average:
        return [order.field]
    return [order.field, *(field.name for field in computed.values() if not field.is_average)]


async def _without(catalog: Catalog, found: IntArray, field: str, nouns: Nouns) -> list[str]:
    """A sentence about items that have no value to be in order by, if there are any."""
    n_without = await catalog.columns.n_unknown(field, found)
    if not n_without:
        return []
    verbs = ("has", "comes") if n_without == 1 else ("have", "come")
    return [f"{count_of(n_without, nouns.item, nouns.items)} {verbs[0]} no {field} and {verbs[1]} last."]


async def _read_conditions(
    catalog: Catalog, fields: Sequence[FieldSpec | ComputedField], arguments: FilterArguments
) -> _Asked:
    asked = _Asked()
    for spec, value in _given(fields, arguments):
        if isinstance(value, list) and isinstance(spec, FieldSpec):
            await _read_names(catalog, spec, value, arguments.match == "any", asked)
        else:
            asked.conditions.append(_read_value(spec, value))
    return asked


async def _read_exclusions(
    catalog: Catalog, fields: Sequence[FieldSpec | ComputedField], arguments: FilterArguments, into: _Asked
) -> None:
    """Add the conditions that must not be met, each on its own."""
    from mcp_server.catalog.selection import Unless  # with NumPy

    excluded = _Asked()
    for spec, value in _given(fields, getattr(arguments, "exclude", None)):
        if isinstance(value, list) and isinstance(spec, FieldSpec):
            await _read_names(catalog, spec, value, True, excluded)
        else:
            excluded.conditions.append(_read_value(spec, value))
    into.conditions += [(f"not {words}", Unless(condition)) for words, condition in excluded.conditions]
    into.corrections += excluded.corrections
    into.not_found += excluded.not_found


def _given(
    fields: Sequence[FieldSpec | ComputedField], arguments: BaseModel | None
) -> Iterator[tuple[FieldSpec | ComputedField, Any]]:
    """The fields that have a value."""
    for spec in fields:
        value = getattr(arguments, spec.name, None)
        if value is not None:
            yield spec, value


def _read_value(spec: FieldSpec | ComputedField, value: NumberLimits | DateLimits | bool) -> tuple[str, Condition]:
    """A condition on a number, a date or a boolean, in words and as the catalogue takes it."""
    from mcp_server.catalog.selection import BooleanCondition, DateCondition, NumberCondition  # with NumPy

    if isinstance(value, bool):
        return f"{spec.title.lower()} {'yes' if value else 'no'}", BooleanCondition(spec.name, value)
    words = f"{spec.title.lower()} {value}"
    if isinstance(value, DateLimits):
        return words, DateCondition(spec.name, *value.period)
    return words, NumberCondition(spec.name, tuple(value.given.items()))


async def _read_names(catalog: Catalog, spec: FieldSpec, asked: list[str], match_any: bool, into: _Asked) -> None:
    """Add a condition on names, and what the names were taken for."""
    from mcp_server.catalog.selection import TermCondition

    names = list(dict.fromkeys(asked))
    matches = await catalog.name_index.match(spec.name, names)
    for name, match in zip(names, matches, strict=True):
        if match.corrected:
            into.corrections.append(Correction(field=spec.name, asked=name, used=match.names))
        elif not match.terms:
            into.not_found.append(NotFound(field=spec.name, asked=name, suggestions=match.suggestions))
    words = (" or " if match_any else " and ").join(map(quoted, names))
    terms = TermCondition(tuple(tuple(match.terms) for match in matches), match_any)
    into.conditions.append((f"{spec.title.lower()} {words}", terms))
