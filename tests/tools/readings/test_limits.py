"""Limits as people and programs write them, against the limits that they mean."""

from typing import Any

import pytest

from mcp_server.dataset.fields import FieldSpec
from mcp_server.tools.readings.limits import NegatedError, read_date_limits, read_number_limits
from mcp_server.tools.readings.problems import UnreadableError

YEAR = FieldSpec(name="release_year", kind="number", integer=True, part="year")
MONTH = FieldSpec(name="month", kind="number", integer=True, part="month")
MINUTES = FieldSpec(name="duration", kind="number", unit="minutes")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (7, {"eq": 7}),
        ("7", {"eq": 7}),
        ("7.5", {"eq": 7.5}),
        ("> 7", {"gt": 7}),
        (">7", {"gt": 7}),
        (">= 7", {"gte": 7}),
        ("≥7", {"gte": 7}),
        ("=> 7", {"gte": 7}),
        ("<=7", {"lte": 7}),
        ("==7", {"eq": 7}),
        ("at least 7", {"gte": 7}),
        ("not less than 7", {"gte": 7}),
        ("more than 7", {"gt": 7}),
        ("Over 7", {"gt": 7}),
        ("below 7", {"lt": 7}),
        ("up to 7", {"lte": 7}),
        ("7+", {"gte": 7}),
        ("7 or more", {"gte": 7}),
        ("1,234,567", {"eq": 1234567}),
        ("< 100 000", {"lt": 100000}),
        ("<130k", {"lt": 130000}),
        ("2.5 million", {"eq": 2500000}),
        ("7 and above", {"gte": 7}),
        ("7 or less", {"lte": 7}),
        ("7-10", {"gte": 7, "lte": 10}),
        ("7 - 10", {"gte": 7, "lte": 10}),
        ("7 to 10", {"gte": 7, "lte": 10}),
        ("7..10", {"gte": 7, "lte": 10}),
        ("-5--3", {"gte": -5, "lte": -3}),
        ("between 7 and 10", {"gte": 7, "lte": 10}),
        ("from 7 to 10", {"gte": 7, "lte": 10}),
        ("> 7 and < 9", {"gt": 7, "lt": 9}),
        (">=7, <9", {"gte": 7, "lt": 9}),
        ([7, 10], {"gte": 7, "lte": 10}),
        (["7", "10"], {"gte": 7, "lte": 10}),
        ([7], {"eq": 7}),
        ([6, 8, 7], {"gte": 6, "lte": 8}),
        ({"gt": "7"}, {"gt": 7}),
        ({"min": 7, "max": 9}, {"gte": 7, "lte": 9}),
        ({"from": 7, "to": 9}, {"gte": 7, "lte": 9}),
        ({"$gte": 7, "$lt": 9}, {"gte": 7, "lt": 9}),
        ({">": 7}, {"gt": 7}),
        ({"greater_than": 7}, {"gt": 7}),
        ({"Greater Than": 7}, {"gt": 7}),
        ({"between": [7, 9]}, {"gte": 7, "lte": 9}),
        ({"operator": ">", "value": 7}, {"gt": 7}),
        ({"eq": 7, "gt": None}, {"eq": 7}),
        ({"$in": [7]}, {"eq": 7}),
    ],
)
def test_limits_of_numbers(given: Any, meant: dict[str, float]) -> None:
    assert read_number_limits(given, None) == meant


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("1990-1995", {"gte": 1990, "lte": 1995}),
        ("1990s", {"gte": 1990, "lte": 1999}),
        ("the 90s", {"gte": 1990, "lte": 1999}),
        ("before 1997", {"lt": 1997}),
        ("1997 or earlier", {"lte": 1997}),
        ({"after": "1996-12-31"}, {"gt": 1996}),
        ({"since": "1997-01-01"}, {"gte": 1997}),
        ("1997", {"eq": 1997}),
    ],
)
def test_limits_of_years(given: Any, meant: dict[str, float]) -> None:
    assert read_number_limits(given, YEAR) == meant


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("December", {"eq": 12}),
        ("dec.", {"eq": 12}),
        ("June to August", {"gte": 6, "lte": 8}),
        (["June", "July", "August"], {"gte": 6, "lte": 8}),
        ({"gte": "November"}, {"gte": 11}),
    ],
)
def test_names_of_months(given: Any, meant: dict[str, float]) -> None:
    assert read_number_limits(given, MONTH) == meant


VOTES = FieldSpec(name="votes", kind="number", integer=True)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("< 19,000", {"lt": 19000}),
        ({"lt": "19.000"}, {"lt": 19000}),
        ("between 218,000 and 286,000", {"gte": 218000, "lte": 286000}),
        ("> 1.000.000", {"gt": 1000000}),
    ],
)
def test_marks_in_whole_numbers_are_thousands(given: Any, meant: dict[str, float]) -> None:
    assert read_number_limits(given, VOTES) == meant


def test_a_unit_may_be_said() -> None:
    assert read_number_limits("under 90 minutes", MINUTES) == {"lt": 90}
    assert read_number_limits("90 min", MINUTES) == {"eq": 90}
    with pytest.raises(UnreadableError, match="a number is expected"):
        read_number_limits("2 hours", MINUTES)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2024-03", {"eq": "2024-03"}),
        (2024, {"eq": "2024"}),
        ("March 2024", {"eq": "2024-03"}),
        ("5 March 2024", {"eq": "2024-03-05"}),
        ("March 5th, 2024", {"eq": "2024-03-05"}),
        ("2023-2024", {"gte": "2023", "lte": "2024"}),
        ("2024-01-05 to 2024-03", {"gte": "2024-01-05", "lte": "2024-03"}),
        ("since 2024", {"gte": "2024"}),
        ({"after": "March 2024", "before": 2025}, {"gt": "2024-03", "lt": "2025"}),
        (["2024-01", "2024-06"], {"gte": "2024-01", "lte": "2024-06"}),
    ],
)
def test_limits_of_dates(given: Any, meant: dict[str, str]) -> None:
    assert read_date_limits(given) == meant


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("good", "a number is expected"),
        ("1,500", "'1,500' can be 1500 or 1.500: write it without a ','"),
        (True, "a number is expected"),
        ({}, "give one value or limits"),
        ({"near": 7}, "there is no limit 'near'"),
        ({"gte": 7, "min": 8}, "gte is given twice, as 7 and 8"),
        ([7, 9, 12], "call once for each"),
        ([], "call once for each"),
    ],
)
def test_what_is_no_limit_is_refused(given: Any, text: str) -> None:
    with pytest.raises(UnreadableError, match=text):
        read_number_limits(given, None)


def test_a_day_within_a_year_is_no_limit_of_years() -> None:
    with pytest.raises(UnreadableError, match="1997-06-15 is within one"):
        read_number_limits({"lt": "1997-06-15"}, YEAR)


@pytest.mark.parametrize("given", ["!= 7", "not 7", {"ne": 7}, {"$ne": 7}, {"not": 7}, "<> 7"])
def test_a_value_that_is_not_to_be_is_told_apart(given: Any) -> None:
    with pytest.raises(NegatedError) as error:
        read_number_limits(given, None)
    assert str(error.value.value) == "7"
