"""Fields of items and users, as a specification declares them."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""Name that becomes a table column and a tool argument."""

RESERVED_NAMES = frozenset(
    {"idx", "id", "match", "detail", "canonical", "n_interactions", "item_id", "where", "exclude", "order_by", "k"}
)
"""Names of columns and arguments that the program itself uses."""

UNITS_OF_TIME = ("s", "ms", "us", "ns")
"""Units of numbers of time since 1970, from the largest to the smallest."""


def _check_form(form: str) -> str:
    """Refuse the form of a date that no date can be in."""
    pattern = re.sub("%%", "", form)
    is_known = not re.search("%(?!-?[aAbBcdfgGHIjmMpSuUVwWxXyYzZ])", pattern)
    if form not in UNITS_OF_TIME and not (is_known and re.search("%-?[cxyYG]", pattern)):
        raise ValueError(
            f"{form!r} is not the form of a date: s, ms, us, ns, or a pattern such as %d/%m/%Y was expected"
        )
    return form


DateForm = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_check_form)]
"""Unit of numbers of time since 1970, or a pattern with a year."""


class FieldSpec(BaseModel, extra="forbid", frozen=True):
    """One attribute of items or users."""

    name: Name
    """Name for the filter's argument and for results: at most 40 small letters, digits and underscores."""
    kind: Literal["category", "number", "boolean", "text", "date"]
    """Kind of the values. category: names, which are matched fuzzily. number. boolean: true or false, yes or no, 1 or
    0. text. date: days, and times where there are any, as in 1995, 1995-11, 1995-11-22 or 1995-11-22T18:30:00Z."""
    many: bool = False
    """Several values for one item, in one row or in a row for each; only for a category."""
    source: str | None = None
    """Column of the source, if it has another name; the path to a part of an object, such as ``price.amount``; or an
    SQL expression over the columns, such as ``regexp_extract(title, '\\((\\d{4})\\)', 1)``."""
    label: str | None = None
    """People's word for the field. By default the name, with spaces."""
    unit: str | None = None
    """Unit of a number, shown after the value and in the filter's description. Callers may say it, or another that it
    can be made of: "2 hours" where it is minutes, "7/10" where it is ``of 10``."""
    integer: bool = False
    """Whole values; only for a number."""
    filter: bool = False
    """The field becomes an argument of the filter tool. Where there are many such fields, the title, the fields of
    ``summary`` and those that are declared first get arguments of their own; the others are reached by ``where``."""
    separator: str | None = None
    """Text between two values of a category, where one string holds many."""
    decimal: Literal[".", ","] | None = None
    """Decimal mark of a number. By default it is detected; what could be either is refused."""
    format: DateForm | None = None
    """Form of a date: ``s``, ``ms`` or ``us`` for a number of seconds, milliseconds or microseconds since 1970, or a
    pattern such as ``%d/%m/%Y``. By default ISO 8601 and other forms that can be read in one way only."""
    html: bool = False
    """The text is HTML: tags, scripts and styles are taken out."""
    part: Literal["year", "month"] | None = None
    """Part of the date, for a number taken from a date column."""
    values: dict[str, str] = {}
    """Codes in the file, and the names shown for them: ``{M: male}``."""
    bands: dict[str, tuple[float, float]] = {}
    """Inclusive ranges of a category made of a number, ``{teenager: [13, 19]}``."""
    aliases: dict[str, str] = {}
    """Other names that people use for those of a category, and the catalogue's name for each."""

    @property
    def column(self) -> str:
        return self.source or self.name

    def aliases_of(self, name: str) -> list[str]:
        """Other names that people use for one of the category."""
        return [alias for alias, meant in self.aliases.items() if meant == name]

    @property
    def title(self) -> str:
        return self.label or self.name.replace("_", " ")

    @model_validator(mode="after")
    def _options_fit_the_kind(self) -> Self:
        misplaced = [
            (self.many and self.kind != "category", "many", "category"),
            (self.separator is not None and not self.many, "separator", "category with many: true"),
            (bool(self.bands) and self.kind != "category", "bands", "category"),
            (bool(self.aliases) and self.kind != "category", "aliases", "category"),
            (self.part is not None and self.kind != "number", "part", "number"),
            (self.integer and self.kind != "number", "integer", "number"),
            (self.decimal is not None and self.kind != "number" and not self.bands, "decimal", "number"),
            (self.format is not None and self.kind != "date" and self.part is None, "format", "date"),
            (self.html and self.kind != "text", "html", "text"),
            (bool(self.values) and (self.kind in ("number", "date") or bool(self.bands)), "values", "category or text"),
        ]
        for wrong, option, kind in misplaced:
            if wrong:
                raise ValueError(f"field {self.name!r}: {option!r} is only for a field of kind {kind}")
        if self.name in RESERVED_NAMES:
            raise ValueError(f"field name {self.name!r} is used by the program itself; choose another")
        return self


def check_names(fields: list[FieldSpec], used: list[str], where: str) -> None:
    names = [field.name for field in fields]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{where}: field {name!r} is declared twice")
    for name in used:
        if name not in names:
            raise ValueError(f"{where}: {name!r} is used but not declared under fields")
