"""The steps from the columns of interactions to user, item, value and time.

Most files have plain numbers for ratings and times, which a quick plan reads. If a row does not fit it, all rows are
read again by a thorough plan, which knows other forms and can tell what is wrong.
"""

from dataclasses import dataclass

from mcp_server.dataset.spec import DatasetSpec
from mcp_server.errors import DatasetError
from mcp_server.reading.bad_rows import Check
from mcp_server.reading.feedback import refuse_names
from mcp_server.reading.kinds import (
    Forms,
    Names,
    Steps,
    finite,
    identifier_steps,
    is_time,
    moment_steps,
    number_steps,
    plain_identifier_steps,
)
from mcp_server.reading.missing import Missing
from mcp_server.reading.numbers import NumberForms
from mcp_server.reading.pieces import TEXT
from mcp_server.reading.relations import Relation, UsedColumn
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import text_literal
from mcp_server.reading.time_forms import TimeForms, refuse_unclear
from mcp_server.reading.times import (
    EARLIEST_SECONDS,
    LATEST_SECONDS,
    UNITS,
    amount_in_seconds,
    is_of_larger_unit,
    seconds,
)

PEEKED_ROWS = 10_000
"""Rows by which the quick plan is chosen."""

MOST_NAMES = 6

USER, ITEM, VALUE, TIME = map(Names.numbered, range(4))


@dataclass(frozen=True)
class Plan:
    """The conversions of a piece."""

    conversions: list[tuple[Names, Steps]]
    results: list[str]
    """SQL for user, item, value and time."""
    checks: list[Check]
    is_thorough: bool


