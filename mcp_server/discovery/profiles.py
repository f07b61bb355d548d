"""Profiles of columns: how many values there are, how many different ones, and the forms that they have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_server.reading import numbers
from mcp_server.reading.kinds import FALSE, TRUE
from mcp_server.reading.missing import UNKNOWN_NUMBERS
from mcp_server.reading.numbers import NumberForms
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import identifier, text_literal
from mcp_server.reading.time_forms import TimeForms
from mcp_server.reading.times import ISO, UNCLEAR_FORMATS, clear_moment, strptime

SAMPLED_ROWS = 20_000
"""Rows by which the forms of values are told."""

MOST_ODD = 12
"""Values that are kept of a column of numbers, though they are none."""

PEEKED_ROWS = 2_000
"""Rows by which columns of texts are told from others."""

MOST_COMMON = 40
"""Most common values that are kept of each column."""

SEPARATORS = ("|", ";", ", ", ",", " / ", " > ")
"""Separators of names in one text, in the order in which they are looked for."""

FORMATS = (
    *UNCLEAR_FORMATS,
    "%m %d, %Y",
    "%Y.%m.%d",
)
"""Patterns of dates that are tried."""

LEAST_FITTING = 0.98

_WHOLE = r"^[+-]?\d+(\.0*)?$"
_URL = r"^(https?://|www\.)\S+$"
_HTML = (
    r"(?i)<(p|br|div|b|i|a|ul|li|strong|em|span|h[1-6]|table|script)(\s[^>]*)?/?>"
    r"|&(amp|apos|gt|lt|nbsp|quot|#\d{2,5}|#x[0-9a-f]{2,4});"
)
_DIGITS = r"^[^a-z]{0,4}[0-9]|[0-9]\W*$"
"""Most values of a column of numbers or times begin or end with a digit."""

BOTH_MARKS = "both"

_GROUPED = r"\d[.,]\d{3}(\D|$)|[.,].*[.,]"

_LEADING_ZERO = r"^0\d"


@dataclass(frozen=True)
class Profile:
    """A column of a table. Shares are of its known values; those of numbers and booleans leave out what stands for an
    unknown number, as "-" does."""

    name: str
    type: str
    """DuckDB's name of its type in the file; VARCHAR in files of text."""
    n_rows: int
    n_known: int
    n_distinct: int
    mean_length: float
    longest: int
    mean_words: float
    share_numbers: float
    """Share of values that are numbers, with or without currency signs and thousands."""
    are_plain_numbers: bool
    """True if its numbers have neither currency signs nor marks between thousands."""
    share_whole: float
    share_booleans: float
    share_urls: float
    share_html: float
    share_lists: float
    """Share of values in brackets, as lists of JSON or Python."""
    share_objects: float
    n_leading_zeros: int
    separated: Mapping[str, float]
    """Share of values with each of the separators that occur."""
    common: tuple[tuple[str, int], ...]
    """The most common values with their numbers, of the rows that are looked at."""
    least: float | None
    greatest: float | None
    median: float | None
    n_negative: int
    n_zeros: int
    decimal: str | None
    """The decimal mark of its numbers; None where the values do not tell, "both" where each value can be read in one
    way only, but they have different marks."""
    times: TimeForms
    n_clear_times: int
    """Times in other forms than ISO 8601 that can be read in one way only."""
    formats: tuple[str, ...]
    """Patterns that fit nearly all values, if they look like dates in a form that must be declared."""
    unknown_numbers: tuple[str, ...]
    """Texts among its values that stand for an unknown number, but are no usual sign of an unknown value."""
    odd_numbers: tuple[str, ...]
    """Examples of values that are no numbers."""

    @property
    def known_share(self) -> float:
        return self.n_known / self.n_rows if self.n_rows else 0.0

    @property
    def is_unique(self) -> bool:
        """True if hardly a value is there twice."""
        return self.n_known > 0.98 * self.n_rows and self.n_distinct > 0.98 * self.n_known

    @property
    def is_integer(self) -> bool:
        """True if all values are whole numbers that can be IDs."""
        return self.share_whole == 1.0 and not self.n_leading_zeros and self.longest <= 18

    @property
    def examples(self) -> list[str]:
        return [value for value, _ in self.common[:3]]


