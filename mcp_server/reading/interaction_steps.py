"""The steps from the columns of interactions to user, item, value and time.

Most files have plain numbers for ratings and times, which a quick plan reads. If a row does not fit it, all rows are
read again by a thorough plan, which knows other forms and can tell what is wrong.
"""

from dataclasses import dataclass

from mcp_server.dataset.spec import DatasetSpec
from mcp_server.reading.bad_rows import Check
from mcp_server.reading.feedback import refuse_names
from mcp_server.reading.kinds import (
    Names,
    Steps,
    identifier_steps,
    is_numeric,
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
from mcp_server.reading.times import (
    EARLIEST_SECONDS,
    LATEST_SECONDS,
    UNITS,
    TimeForms,
    amount_in_seconds,
    seconds,
    unit_of,
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
        if self._declared.rating is not None:
            column = self._columns[self._declared.rating]
            value = self._weight(column) if self._declared.kind == "events" else self._plain_number(column)
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
        made = [
            (declared.user, USER, identified(self._columns[declared.user], self._spec.users.id_type, USER)),
            (declared.item, ITEM, identified(self._columns[declared.item], self._spec.items.id_type, ITEM)),
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

    def _plain_number(self, column: UsedColumn) -> Steps:
        value = f"CASE WHEN isfinite({VALUE.middle}) THEN {VALUE.middle} END"
        return self._checked(Steps(column.sql, f"TRY_CAST({VALUE.given} AS DOUBLE)", value, "", "a number"))

    def _any_number(self, column: UsedColumn) -> Steps:
        decimal = "."
        if column.type == TEXT:
            known = self._missing.known(column.text, of_number=True)
            values = f"(SELECT {known} AS v FROM {self._relation.of(None)})"
            aggregates = ", ".join(NumberForms.aggregates("v"))
            counts = "count(v), count(TRY_CAST(v AS DOUBLE))"
            n_known, n_plain, *found = self._session.row(f"SELECT {counts}, {aggregates} FROM {values}", self._name)
            forms = NumberForms(*found)
            if n_plain + forms.n_point + forms.n_comma + forms.n_either < n_known / 2:
                often = f"SELECT v FROM {values} WHERE v IS NOT NULL GROUP BY v ORDER BY count(*) DESC, v"
                names = self._session.rows(f"{often} LIMIT {MOST_NAMES}", self._name)
                raise refuse_names(self._declared, [name for (name,) in names])
            decimal = forms.decimal_mark(f"{self._name}: {self._declared.rating}", whole=False)
        return self._checked(number_steps(column, self._missing, decimal, VALUE))

    # Times

    def _plain_time(self, column: UsedColumn) -> Steps | None:
        """Steps for a column of times or numbers; None if a first look finds other texts."""
        if is_time(column.type):
            return Steps(column.text, "NULL", seconds(f"CAST({column.sql} AS TIMESTAMP)"), "false", "")
        unit = self._declared.timestamp_format
        if unit is None:
            forms = self._forms(column, f"LIMIT {PEEKED_ROWS}")
            if forms.n_numbers < forms.n_known:
                return None
            unit = forms.unit(f"{self._name}: {self._declared.timestamp}", "timestamp_format")
        if unit not in UNITS:
            return None
        if unit == "s":  # whole numbers are read faster
            bad = f"{TIME.value} IS NULL OR {TIME.value} NOT BETWEEN {EARLIEST_SECONDS:.0f} AND {LATEST_SECONDS:.0f}"
            return Steps(column.sql, "NULL", f"TRY_CAST({TIME.given} AS BIGINT)", bad, "")
        value = amount_in_seconds(TIME.middle, unit)
        return Steps(column.sql, f"TRY_CAST({TIME.given} AS DOUBLE)", value, f"{TIME.value} IS NULL", "")

    def _any_time(self, column: UsedColumn) -> Steps:
        unit, declared = "s", self._declared.timestamp_format
        place = f"{self._name}: {self._declared.timestamp}"
        if column.type == TEXT and declared is None:
            forms = self._forms(column, "")
            forms.check(place, "timestamp_format")
            unit = forms.unit(place, "timestamp_format")
        elif is_numeric(column.type) and declared is None:
            typical = f"coalesce(median(abs({column.sql})), 0)"
            unit = unit_of(float(self._session.row(f"SELECT {typical} FROM {self._relation.of(None)}", self._name)[0]))
        steps = moment_steps(column, declared, self._missing, unit, TIME)
        return Steps(steps.given, steps.middle, seconds(TIME.middle), steps.bad, steps.expected)

    def _forms(self, column: UsedColumn, limit: str) -> TimeForms:
        known = self._missing.known(column.text, of_number=True)
        values = f"(SELECT {known} AS v FROM {self._relation.of(None)} {limit})"
        return TimeForms.of_row(
            self._session.row(f"SELECT {', '.join(TimeForms.aggregates('v'))} FROM {values}", self._name)
        )
