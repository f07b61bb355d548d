"""Dates and times in the forms that can be read in one way only, and in declared ones, as SQL."""

import re

from mcp_server.dataset.fields import UNITS_OF_TIME
from mcp_server.reading.sql_text import text_literal

UNITS = {unit: 1e3**power for power, unit in enumerate(UNITS_OF_TIME)}
"""Units of numbers of time, and how many of each make a second."""

ISO = r"^\d{4}(-\d{2}(-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s?(Z|UTC|[+-]\d{2}(:?\d{2})?)?)?)?)?$"
NUMBER = r"^[+-]?\d+(\.\d+)?([eE]\+?\d+)?$"
YEAR = r"^[12]\d{3}(\.0+)?$"
MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"

CLEAR_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y%m%dT%H%M%SZ",
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
are usual wherever dots are. A year has four digits.
"""

_UNCLEAR_DAYS = ("%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y")

UNCLEAR_FORMATS = (
    *(day + time for time in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p") for day in _UNCLEAR_DAYS),
    *("%d.%m.%y", "%d-%b-%y", "%d %b %y", "%b %Y", "%B %Y", "%b-%y", "%m/%Y"),
)
"""Forms that must be declared. They are tried to say which of them would fit."""

LATEST_SECONDS = 60_000_000_000.0
"""Latest time: the year 3871."""

EARLIEST_SECONDS = -62_000_000_000.0
"""Earliest time: the year 5."""

USUAL_SECONDS = (630e6, 2.3e9)
"""Times that most data is of: 1989 to 2042. In no two units do these ranges have a number in common."""


def strptime(value: str, format_: str) -> str:
    """SQL for the moment of a form, as TIMESTAMP in UTC; NULL where the text is in another form.

    ``%Y`` alone would also take a year of two digits, and ``%y`` the first two of four.
    """
    year = "'\\d{4}'"
    has_year = f"regexp_matches({value}, {year})" if "%Y" in format_ else f"NOT regexp_matches({value}, {year})"
    found = f"CAST(try_strptime({value}, {text_literal(format_)}) AS TIMESTAMP)"
    return f"CASE WHEN {has_year} THEN {found} END" if re.search("%[yY]", format_) else found


def clear_moment(value: str) -> str:
    """SQL for the moment of a text in a clear form that is not ISO 8601; NULL for others."""
    attempts = ", ".join(f"CAST(try_strptime({value}, {text_literal(each)}) AS TIMESTAMP)" for each in CLEAR_FORMATS)
    return f"CASE WHEN regexp_matches({value}, '\\d{{4}}') THEN coalesce({attempts}) END"


def moment(value: str, declared: str | None, unit: str, *, with_years: bool = True) -> str:
    """SQL for the moment, as TIMESTAMP in UTC, that a text stands for; NULL where it stands for none.

    Args:
        declared: The declared form, if there is one.
        unit: Unit of numbers.
        with_years: Four digits are a year, and no number.
    """
    if declared in UNITS:
        return _of_number(value, declared)
    if declared is not None:
        return strptime(value, declared)
    bare = f"regexp_replace(replace({value}, 'UTC', 'Z'), '\\s(Z|[+-][0-9:]+)$', '\\1')"
    iso = f"CAST(coalesce(TRY_CAST({value} AS TIMESTAMPTZ), TRY_CAST({bare} AS TIMESTAMPTZ)) AS TIMESTAMP)"
    year, month = (f"regexp_matches({value}, {text_literal(form)})" for form in (YEAR, MONTH))
    whole_year = f"WHEN {year} THEN TRY_CAST(left({value}, 4) || '-01-01' AS TIMESTAMP) " if with_years else ""
    return (
        f"CASE {whole_year}"
        f"WHEN regexp_matches({value}, {text_literal(NUMBER)}) THEN {_of_number(value, unit)} "
        f"WHEN {month} THEN TRY_CAST({value} || '-01' AS TIMESTAMP) "
        f"WHEN regexp_matches({value}, {text_literal(ISO)}) THEN {iso} "
        f"ELSE {clear_moment(value)} END"
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
    year, month = (f"regexp_matches({value}, {text_literal(form)})" for form in (YEAR, MONTH))
    return f"CASE WHEN {year} THEN left({value}, 4) WHEN {month} THEN {value} ELSE {iso_text(moment)} END"


def iso_date_of_form(moment: str, declared: str) -> str:
    """SQL for a date as ISO text of the precision that its declared form has."""
    directives = set(re.findall("%-?([a-zA-Z])", declared))
    if declared in UNITS or directives & set("djcxeUWVuw"):
        return iso_text(moment)
    return f"left({iso_text(moment)}, {7 if directives & set('mbB') else 4})"


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


def is_of_larger_unit(amount: str, unit: str) -> str:
    """SQL condition for numbers of time that are rather in a larger unit than their column's, such as s among ms."""
    if unit == "s":
        return "false"
    low, high = USUAL_SECONDS[0], USUAL_SECONDS[1] * UNITS[unit] / 1e3
    return f"abs({amount}) BETWEEN {low} AND {high}"