class InteractionSteps:
    """Makes the plans of a piece."""

    def __init__(self, spec: DatasetSpec, relation: Relation, session: Session, missing: Missing) -> None:
        self._spec, self._declared = spec, spec.interactions
        self._relation, self._session, self._missing = relation, session, missing
        self._columns, self._name = relation.columns, relation.piece.name

    def quick(self) -> Plan | None:
        """A plan for plain numbers; None where a first look finds others."""
        value, time = None, None
        if self._missing.amounts:
            return None
        if self._declared.rating is not None:
            column = self._columns[self._declared.rating]
            value = self._weight(column) if self._declared.kind == "events" else self._plain_number(column)
            if value is None:
                return None
        if self._declared.timestamp is not None:
            time = self._plain_time(self._columns[self._declared.timestamp])
            if time is None:
                return None
        return self._plan(value, time, is_thorough=False)

    def thorough(self) -> Plan:
        """A plan for all known forms.

        Raises:
            DatasetError: A column can be read in several ways, or in none that fits.
        """
        value, time = None, None
        if self._declared.rating is not None:
            column = self._columns[self._declared.rating]
            value = self._weight(column) if self._declared.kind == "events" else self._any_number(column)
        if self._declared.timestamp is not None:
            time = self._any_time(self._columns[self._declared.timestamp])
        return self._plan(value, time, is_thorough=True)

    def _plan(self, value: Steps | None, time: Steps | None, *, is_thorough: bool) -> Plan:
        declared = self._declared
        identified = identifier_steps if is_thorough else plain_identifier_steps
        types = (declared.user, USER, self._spec.users.id_type), (declared.item, ITEM, self._spec.items.id_type)
        made = [
            (column, names, identified(self._columns[column], id_type, self._missing, names))
            for column, names, id_type in types
        ]
        if value is not None:
            made.append((declared.rating or "", VALUE, value))
        if time is not None:
            made.append((declared.timestamp or "", TIME, time))
        return Plan(
            [(names, steps) for _, names, steps in made],
            [USER.value, ITEM.value, VALUE.value if value else "1.0", TIME.value if time else "NULL"],
            [Check(column, steps.bad, names.given, steps.expected) for column, names, steps in made],
            is_thorough,
        )

    # Values

    def _checked(self, steps: Steps) -> Steps:
        """Steps to a rating or a count, with the check of its range."""
        value, unknown = VALUE.value, f"{VALUE.value} IS NULL"
        if self._declared.kind == "counts":
            return Steps(steps.given, steps.middle, steps.value, f"{unknown} OR {value} < 0", "a number from 0 on")
        if self._declared.rating_range is None:
            return Steps(steps.given, steps.middle, steps.value, unknown, steps.expected)
        low, high = self._declared.rating_range
        bad = f"{unknown} OR {value} NOT BETWEEN {low!r} AND {high!r}"
        return Steps(steps.given, steps.middle, steps.value, bad, f"from {low:g} to {high:g}")

    def _weight(self, column: UsedColumn) -> Steps:
        cases = " ".join(
            f"WHEN {text_literal(name.strip().lower())} THEN {weight!r}"
            for name, weight in self._declared.weights.items()
        )
        value = f"CAST(CASE lower({VALUE.given}) {cases} END AS DOUBLE)"
        expected = f"one of the events {', '.join(self._declared.weights)}"
        return Steps(f"nullif({column.text}, '')", "NULL", value, f"{VALUE.value} IS NULL", expected)

    def _plain_number(self, column: UsedColumn) -> Steps | None:
        """Steps for a column of plain numbers; None if they may have a decimal comma or separated thousands."""
        if column.type == TEXT and self._declared.decimal != ".":
            _, forms = self._number_forms(column, f"LIMIT {PEEKED_ROWS}")
            if self._declared.decimal or forms.n_comma or forms.n_either or forms.n_dotted:
                return None
        value = f"CASE WHEN isfinite({VALUE.middle}) THEN {VALUE.middle} END"
        return self._checked(Steps(column.sql, f"TRY_CAST({VALUE.given} AS DOUBLE)", value, "", "a number"))

    def _any_number(self, column: UsedColumn) -> Steps:
        decimal: str = self._declared.decimal or "."
        if column.type == TEXT:
            (n_known, n_plain), forms = self._number_forms(column, "")
            if n_plain + forms.n_point + forms.n_comma + forms.n_either < n_known / 2:
                raise refuse_names(self._declared, self._frequent(column))
            if self._declared.decimal is None:
                place, is_json = f"{self._name}: {self._declared.rating}", self._relation.piece.broken is not None
                decimal = forms.decimal_mark(place, whole=False, is_json=is_json)
        return self._checked(number_steps(column, self._missing, decimal, VALUE))

    def _values(self, column: UsedColumn) -> str:
        """A FROM clause with the known values of a column as ``v``."""
        return f"(SELECT {self._missing.known(column.text, of_number=True)} AS v FROM {self._relation.of(None)})"

    def _number_forms(self, column: UsedColumn, limit: str) -> tuple[tuple[int, int], NumberForms]:
        """The numbers of known values and of plain numbers, and the forms of them all."""
        chosen = ", ".join(["count(v)", "count(TRY_CAST(v AS DOUBLE))", *NumberForms.aggregates("v")])
        n_known, n_plain, *found = self._session.row(
            f"SELECT {chosen} FROM (SELECT v FROM {self._values(column)} {limit})", self._name
        )
        return (n_known, n_plain), NumberForms(*found)

    def _frequent(self, column: UsedColumn) -> list[str]:
        """The most frequent values of a column."""
        often = f"FROM {self._values(column)} WHERE v IS NOT NULL GROUP BY v ORDER BY count(*) DESC, v"
        return [name for (name,) in self._session.rows(f"SELECT v {often} LIMIT {MOST_NAMES}", self._name)]

    # Times

    @property
    def _place_of_time(self) -> str:
        return f"{self._name}: {self._declared.timestamp}"

    def _plain_time(self, column: UsedColumn) -> Steps | None:
        """Steps for a column of times or numbers; None if a first look finds other texts."""
        if is_time(column.type):
            value = finite(column.sql, seconds(f"CAST({column.sql} AS TIMESTAMP)"))
            return Steps(column.text, "NULL", value, "false", "")
        unit, bad = self._declared.timestamp_format, f"{TIME.value} IS NULL"
        if unit is None:
            forms = self._time_forms(column, f"LIMIT {PEEKED_ROWS}")
            if forms.n_numbers + forms.n_years < forms.n_known or not forms.n_numbers:
                return None
            unit = forms.unit(self._place_of_time, "timestamp_format")
            bad += f" OR {is_of_larger_unit(TIME.middle, unit)}"
        if unit not in UNITS:
            return None
        if unit == "s" and column.type == TEXT:  # whole numbers are read faster, and a cast would round others
            bad += f" OR contains({TIME.given}, '.')"
            bad += f" OR {TIME.value} NOT BETWEEN {EARLIEST_SECONDS:.0f} AND {LATEST_SECONDS:.0f}"
            return Steps(column.sql, "NULL", f"TRY_CAST({TIME.given} AS BIGINT)", bad, "")
        value = amount_in_seconds(TIME.middle, unit)
        return Steps(column.sql, f"TRY_CAST({TIME.given} AS DOUBLE)", value, bad, "")

    def _any_time(self, column: UsedColumn) -> Steps:
        forms, declared = Forms(), self._declared.timestamp_format
        if declared is None and not is_time(column.type):
            found = self._time_forms(column, "")
            if found.n_years and found.n_years == found.n_known:
                raise DatasetError(
                    f"{self._place_of_time} may hold years, or seconds since 1970: declare timestamp_format: '%Y' or "
                    "timestamp_format: s"
                )
            if found.n_others:
                refuse_unclear(self._session, self._values(column), self._place_of_time, "timestamp_format")
            unit = found.unit(self._place_of_time, "timestamp_format")
            forms = Forms(unit=unit, with_years=not found.n_numbers)
        steps = moment_steps(column, declared, self._missing, forms, TIME)
        return Steps(steps.given, steps.middle, seconds(TIME.middle), steps.bad, steps.expected)

    def _time_forms(self, column: UsedColumn, limit: str) -> TimeForms:
        values = f"(SELECT v FROM {self._values(column)} {limit})"
        return TimeForms.of_row(
            self._session.row(f"SELECT {', '.join(TimeForms.aggregates('v'))} FROM {values}", self._name)
        )
