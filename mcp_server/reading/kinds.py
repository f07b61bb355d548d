"""Values of fields: SQL that turns the columns of a piece into values of the kinds that a specification declares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.ids import LARGEST_INTEGER, LONGEST_ID
from mcp_server.reading import numbers, times
from mcp_server.reading.missing import Missing
from mcp_server.reading.pieces import BLANKS, TEXT
from mcp_server.reading.relations import UsedColumn
from mcp_server.reading.sql_text import text_literal

TRUE = ("true", "t", "yes", "y", "1", "1.0", "on")
FALSE = ("false", "f", "no", "n", "0", "0.0", "off")

NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
           "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip


@dataclass(frozen=True)
class Forms:
    """What the values of a text column decide together."""

    decimal: str = "."
    """Decimal mark of numbers."""
    unit: str = "s"
    """Unit of times that are numbers."""
    with_years: bool = True
    """Four digits are a year, and no number of time."""


@dataclass(frozen=True)
class Steps:
    """SQL for the steps from a column to a value, each over the names of the steps before."""

    given: str
    """The column's value as text, or NULL where it is unknown."""
    middle: str
    value: str
    bad: str
    """Condition for values that are not as declared."""
    expected: str
    """The declared form, in words: "a number"."""


@dataclass(frozen=True)
class Names:
    """Names of the results of the steps."""

    given: str
    middle: str
    value: str

    @classmethod
    def numbered(cls, number: int) -> "Names":
        return cls(f'"given:{number}"', f'"middle:{number}"', f'"value:{number}"')


def in_steps(relation: str, conversions: Sequence[tuple[Names, Steps]]) -> str:
    """A FROM clause with the results of all steps beside the columns of a relation. Each step is computed once."""
    for step in ("given", "middle", "value"):
        made = ", ".join(f"{getattr(steps, step)} AS {getattr(names, step)}" for names, steps in conversions)
        relation = f"(SELECT *, {made} FROM {relation})"
    return relation


def is_numeric(type_: str) -> bool:
    """True for DuckDB's name of a type of numbers."""
    return type_.split("(")[0] in NUMERIC


def is_time(type_: str) -> bool:
    """True for DuckDB's name of a type of dates or times."""
    return type_.startswith(("DATE", "TIMESTAMP"))


def identifier_steps(column: UsedColumn, id_type: str, missing: Missing, names: Names) -> Steps:
    """The ID in a column."""
    given = missing.known(column.text)
    if id_type == "string":
        if is_numeric(column.type):
            given = f"regexp_replace({column.text}, '\\.0+$', '')"
        bad = f"{names.value} IS NULL OR length({names.value}) > {LONGEST_ID}"
        return Steps(given, "NULL", names.given, bad, f"an ID of 1 to {LONGEST_ID} characters")
    expected = "a whole number of at most 64 bits"
    if is_numeric(column.type):
        whole = f"CASE WHEN {column.sql} = floor({column.sql}) THEN TRY_CAST({column.sql} AS BIGINT) END"
        return Steps(column.text, "NULL", whole, f"{names.value} IS NULL", expected)
    given = f"nullif({column.text}, '')"
    whole = f"regexp_extract({names.given}, '^([+-]?\\d+)(\\.0*)?$', 1)"
    quick = f"CASE WHEN regexp_matches({names.given}, '^\\d+$') THEN {names.given} ELSE {whole} END"
    return Steps(given, quick, f"TRY_CAST({names.middle} AS BIGINT)", f"{names.value} IS NULL", expected)


def plain_identifier_steps(column: UsedColumn, id_type: str, missing: Missing, names: Names) -> Steps:
    """The ID in a column, if it is written plainly: without blanks around it, or as the database writes the number."""
    if column.type != TEXT:
        return identifier_steps(column, id_type, missing, names)
    if id_type == "string":
        plain = f"{names.given} >= '!' AND right({names.given}, 1) >= '!' AND strlen({names.given}) <= {LONGEST_ID}"
        unknown = f"{missing.known(names.given)} IS NULL"
        return Steps(column.sql, "NULL", names.given, f"NOT coalesce({plain}, false) OR {unknown}", "")
    unusual = " OR ".join(f"contains({names.given}, '{sign}')" for sign in ".eE_")  # which a cast would take
    return Steps(column.sql, "NULL", f"TRY_CAST({names.given} AS BIGINT)", f"{names.value} IS NULL OR {unusual}", "")


