"""Limits of numbers and dates, as callers give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from mcp_server.dataset.ids import NotBoolean
from mcp_server.dataset.periods import Period, read_period

SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "="}
"""Names of limits, and the signs that people know for them."""


def say_limits(limits: Mapping[str, Any]) -> str:
    """Limits with the signs that people know: "> 7 and <= 9"."""
    shown = {name: f"{limit:.15g}" if isinstance(limit, float) else limit for name, limit in limits.items()}
    return " and ".join(f"{SIGNS[name]} {limit}" for name, limit in shown.items())


class _Limits(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="after")
    def _some_limit(self) -> _Limits:
        if not self.given:
            raise ValueError("give at least one of gt, gte, lt, lte, eq")
        if not self._can_be_met():
            raise ValueError(f"nothing can be {self}")
        return self

    def __str__(self) -> str:
        return say_limits(self.given)

    def _can_be_met(self) -> bool:
        """False where the limits exclude one another."""
        raise NotImplementedError

    @property
    def given(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


Number = Annotated[float, NotBoolean, Field(allow_inf_nan=False)]


class NumberLimits(_Limits):
    """Limits of a number."""

    gt: Number | None = None
    gte: Number | None = None
    lt: Number | None = None
    lte: Number | None = None
    eq: Number | None = None

    def _can_be_met(self) -> bool:
        least, greatest = max(self._of("gt", "gte", "eq"), default=-inf), min(self._of("lt", "lte", "eq"), default=inf)
        return least < greatest or (least == greatest and not {self.gt, self.lt} & {least})

    def _of(self, *names: str) -> list[float]:
        return [limit for name, limit in self.given.items() if name in names]


class BriefNumberLimits(NumberLimits):
    """The same, with a schema that shows two of the limits only. The tool's description names all."""

    gt: SkipJsonSchema[Number | None] = None
    lt: SkipJsonSchema[Number | None] = None
    eq: SkipJsonSchema[Number | None] = None


def year_as_text(value: Any) -> Any:
    """``2024`` means ``"2024"``."""
    return f"{value:04}" if isinstance(value, int) and not isinstance(value, bool) else value


def check_date(text: str) -> str:
    """A date without spaces at its ends.

    Raises:
        ValueError: The text is not a date; the error says what one looks like.
    """
    read_period(text)
    return text.strip()


@dataclass(frozen=True)
class IsDate:
    """Marks the type of dates, by which arguments are told that take them."""


@dataclass(frozen=True)
class IsOrder:
    """Marks the type of orders, by which arguments are told that take them."""


Date = Annotated[str, IsDate(), BeforeValidator(year_as_text), AfterValidator(check_date)]


class DateLimits(_Limits):
    """Limits of a date. Each stands for its whole period: lte "2024" is until the end of 2024, gt "2024" is from the
    beginning of 2025, eq "2024-03" is all of March.

    An item meets them where all of its own period does: one that is dated just "2024" is not before 2024-02, and not
    equal to 2024-01-01, but from 2024-01-01 and until 2024-12-31.
    """

    gt: Date | None = None
    gte: Date | None = None
    lt: Date | None = None
    lte: Date | None = None
    eq: Date | None = None

    @property
    def period(self) -> tuple[str | None, str | None]:
        """Beginning and end of the time that meets all limits; None where it is open."""
        begins, ends = zip(*self._periods(), strict=True)
        return max(filter(None, begins), default=None), min(filter(None, ends), default=None)

    def _can_be_met(self) -> bool:
        begin, end = self.period
        return begin is None or end is None or begin < end

    def _periods(self) -> Iterator[tuple[str | None, str | None]]:
        for name, text in self.given.items():
            period: Period = read_period(text)
            yield {
                "gt": (period.end, None),
                "gte": (period.begin, None),
                "lt": (None, period.begin),
                "lte": (None, period.end),
                "eq": (period.begin, period.end),
            }[name]


class BriefDateLimits(DateLimits):
    """The same, with a schema that shows two of the limits only."""

    gt: SkipJsonSchema[Date | None] = None
    lt: SkipJsonSchema[Date | None] = None
    eq: SkipJsonSchema[Date | None] = None
