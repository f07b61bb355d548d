"""Windows between dates as callers write them."""

from datetime import UTC, datetime

import pytest

from mcp_server.dataset.windows import Window


def seconds(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("since", "until", "begin", "end"),
    [
        ("1998", "1998", seconds(1998, 1, 1), seconds(1999, 1, 1)),
        ("1998-03", None, seconds(1998, 3, 1), None),
        (None, "1997-12", None, seconds(1998, 1, 1)),
        ("2024-02-28", "2024-02-29", seconds(2024, 2, 28), seconds(2024, 3, 1)),
        ("2024-03-05T18:30:00Z", "2024-03-05T18:30", seconds(2024, 3, 5, 18, 30), seconds(2024, 3, 5, 18, 31)),
        ("1960", "1969-12-31", seconds(1960, 1, 1), 0),
        (None, "9999", None, None),
    ],
)
def test_a_window_is_from_the_beginning_of_a_date_to_the_end_of_another(
    since: str | None, until: str | None, begin: int | None, end: int | None
) -> None:
    assert Window.between(since, until) == Window(begin, end)


def test_without_dates_there_is_no_window() -> None:
    assert Window.between(None, None) is None


def test_what_is_no_date_is_refused() -> None:
    with pytest.raises(ValueError, match="a date is written with the year first"):
        Window.between("March", None)
