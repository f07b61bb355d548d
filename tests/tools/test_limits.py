"""Limits of numbers and dates, as callers write them."""

from typing import Any

import pytest
from pydantic import ValidationError

from mcp_server.tools.limits import DateLimits, NumberLimits


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"gte": 2024, "lt": " 2025-06-01 "}, {"gte": "2024", "lt": "2025-06-01"}),
        ({"gt": None, "lte": "2024"}, {"lte": "2024"}),
    ],
)
def test_a_number_is_a_year(given: Any, meant: dict[str, str]) -> None:
    assert DateLimits.model_validate(given).given == meant


def test_the_narrowest_of_several_limits_count() -> None:
    limits = DateLimits(gt="2019", gte="2020-06", lt="2024-03", lte="2023")
    assert limits.period == ("2020-06", "2024")
    assert DateLimits(gt="2019").period == ("2020", None)
    assert DateLimits(lt="2019-01-01").period == (None, "2019")


@pytest.mark.parametrize(
    "given", [True, ["2024"], {}, {"gte": None}, {"over": "2024"}, {"gt": True}, None, {"gt": "2024", "lt": "2024-05"}]
)
def test_what_is_no_limit_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        DateLimits.model_validate(given)


def test_limits_are_said_with_the_signs_that_people_know() -> None:
    assert str(NumberLimits(gte=3, lt=4.5)) == ">= 3 and < 4.5"
    assert str(DateLimits(gt="2024-03", lte="2025")) == "> 2024-03 and <= 2025"
