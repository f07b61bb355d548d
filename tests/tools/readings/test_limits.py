"""Limits as people and programs write them, against the limits that they mean."""

from typing import Any

import pytest

from mcp_server.dataset.fields import FieldSpec
from mcp_server.tools.readings.limits import NegatedError, read_date_limits, read_number_limits
from mcp_server.tools.readings.problems import UnreadableError
from mcp_server.tools.readings.units import Unit

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
        ("nineties", {"gte": 1990, "lte": 1999}),
        ("'90s", {"gte": 1990, "lte": 1999}),
        ("the eighties and nineties", {"gte": 1980, "lte": 1999}),
        ("80s-90s", {"gte": 1980, "lte": 1999}),
        ("90s or later", {"gte": 1990}),
        ("after the 90s", {"gt": 1999}),
        ("1990-", {"gte": 1990}),
        ("1990-present", {"gte": 1990}),
        ("1990 to date", {"gte": 1990}),
        ("since 1990", {"gte": 1990}),
        ("up to 1985", {"lte": 1985}),
        ("..1985", {"lte": 1985}),
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


@pytest.mark.parametrize("given", ["80s and 2000s", "early 90s", "this year"])
def test_years_that_are_not_in_a_row_or_not_said_are_refused(given: str) -> None:
    with pytest.raises(UnreadableError, match="a year is expected"):
        read_number_limits(given, YEAR)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("under 90 minutes", {"lt": 90}),
        ("90 min", {"eq": 90}),
        ("90m", {"eq": 90}),
        ("2 hours", {"eq": 120}),
        ("under 2h", {"lt": 120}),
        ("two hours", {"eq": 120}),
        ("2 hours max", {"lte": 120}),
        ("max. 90 minutes", {"lte": 90}),
        ("2 hours minimum", {"gte": 120}),
        ("1h30", {"eq": 90}),
        ("1h 30m", {"eq": 90}),
        ("1.5 hours", {"eq": 90}),
        ("1 hour and 30 minutes", {"eq": 90}),
        ("an hour and a half", {"eq": 90}),
        ("over two and a half hours", {"gt": 150}),
        ("half an hour", {"eq": 30}),
        ("5400 seconds", {"eq": 90}),
        ("1-2 hours", {"gte": 60, "lte": 120}),
        ("between 1 and 2 hours", {"gte": 60, "lte": 120}),
        ("90 to 2 hours", {"gte": 90, "lte": 120}),
        ({"lt": "2 hours"}, {"lt": 120}),
        (["1 hour", "2 hours"], {"gte": 60, "lte": 120}),
    ],
)
def test_a_time_is_read_in_the_unit_of_the_number(given: Any, meant: dict[str, float]) -> None:
    assert read_number_limits(given, MINUTES, Unit("minutes", "duration")) == meant


@pytest.mark.parametrize(
    ("given", "unit", "meant"),
    [
        ("7/10", Unit("of 10"), {"eq": 7}),
        ("at least 8 out of 10", Unit("of 10"), {"gte": 8}),
        ("between 7 and 8 out of 10", Unit("of 10"), {"gte": 7, "lte": 8}),
        ("> 7.5/10", Unit("/10"), {"gt": 7.5}),
        ("4.5 out of 5", Unit("of 5"), {"eq": 4.5}),
        ("4 stars", Unit("out of 5"), {"eq": 4}),
        ("over 80%", Unit("%"), {"gt": 80}),
        ("80 percent", Unit("percent"), {"eq": 80}),
        ("under $50", Unit("dollars"), {"lt": 50}),
        ("20 euros", Unit("EUR"), {"eq": 20}),
        ("over 1,000,000 votes", Unit("", "votes"), {"gt": 1_000_000}),
        ("10k votes", Unit("", "votes"), {"eq": 10_000}),
        ("5 m", Unit("m"), {"eq": 5}),
        ("5m", Unit(), {"eq": 5_000_000}),
        ("1-2 million", Unit(), {"gte": 1_000_000, "lte": 2_000_000}),
        ("5-10k", Unit(), {"gte": 5_000, "lte": 10_000}),
        ("500 to 2k", Unit(), {"gte": 500, "lte": 2_000}),
        ("seven", Unit(), {"eq": 7}),
        ("at least .5", Unit(), {"gte": 0.5}),
        ("4 or 5", Unit(), {"gte": 4, "lte": 5}),
        ("4, 5 or 6", Unit(), {"gte": 4, "lte": 6}),
    ],
)
def test_a_unit_may_be_said(given: Any, unit: Unit, meant: dict[str, float]) -> None:
    assert read_number_limits(given, None, unit) == meant


@pytest.mark.parametrize(
    ("given", "unit", "text"),
    [
        ("4/5", Unit("of 10"), "'4/5' is out of 5, and this number is out of 10: give it so"),
        ("at least 4 stars", Unit("of 10"), "'4 stars' is out of 5, and this number is out of 10"),
        ("7/10", Unit(), "it is not known that this number is: give the number alone"),
        ("80%", Unit("of 10"), "'80%' is in percent, and this number is out of 10"),
        ("20 euros", Unit("dollars"), "'20 euros' is in euros, and this number is in dollars"),
        ("2 hours", Unit(), "'2 hours' is a time, and this number is of a unit that is not declared"),
        ("2 hours", Unit("m"), "'2 hours' is a time, and this number is in m"),
        ("about 90 minutes", Unit("minutes"), "a number is expected"),
        ("1:30", Unit("minutes"), "a number is expected"),
    ],
)
def test_another_unit_or_scale_is_refused(given: str, unit: Unit, text: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        read_number_limits(given, None, unit)
    assert text in str(refused.value)


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
        ("2024-03 to present", {"gte": "2024-03"}),
        ("2023-", {"gte": "2023"}),
        ("the 90s", {"gte": "1990", "lte": "1999"}),
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
        ("7 or 9", "call once for each"),
        ("7,8", "a number is expected"),
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