def field_steps(column: UsedColumn, spec: FieldSpec, missing: Missing, forms: Forms, names: Names) -> Steps:
    """The value of a field."""
    if needs_numbers(spec):
        return _number(column, spec, missing, forms, names)
    if needs_times(spec):
        return _date(column, spec, missing, forms, names)
    return _STEPS["many" if spec.many else spec.kind](column, spec, missing, names)


def number_steps(column: UsedColumn, missing: Missing, decimal: str, names: Names) -> Steps:
    """The number in a column, as DOUBLE."""
    if is_numeric(column.type):
        known = "".join(f" AND {names.middle} <> {amount!r}" for amount in missing.amounts)
        value = f"CASE WHEN isfinite({names.middle}){known} THEN {names.middle} END"
        return Steps(column.text, f"CAST({column.sql} AS DOUBLE)", value, "false", "a number")
    given = missing.known(column.text, of_number=True)
    middle = numbers.number(names.given, decimal)
    if decimal == ".":
        plain = f"TRY_CAST({names.given} AS DOUBLE)"
        middle = f"CASE WHEN isfinite({plain}) THEN {plain} ELSE {middle} END"
    return Steps(given, middle, names.middle, f"{names.given} IS NOT NULL AND {names.middle} IS NULL", "a number")


def _number(column: UsedColumn, spec: FieldSpec, missing: Missing, forms: Forms, names: Names) -> Steps:
    steps = number_steps(column, missing, spec.decimal or forms.decimal, names)
    number = names.middle if steps.value == names.middle else steps.value
    if spec.bands:
        cases = " ".join(
            f"WHEN {number} BETWEEN {low!r} AND {high!r} THEN {text_literal(name)}"
            for name, (low, high) in spec.bands.items()
        )
        return Steps(steps.given, steps.middle, f"CASE {cases} END", steps.bad, steps.expected)
    if not spec.integer:
        return steps
    exact = f"TRY_CAST(CASE WHEN regexp_matches({names.given}, '^[+-]?\\d+$') THEN {names.given} END AS BIGINT)"
    whole = f"{number} = floor({number}) AND abs({number}) < {LARGEST_INTEGER}"
    value = f"coalesce({exact}, CASE WHEN {whole} THEN CAST({number} AS BIGINT) END)"
    bad = f"({steps.bad}) OR ({number} IS NOT NULL AND {names.value} IS NULL)"
    return Steps(steps.given, steps.middle, value, bad, "a whole number of at most 64 bits")


def moment_steps(column: UsedColumn, declared: str | None, missing: Missing, forms: Forms, names: Names) -> Steps:
    """The moment in a column, as TIMESTAMP in UTC."""
    expected = f"a time of the form {declared}" if declared else "a time: ISO 8601, or s, ms or us since 1970"
    if is_time(column.type):
        return Steps(finite(column.sql, column.text), finite(column.sql), names.middle, "false", expected)
    given = missing.known(column.text, of_number=True)
    bad = f"{names.given} IS NOT NULL AND {names.middle} IS NULL"
    moment = times.moment(names.given, declared, forms.unit, with_years=forms.with_years)
    return Steps(given, moment, names.middle, bad, expected)


def finite(moment: str, value: str | None = None) -> str:
    """SQL for a moment, or for a value that stands for it; NULL where it is infinite."""
    return f"CASE WHEN isfinite({moment}) THEN {value or f'CAST({moment} AS TIMESTAMP)'} END"


def _date(column: UsedColumn, spec: FieldSpec, missing: Missing, forms: Forms, names: Names) -> Steps:
    steps = moment_steps(column, spec.format, missing, forms, names)
    if is_time(column.type):
        middle = times.iso_text(steps.middle)
    elif spec.format is None:
        middle = times.iso_date(names.given, steps.middle)
    else:
        middle = times.iso_date_of_form(steps.middle, spec.format)
    value = names.middle
    if spec.part is not None:
        first, length = (1, 4) if spec.part == "year" else (6, 2)
        value = f"TRY_CAST(nullif(substring({names.middle}, {first}, {length}), '') AS BIGINT)"
    expected = f"a date of the form {spec.format}" if spec.format else "a date like 1995, 1995-11 or 1995-11-22"
    return Steps(steps.given, middle, value, steps.bad, expected)


