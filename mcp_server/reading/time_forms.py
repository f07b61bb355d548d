"""The forms of a column of dates or times: which one its values decide together, and those that must be declared."""

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_server.errors import DatasetError, quoted
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import text_literal
from mcp_server.reading.times import (
    ISO,
    NUMBER,
    UNCLEAR_FORMATS,
    UNITS,
    USUAL_SECONDS,
    YEAR,
    clear_moment,
    strptime,
)

COMPACT_DAY = r"^(1[89]|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$"
COMPACT_MONTH = r"^(19|20)\d{2}(0[1-9]|1[0-2])$"

MOST_OTHERS = 10_000
"""Different values that are compared with forms which must be declared."""

FIRST_YEAR_SECONDS = 31_536_000.0
"""The end of 1970."""


@dataclass(frozen=True)
class TimeForms:
    """How the values of a column look, as text."""

    n_known: int
    n_iso: int
    """ISO 8601, but for years alone."""
    n_years: int
    n_numbers: int
    n_days: int
    """Numbers that may be a day as 20240131."""
    n_months: int
    """Numbers that may be a month as 202401."""
    typical: float | None
    """Median of the numbers' amounts."""
    n_of_unit: tuple[int, ...]
    """Numbers that are usual in each of the units."""
    number: str | None
    """A number, as an example."""

    @staticmethod
    def aggregates(value: str) -> list[str]:
        """SQL of the counts and examples, in the order of the fields; those of units one by one."""
        year = _matches(value, YEAR)
        numeric = f"({_matches(value, NUMBER)} AND NOT {year})"
        conditions = [f"({_matches(value, ISO)} AND NOT {year})", year, numeric]
        conditions += [_matches(value, COMPACT_DAY), _matches(value, COMPACT_MONTH)]
        amount = f"abs(TRY_CAST({value} AS DOUBLE))"
        low, high = USUAL_SECONDS
        return [
            f"count({value})",
            *(f"count(*) FILTER ({condition})" for condition in conditions),
            f"median({amount}) FILTER ({numeric})",
            *(f"count(*) FILTER ({amount} BETWEEN {low * each} AND {high * each})" for each in UNITS.values()),
            f"any_value({value}) FILTER ({numeric})",
        ]

    @classmethod
    def of_row(cls, found: Sequence[object]) -> "TimeForms":
        """The forms, from the values of the aggregates."""
        counts, units = found[:7], found[7 : 7 + len(UNITS)]
        return cls(*counts, units, found[-1])  # type: ignore[arg-type,call-arg]

    @property
    def n_others(self) -> int:
        """Values in other forms."""
        return self.n_known - self.n_iso - self.n_years - self.n_numbers

    @property
    def is_of_first_year(self) -> bool:
        """True for numbers most of which are within 1970, if they are seconds."""
        return self.n_numbers > 0 and (self.typical or 0.0) < FIRST_YEAR_SECONDS

    def unit(self, place: str, remedy: str) -> str:
        """The unit of the column's numbers.

        Raises:
            DatasetError: They may be days or months written without hyphens, or are of several units.
        """
        if not self.n_numbers:
            return "s"
        for n, form, example in ((self.n_days, "%Y%m%d", "days as"), (self.n_months, "%Y%m", "months as")):
            if n == self.n_numbers:
                raise DatasetError(
                    f"{place} may hold {example} {self.number}, or seconds since 1970: declare {remedy}: '{form}' or "
                    f"{remedy}: s"
                )
        units = [unit for unit, n in zip(UNITS, self.n_of_unit, strict=True) if n]
        if len(units) > 1:
            raise DatasetError(
                f"{place} holds times of several units since 1970 ({', '.join(units)}): write all of them in one, or "
                f"declare {remedy}: {units[0]} if they are all of that unit"
            )
        return units[0] if units else unit_of(self.typical or 0.0)


def _matches(value: str, form: str) -> str:
    return f"regexp_matches({value}, {text_literal(form)})"


def unit_of(typical: float) -> str:
    """The unit of times of which this is a typical amount: all units are of 1973 or later in the next smaller one."""
    return "s" if typical < 1e11 else "ms" if typical < 1e14 else "us" if typical < 1e17 else "ns"


def refuse_unclear(session: Session, values: str, place: str, remedy: str) -> None:
    """Refuse values that could be read in several ways, or whose form must be declared.

    Args:
        values: FROM clause with the column's values as ``v``.
        remedy: The key that declares the form.

    Raises:
        DatasetError: There are some; the text names the forms that fit.
    """
    known = " OR ".join(_matches("v", form) for form in (ISO, NUMBER, YEAR))
    others = f"SELECT DISTINCT v FROM {values} WHERE v IS NOT NULL AND NOT ({known}) LIMIT {MOST_OTHERS}"
    counts = ", ".join(f"count({strptime('v', each)})" for each in UNCLEAR_FORMATS)
    unclear = f"SELECT v FROM ({others}) WHERE {clear_moment('v')} IS NULL"
    n_fitting = session.row(f"SELECT {counts} FROM ({unclear})", place)
    fitting = [form for form, n in zip(UNCLEAR_FORMATS, n_fitting, strict=True) if n and n == max(n_fitting)]
    if not fitting:
        return
    first = f"SELECT min(v) FROM ({unclear}) WHERE {strptime('v', fitting[0])} IS NOT NULL"
    example = session.row(first, place)[0]
    choices = " or ".join(f"{remedy}: '{form}'" for form in fitting)
    reason = "may have the day or the month first" if len(fitting) > 1 else "is in a form that must be declared"
    raise DatasetError(f"{place}: {quoted(example)} {reason}: declare {choices}")
