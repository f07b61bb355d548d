"""Arguments of the filter for datasets with few and with many fields."""

import re
from typing import Any

import pytest

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.fields import RESERVED_NAMES
from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from mcp_server.tools import build_tools
from mcp_server.tools.arguments import check_arguments
from mcp_server.tools.filter_arguments import MOST_FIELDS
from mcp_server.tools.limits import BriefDateLimits, BriefNumberLimits
from mcp_server.tools.readings.problems import Findings
from mcp_server.tools.tool import Tool
from tests.dataset.made_up import MADE_UP, facts_of, library, shop, wide
from tests.names import FILTER, ITEM
from tests.tools.canteen import MEALS

MIXED = "number category date boolean"


def filter_of(facts: DatasetFacts) -> Tool:
    return build_tools(facts)[FILTER]


def parsed(tool: Tool, given: dict[str, Any]) -> dict[str, Any]:
    """What a call asks for, without what it leaves open."""
    findings = Findings()
    arguments = check_arguments(tool.arguments, tool.reader.read(given, findings), tool.reader.parameters, findings)
    if arguments is None or findings.problems:
        raise InvalidInputError("; ".join(findings.problems))
    return {name: getattr(arguments, name) for name in arguments.model_fields_set}


def own(tool: Tool) -> list[str]:
    others = ("where", "exclude", "order_by", "match", "detail")
    return [name for name in tool.input_schema["properties"] if name not in others]


@pytest.mark.parametrize("made", MADE_UP)
def test_few_fields_all_have_arguments_of_their_own(made: str) -> None:
    facts = MADE_UP[made]()
    assert own(filter_of(facts)) == [field.name for field in facts.spec.filters]
    assert "where" not in filter_of(facts).input_schema["properties"]


def test_dates_and_booleans_are_described_with_their_values() -> None:
    properties = filter_of(library()).input_schema["properties"]
    assert properties["published"]["description"] == "1950 to 2024-05-30."
    assert set(properties["published"]["properties"]) == {"gt", "gte", "lt", "lte", "eq"}
    assert {limit["type"] for limit in properties["published"]["properties"].values()} == {"string"}
    assert properties["large_print"] == {"type": "boolean", "description": "True or false."}
    assert filter_of(shop()).input_schema["properties"]["price"]["description"] == "3.2 to 45 euros."


@pytest.mark.parametrize("kinds", [MIXED, "number", "date", "category", "boolean"])
def test_every_field_of_many_can_be_reached(kinds: str) -> None:
    facts = wide(kinds)
    tool = filter_of(facts)
    fields = {field.name for field in facts.spec.filters}
    where = tool.input_schema["properties"]["where"]
    assert 10 < len(own(tool)) <= MOST_FIELDS
    assert own(tool)[0] == "caption"
    assert fields & set(re.findall(r"\w+", where["description"])) == fields - set(own(tool))
    assert len(where["properties"]) == 1


def test_fields_of_the_summary_come_first_and_those_that_divide_nothing_last() -> None:
    facts = wide(MIXED)
    spec = facts.spec.model_copy(
        update={"items": facts.spec.items.model_copy(update={"summary": ["number_property_36"]})}
    )
    assert facts.card is not None
    same = facts.card.model_copy(
        update={
            "term_counts": {**facts.card.term_counts, "category_property_1": 1},
            "ranges": {**facts.card.ranges, "number_property_4": (5.0, 5.0)},
            "dates": {name: span for name, span in facts.card.dates.items() if name != "date_property_6"},
        }
    )
    before, after = own(filter_of(facts)), own(filter_of(DatasetFacts(spec, same)))
    assert {"category_property_1", "number_property_4", "date_property_6"} <= set(before) - set(after)
    assert "number_property_36" in set(after) - set(before)


