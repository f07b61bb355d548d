"""The ends of times as people say them, against the dates that they mean."""

from datetime import date
from typing import Any

import pytest

from mcp_server.tools.readings.ends import read_end
from mcp_server.tools.readings.problems import UnreadableError
from mcp_server.tools.readings.relative_dates import read_relative

WEDNESDAY = date(1998, 4, 22)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (1998, "1998"),
        ("since 1998", "1998"),
        ("from March 1998 on", "1998-03"),
        ("1998-present", "1998"),
        ("1998-", "1998"),
        ("after 1997", "1998"),
        ("the beginning of 1998", "1998"),
        ({"gte": "1998"}, "1998"),
        ("since  last month", "last month"),
    ],
)
def test_beginnings_of_times(given: Any, meant: str) -> None:
    assert read_end(given, is_last=False) == meant


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("until 1997", "1997"),
        ("up to 1997-12", "1997-12"),
        ("before 1998", "1997-12-31"),
        ("the end of 1997", "1997"),
        ("until the end of March 1998", "1998-03"),
        ("2 weeks ago", "2 weeks ago"),
    ],
)
def test_ends_of_times(given: Any, meant: str) -> None:
    assert read_end(given, is_last=True) == meant


@pytest.mark.parametrize(
    ("given", "is_last", "text"),
    [
        ("until 1998", False, "give it as until"),
        ("since 1998", True, "give it as since"),
        ("1997-11 to 1998-01", False, 'give since="1997-11" and until="1998-01"'),
        ("last 30 days", True, "has its beginning only"),
        ("soon", False, "a date is written with the year first"),
        ("a few weeks ago", False, "a date is written with the year first"),
        (20, False, "a date is expected"),
    ],
)
def test_what_is_no_end_of_a_time_is_refused(given: Any, is_last: bool, text: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        read_end(given, is_last=is_last)
    assert text in str(refused.value)


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ("30 days", "1998-03-24", "1998-03-24"),
        ("the last 30 days", "1998-03-24", "1998-03-24"),
        ("1 day", "1998-04-22", "1998-04-22"),
        ("last 3 months", "1998-01-23", "1998-01-23"),
        ("in the past two weeks", "1998-04-09", "1998-04-09"),
        ("the last month", "1998-03-23", "1998-03-23"),
        ("last month", "1998-03", "1998-03"),
        ("this month", "1998-04", "1998-04"),
        ("last year", "1997", "1997"),
        ("this year", "1998", "1998"),
        ("last week", "1998-04-13", "1998-04-19"),
        ("this week", "1998-04-20", "1998-04-26"),
        ("today", "1998-04-22", "1998-04-22"),
        ("yesterday", "1998-04-21", "1998-04-21"),
        ("2 weeks ago", "1998-04-08", "1998-04-08"),
        ("a month ago", "1998-03-22", "1998-03-22"),
        ("9999999 years ago", "0001-01-01", "0001-01-01"),
    ],
)
def test_times_are_counted_back_from_the_newest(given: str, first: str, last: str) -> None:
    relative = read_relative(given)
    assert relative is not None
    assert relative.on(WEDNESDAY, is_last=False) == first
    assert relative.on(WEDNESDAY, is_last=True) == last


def test_a_month_before_a_long_one_ends_with_its_own_last_day() -> None:
    relative = read_relative("a month ago")
    assert relative is not None
    assert relative.on(date(1998, 3, 31), is_last=False) == "1998-02-28"


@pytest.mark.parametrize("given", ["1998", "0 days", "last", "days", "last summer"])
def test_dates_are_not_counted_back(given: str) -> None:
    assert read_relative(given) is None