def profile_columns(
    session: Session, table: str, types: Mapping[str, str], place: str, n_rows: int
) -> dict[str, Profile]:
    """The profiles of all columns of a table of texts.

    Args:
        types: Types of the columns in the file.
    """
    sample = f"{table}_sample"
    session.run(
        f"CREATE OR REPLACE TABLE {sample} AS SELECT * FROM {table} "
        f"USING SAMPLE reservoir({SAMPLED_ROWS} ROWS) REPEATABLE (1)",
        place,
    )
    found = {}
    for name, type_ in types.items():
        column = identifier(name)
        [n_known, n_distinct] = session.row(f"SELECT count({column}), count(DISTINCT {column}) FROM {table}", place)
        found[name] = _profile(session, sample, name, type_, (n_rows, n_known, n_distinct), place)
    session.run(f"DROP TABLE {sample}", place)
    return found


def _profile(session: Session, sample: str, name: str, type_: str, counts: tuple[int, int, int], place: str) -> Profile:
    column = identifier(name)
    unknown = ", ".join(map(text_literal, UNKNOWN_NUMBERS))
    values = f"(SELECT {column} AS v, rowid AS place, lower(v) NOT IN ({unknown}) AS sure FROM {sample} " \
             f"WHERE {column} IS NOT NULL)"  # fmt: skip
    shapes = _row(session, values, _shape_aggregates(), place)
    n, n_sure = max(int(shapes[0]), 1), max(int(shapes[1]), 1)
    separators = shapes[12 : 12 + len(SEPARATORS)]
    sure = f"(SELECT v FROM {values} WHERE sure)"
    looked_at = sure if shapes[7] > n_sure / 2 else f"(SELECT v FROM {sure} LIMIT {PEEKED_ROWS})"
    of_times, of_numbers = TimeForms.aggregates("v"), NumberForms.aggregates("v")
    clear = f"count(*) FILTER ({clear_moment('v')} IS NOT NULL AND NOT regexp_matches(v, {text_literal(ISO)}))"
    grouped = f"count(*) FILTER (regexp_matches(v, {text_literal(_GROUPED)}))"
    forms = _row(session, looked_at, [*of_times, *of_numbers, grouped, clear], place)
    times = TimeForms.of_row(forms[: len(of_times)])
    decimal = _decimal(NumberForms(*forms[len(of_times) : -2]), forms[-2])
    number = numbers.number("replace(v, ',', '.')" if decimal == BOTH_MARKS else "v", _mark(decimal))
    counts_of = [f"count(*) FILTER ({condition})" for condition in ("x < 0", "x = 0", "true")]
    aggregates = ["count(x)", "min(x)", "max(x)", "median(x)", *counts_of, "count(TRY_CAST(v AS DOUBLE))"]
    ranges = _row(session, f"(SELECT v, {number} AS x FROM {looked_at})", aggregates, place)
    odd = session.rows(
        f"SELECT v FROM {looked_at} WHERE {number} IS NULL GROUP BY v ORDER BY count(*) DESC, v LIMIT {MOST_ODD}", place
    )
    unsure = session.rows(f"SELECT DISTINCT v FROM {values} WHERE NOT sure ORDER BY v LIMIT {MOST_ODD}", place)
    often = f"SELECT v, count(*) FROM {values} GROUP BY v ORDER BY count(*) DESC, min(place) LIMIT {MOST_COMMON}"
    return Profile(
        name=name,
        type=type_,
        n_rows=counts[0],
        n_known=counts[1],
        n_distinct=counts[2],
        mean_length=float(shapes[2] or 0),
        longest=int(shapes[3] or 0),
        mean_words=float(shapes[4] or 0),
        share_numbers=ranges[0] / max(ranges[6], 1),
        are_plain_numbers=ranges[7] == ranges[0],
        share_whole=shapes[5] / n_sure,
        share_booleans=shapes[6] / n_sure,
        share_urls=shapes[8] / n,
        share_html=shapes[9] / n,
        share_lists=1.0 if type_.endswith("[]") else shapes[10] / n,
        share_objects=shapes[11] / n,
        n_leading_zeros=int(shapes[-1]),
        separated={mark: found / n for mark, found in zip(SEPARATORS, separators, strict=True) if found},
        common=tuple((str(value), int(number)) for value, number in session.rows(often, place)),
        least=ranges[1],
        greatest=ranges[2],
        median=ranges[3],
        n_negative=ranges[4],
        n_zeros=ranges[5],
        decimal=decimal,
        times=times,
        n_clear_times=forms[-1],
        formats=_formats(session, sure, place) if _may_be_dates(times, forms[-1], int(shapes[3] or 0)) else (),
        unknown_numbers=tuple(value for (value,) in unsure),
        odd_numbers=tuple(value for (value,) in odd),
    )