def test_a_field_means_the_same_inside_where_and_outside() -> None:
    tool = filter_of(wide(MIXED))
    inside = {
        "number_property_36": {"gt": 5},
        "category_property_37": "ochre",
        "date_property_38": "2024-03",
        "boolean_property_39": False,
    }
    assert not set(inside) & set(own(tool))
    meant = {
        "number_property_36": BriefNumberLimits(gt=5),
        "category_property_37": ["ochre"],
        "date_property_38": BriefDateLimits(eq="2024-03"),
        "boolean_property_39": False,
    }
    assert parsed(tool, {"where": inside}) == meant
    assert parsed(tool, inside) == meant
    assert parsed(tool, {"caption": ["A"], "where": {**inside, "number_property_32": None}}) == {
        **meant,
        "caption": ["A"],
    }


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"where": {"numbr_property_36": 5}}, "no field 'numbr_property_36': did you mean number_property_36"),
        ({"where": {"zzz": 5}}, r"no field 'zzz'\. There are: caption, category_property_1"),
        ({"where": "ochre"}, "where: give an object"),
        ({"where": {"caption": "A"}, "caption": "B"}, "caption is given twice"),
        ({"where": {"date_property_38": {"gte": "2024-13"}}}, "date_property_38: there is no such date"),
        ({"where": {"match": "any"}}, "no field 'match'"),
        ({"colour": "red"}, "no argument 'colour'"),
    ],
)
def test_what_where_does_not_understand_is_an_error_that_says_what_is_right(given: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInputError, match=text):
        parsed(filter_of(wide(MIXED)), given)


def test_the_names_of_many_fields_are_listed_once() -> None:
    tools = build_tools(wide(MIXED))
    get = tools[ITEM].input_schema["properties"]["get"]
    assert "enum" not in get["items"]
    assert get["description"].endswith("Fields: all that item_filter_tool filters by, details.")
    few = build_tools(library())[ITEM].input_schema["properties"]["get"]
    assert few["items"]["enum"] == ["title", "authors", "pages", "published", "large_print", "blurb", "n_loans"]
    assert "Fields" not in few["description"]


def test_a_field_cannot_be_called_where() -> None:
    assert "where" in RESERVED_NAMES
    with pytest.raises(ValueError, match="used by the program itself"):
        facts_of(
            "places",
            "place places user users visit visits",
            [{"name": "where", "kind": "text", "filter": True}],
            {},
            {},
        )


@pytest.mark.parametrize(
    ("asked", "dates", "hot"),
    [
        ({"hot": True}, None, "yes"),
        ({"hot": False}, None, "no"),
        ({"first_served": "2023"}, {"2023", "2023-11", "2023-12-31"}, None),
        ({"first_served": {"gte": "2024-01-01"}}, {"2024-01-01", "2024-02"}, None),
        ({"first_served": {"lt": "2023-12"}}, {"2023-11"}, None),
        ({"first_served": {"lte": 2023, "gt": "2023-11"}, "hot": False}, {"2023-12-31"}, "no"),
    ],
    ids=lambda value: str(sorted(value)) if isinstance(value, set) else str(value),
)
async def test_items_are_found_by_dates_and_booleans(
    canteen: Service, asked: dict[str, Any], dates: set[str] | None, hot: str | None
) -> None:
    expected = {
        meal["meal"]
        for meal in MEALS
        if (dates is None or meal["first_served"] in dates) and (hot is None or meal["hot"] == hot)
    }
    assert 0 < len(expected) < len(MEALS)
    result = await canteen.call(FILTER, asked)
    assert result["count"] == len(expected)
    listed = await canteen.call(ITEM, {"item_set": result["item_set"], "get": ["hot", "first_served"], "limit": 100})
    assert {item["item_id"] for item in listed["items"]} == expected
    if hot is not None:
        assert {item["hot"] for item in listed["items"]} == {hot == "yes"}


async def test_where_nothing_is_found_dates_and_booleans_are_counted_on_their_own(canteen: Service) -> None:
    result = await canteen.call(FILTER, {"first_served": {"gt": "2025"}, "hot": True})
    n_hot = sum(meal["hot"] == "yes" for meal in MEALS)
    assert result["count"] == 0
    assert f"each condition has: first served > 2025: 0; hot yes: {n_hot}." in result["message"]


async def test_the_range_of_dates_is_in_the_arguments_description(canteen: Service) -> None:
    properties = canteen.tools[FILTER].input_schema["properties"]
    assert properties["first_served"]["description"] == "2023 to 2024-02."
