"""Dates and times in the forms that can be read in one way only, and in declared ones."""

from dataclasses import dataclass

from mcp_server.errors import DatasetError, quoted
from mcp_server.reading.sql_text import text_literal

UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Units of numbers of time, and how many of each make a second."""

ISO = r"^\d{4}(-\d{2}(-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s?(Z|UTC|[+-]\d{2}(:?\d{2})?)?)?)?)?$"
WHOLE_NUMBER = r"^[+-]?\d+(\.\d+)?$"

PARTIAL_ISO = r"^\d{4}(-(0[1-9]|1[0-2]))?$"

CLEAR_FORMATS = (
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d-%b-%Y",
    "%d-%b-%Y %H:%M:%S",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%a %b %d %H:%M:%S %z %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S GMT",
)
"""Forms that are read without a declaration, because the month is a name or the year comes first. Days before months
are usual wherever dots are.
"""

UNCLEAR_FORMATS = ("%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y")
"""Forms that must be declared. They are tried to say which of them would fit."""

LATEST_SECONDS = 60_000_000_000.0
"""Latest time: the year 3871."""

EARLIEST_SECONDS = -62_000_000_000.0
"""Earliest time: the year 5."""


@dataclass(frozen=True)
class TimeForms:
    """How the values of a text column of dates look."""

    n_known: int
    n_iso: int
    n_years: int
    """Four digits only."""
    n_numbers: int
    """Numbers of more than four digits, or of fewer."""
    n_compact: int
    """Numbers that are a day as 20240131."""
    typical: float | None
    """Median of the numbers' amounts."""
    n_clear: int
    n_unclear: tuple[int, ...]
    """Values that each of UNCLEAR_FORMATS fits."""
    example: str | None
    """A value in none of the clear forms."""

    @staticmethod
    def aggregates(value: str) -> list[str]:
        """SQL of the counts and examples, in the order of the fields; the unclear forms one by one."""
        iso, year = f"regexp_matches({value}, {text_literal(ISO)})", f"regexp_matches({value}, '^[12]\\d{{3}}$')"
        numeric = f"(regexp_matches({value}, {text_literal(WHOLE_NUMBER)}) AND NOT {year})"
        compact = f"(regexp_matches({value}, '^(1[89]|20)\\d{{6}}$') AND try_strptime({value}, '%Y%m%d') IS NOT NULL)"
        clear = f"({_strptime(value, CLEAR_FORMATS)} IS NOT NULL AND NOT {iso} AND NOT {numeric})"
        unclear = [f"try_strptime({value}, {text_literal(each)}) IS NOT NULL" for each in UNCLEAR_FORMATS]
        return [
            f"count({value})",
            *(f"count(*) FILTER ({condition})" for condition in (iso, year, numeric, compact)),
            f"median(abs(TRY_CAST({value} AS DOUBLE))) FILTER ({numeric})",
            f"count(*) FILTER ({clear})",
            *(f"count(*) FILTER ({condition})" for condition in unclear),
            f"any_value({value}) FILTER ({value} IS NOT NULL AND NOT ({iso} OR {numeric} OR {clear}))",
        ]

    @classmethod
    def of_row(cls, found: tuple[object, ...]) -> "TimeForms":
        """The forms, from the values of the aggregates."""
        unclear = tuple(found[7 : 7 + len(UNCLEAR_FORMATS)])
        return cls(*found[:7], unclear, found[-1])  # type: ignore[arg-type,call-arg]

    @staticmethod
    def n_aggregates() -> int:
        return 8 + len(UNCLEAR_FORMATS)

    def unit(self, place: str, remedy: str) -> str:
        """The unit of the column's numbers.

        Raises:
            DatasetError: They may be days written without hyphens, or years.
        """
        typical = self.typical or 0.0
        if self.n_numbers and self.n_compact == self.n_numbers:
            raise DatasetError(
                f"{place} may hold days, as 20240131, or seconds since 1970: declare {remedy}: '%Y%m%d' or {remedy}: s"
            )
        return unit_of(typical)

    def check(self, place: str, remedy: str) -> None:
        """Refuse values that could be read in several ways.

        Args:
            remedy: The key that declares the form.

        Raises:
            DatasetError: There are some; the text names the forms that fit.
        """
        most = max(self.n_unclear)
        fitting = [form for form, n in zip(UNCLEAR_FORMATS, self.n_unclear, strict=True) if n and n == most]
        if fitting:
            choices = " or ".join(f"{remedy}: '{form}'" for form in fitting)
            reason = "may have the day or the month first" if len(fitting) > 1 else "is in a form that must be declared"
            raise DatasetError(f"{place}: {quoted(self.example)} {reason}: declare {choices}")