def _shown(value: str, spec: FieldSpec) -> str:
    """SQL for the name shown in place of a code."""
    cases = " ".join(f"WHEN {text_literal(code)} THEN {text_literal(name)}" for code, name in spec.values.items())
    return f"CASE {value} {cases} ELSE {value} END" if cases else value


def _category(column: UsedColumn, spec: FieldSpec, missing: Missing, names: Names) -> Steps:
    given, several = missing.known(column.text), _holds_json(names.given)
    if column.type.endswith("[]"):
        several = f"len({column.sql}) > 1"
    expected = "one name: declare many: true for several, and for a part of an object source: COLUMN.PART"
    return Steps(given, "NULL", _shown(names.given, spec), several, expected)


def _holds_json(text: str) -> str:
    """SQL condition for a text that is a list or an object of JSON."""
    return f"((starts_with({text}, '[') OR starts_with({text}, '{{')) AND json_valid({text}))"


def _many(column: UsedColumn, spec: FieldSpec, missing: Missing, names: Names) -> Steps:
    """A list of names: a list already, a list of JSON or in brackets, or names between separators."""
    given, bad = missing.known(column.text), f"len(list_filter({names.value}, lambda part: {_holds_json('part')})) > 0"
    if column.type.endswith("[]"):
        middle = f"CAST({column.sql} AS VARCHAR[])"
    else:
        in_brackets = f"(starts_with({names.given}, '[') AND ends_with({names.given}, ']'))"
        listed = f"coalesce(TRY(CAST(CAST({names.given} AS JSON) AS VARCHAR[])), TRY_CAST({names.given} AS VARCHAR[]))"
        split = f"string_split({names.given}, {text_literal(spec.separator or ',')})"
        middle = f"CASE WHEN {in_brackets} THEN {listed} ELSE {split} END"
        bad = f"({names.given} IS NOT NULL AND {names.middle} IS NULL) OR {bad}"
    name = _shown(missing.known(f"trim(part, {BLANKS})"), spec)
    named = f"list_transform({names.middle}, lambda part: {name})"
    value = f"list_filter({named}, lambda part: part IS NOT NULL AND part <> '')"
    return Steps(given, middle, value, bad, "a list of names: for a part of objects declare source: COLUMN.PART")


def _text(column: UsedColumn, spec: FieldSpec, missing: Missing, names: Names) -> Steps:
    value = f"nullif(plain_text({names.middle}), '')" if spec.html else names.middle
    return Steps(missing.known(column.text), _shown(names.given, spec), value, "false", "a text")


def _boolean(column: UsedColumn, spec: FieldSpec, missing: Missing, names: Names) -> Steps:
    expected = "true or false, yes or no, 1 or 0"
    if column.type == "BOOLEAN":
        return Steps(column.text, "NULL", column.sql, "false", expected)
    given, middle = missing.known(column.text, of_number=True), f"lower({_shown(names.given, spec)})"
    if is_numeric(column.type):
        middle = f"regexp_replace({names.given}, '\\.0+$', '')"
    yes, no = (", ".join(map(text_literal, words)) for words in (TRUE, FALSE))
    value = f"CASE WHEN {names.middle} IN ({yes}) THEN true WHEN {names.middle} IN ({no}) THEN false END"
    return Steps(given, middle, value, f"{names.given} IS NOT NULL AND {names.value} IS NULL", expected)


_STEPS: dict[str, Callable[[UsedColumn, FieldSpec, Missing, Names], Steps]] = {
    "category": _category,
    "many": _many,
    "text": _text,
    "boolean": _boolean,
}


def needs_numbers(spec: FieldSpec) -> bool:
    """True for a field whose column is read as numbers."""
    return bool(spec.bands) or (spec.kind == "number" and spec.part is None)


def needs_times(spec: FieldSpec) -> bool:
    """True for a field whose column is read as dates."""
    return spec.kind == "date" or spec.part is not None
