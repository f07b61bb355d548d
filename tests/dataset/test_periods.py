"""Periods of dates, and what is not a date."""

import pytest

from mcp_server.dataset.periods import AFTER_ALL_DATES, read_period


@pytest.mark.parametrize(
    ("date", "begin", "end"),
    [
        ("2024", "2024", "2025"),
        ("2024-01", "2024", "2024-02"),
        ("2024-12", "2024-12", "2025"),
        ("2024-02-29", "2024-02-29", "2024-03"),
        ("2024-12-31", "2024-12-31", "2025"),
        (" 2024-03-05 ", "2024-03-05", "2024-03-06"),
        ("2024-03-05T18:30:00Z", "2024-03-05T18:30:00Z", "2024-03-05T18:30:01Z"),
        ("2024-03-05 18:30", "2024-03-05T18:30:00Z", "2024-03-05T18:31:00Z"),
        ("2024-12-31T23:59:59", "2024-12-31T23:59:59Z", "2025"),
        ("2024-01-01T00:30:00+01:00", "2023-12-31T23:30:00Z", "2023-12-31T23:30:01Z"),
        ("2024-03-05T18:30:00.250Z", "2024-03-05T18:30:00Z", "2024-03-05T18:30:01Z"),
        ("0999", "0999", "1000"),
        ("9999", "9999", AFTER_ALL_DATES),
        ("9999-12", "9999-12", AFTER_ALL_DATES),
        ("9999-12-31", "9999-12-31", AFTER_ALL_DATES),
    ],
)
def test_a_date_stands_for_a_period_of_its_precision(date: str, begin: str, end: str) -> None:
    period = read_period(date)
    assert (period.begin, period.end) == (begin, end)
    assert period.begin < period.end


@pytest.mark.parametrize("text", ["yesterday", "03/04/2024", "24-03-05", "2024-3-5", "", "2024-", "٢٠٢٤", "12024"])
def test_what_is_not_written_as_a_date_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(ValueError, match="year first, as 2024, 2024-03, 2024-03-05 or"):
        read_period(text)


@pytest.mark.parametrize("text", ["2024-13", "2024-00", "2024-02-30", "2023-02-29", "2024-03-05T25:00", "0000"])
def test_a_date_that_no_calendar_has_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no such date"):
        read_period(text)