def unit_of(typical: float) -> str:
    """The unit of times of which this is a typical amount: all units are of 1973 or later in the next smaller one."""
    return "s" if typical < 1e11 else "ms" if typical < 1e14 else "us" if typical < 1e17 else "ns"


def _strptime(value: str, formats: tuple[str, ...]) -> str:
    attempts = ", ".join(f"CAST(try_strptime({value}, {text_literal(each)}) AS TIMESTAMP)" for each in formats)
    return f"coalesce({attempts})"


def moment(value: str, declared: str | None, unit: str) -> str:
    """SQL for the moment, as TIMESTAMP in UTC, that a text stands for; NULL where it stands for none.

    Args:
        declared: The declared form, if there is one.
        unit: Unit of numbers.
    """
    if declared in UNITS:
        return _of_number(value, declared)
    if declared is not None:
        return f"CAST(try_strptime({value}, {text_literal(declared)}) AS TIMESTAMP)"
    iso = f"CAST(TRY_CAST(replace({value}, 'UTC', 'Z') AS TIMESTAMPTZ) AS TIMESTAMP)"
    exact = f"regexp_matches({value}, {text_literal(ISO)}) AND NOT regexp_matches({value}, '^\\d{{4}}(-\\d\\d)?$')"
    return (
        f"CASE WHEN {exact} THEN {iso} "
        f"WHEN regexp_matches({value}, {text_literal(WHOLE_NUMBER)}) THEN {_of_number(value, unit)} "
        f"ELSE {_strptime(value, CLEAR_FORMATS)} END"
    )


def _of_number(value: str, unit: str) -> str:
    seconds = f"(TRY_CAST({value} AS DOUBLE) / {UNITS[unit]})"
    within = f"{seconds} BETWEEN {EARLIEST_SECONDS} AND {LATEST_SECONDS}"
    return f"CASE WHEN {within} THEN make_timestamp(CAST(round({seconds} * 1e6) AS BIGINT)) END"


def iso_text(moment: str) -> str:
    """SQL for a moment as ISO text: the day alone where the time of the day is midnight."""
    return f"regexp_replace(strftime({moment}, '%Y-%m-%dT%H:%M:%SZ'), 'T00:00:00Z$', '')"


def iso_date(value: str, moment: str) -> str:
    """SQL for a date as ISO text of its own precision; NULL where the text stands for none.

    Args:
        moment: SQL for the moment, where it is exact.
    """
    partial = f"regexp_matches({value}, {text_literal(PARTIAL_ISO)})"
    return f"CASE WHEN {partial} THEN {value} ELSE {iso_text(moment)} END"


def seconds(moment: str) -> str:
    """SQL for a moment as whole seconds since 1970."""
    return f"CAST(floor(epoch({moment})) AS BIGINT)"


def amount_in_seconds(amount: str, unit: str) -> str:
    """SQL for a number of time as whole seconds; NULL where it is beyond all times.

    Args:
        amount: SQL for the number, as DOUBLE.
    """
    whole = f"floor({amount} / {UNITS[unit]})"
    return f"CASE WHEN {whole} BETWEEN {EARLIEST_SECONDS} AND {LATEST_SECONDS} THEN CAST({whole} AS BIGINT) END"