def _may_be_dates(times: TimeForms, n_clear: int, longest: int) -> bool:
    is_clear = times.n_iso + times.n_years + n_clear > LEAST_FITTING * times.n_known
    is_number = times.n_numbers > 0.5 * times.n_known
    return bool(times.n_known) and longest <= 30 and not is_clear and not is_number


def _formats(session: Session, values: str, place: str) -> tuple[str, ...]:
    fitting = [f"count({strptime('v', form)})" for form in FORMATS]
    n_known, *found = _row(session, f"(SELECT v FROM {values} LIMIT 20000)", ["count(v)", *fitting], place)
    return tuple(form for form, n in zip(FORMATS, found, strict=True) if n >= LEAST_FITTING * n_known > 0)


def _row(session: Session, values: str, aggregates: Sequence[str], place: str) -> tuple[Any, ...]:
    return session.row(f"SELECT {', '.join(aggregates)} FROM {values}", place)


def _shape_aggregates() -> list[str]:
    yes_or_no = ", ".join(text_literal(word) for word in (*TRUE, *FALSE))
    conditions = [
        f"sure AND regexp_matches(v, {text_literal(_WHOLE)})",
        f"sure AND lower(v) IN ({yes_or_no})",
        f"sure AND regexp_matches(v, {text_literal(_DIGITS)})",
        f"regexp_matches(v, {text_literal(_URL)})",
        f"regexp_matches(v, {text_literal(_HTML)})",
        "starts_with(v, '[') AND ends_with(v, ']')",
        "starts_with(v, '{') AND ends_with(v, '}')",
        *(f"contains(v, {text_literal(mark)})" for mark in SEPARATORS),
        f"regexp_matches(v, {text_literal(_LEADING_ZERO)})",
    ]
    lengths = ["avg(length(v))", "max(length(v))", "avg(len(string_split(v, ' ')))"]
    counts = [f"count(*) FILTER ({condition})" for condition in conditions]
    return ["count(*)", "count(*) FILTER (sure)", *lengths, *counts]


def _decimal(forms: NumberForms, n_grouped: int) -> str | None:
    """The decimal mark that the values tell; None where it could be either.

    Args:
        n_grouped: Number of values in which a mark may stand between thousands.
    """
    if forms.n_comma and forms.n_point:
        return "," if n_grouped and forms.n_comma > forms.n_point else "." if n_grouped else BOTH_MARKS
    if forms.n_comma:
        return ","
    return None if forms.n_either and not forms.n_point else "."


def _mark(decimal: str | None) -> str:
    return "," if decimal == "," else "."
