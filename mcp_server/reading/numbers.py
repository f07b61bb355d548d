"""Numbers as people write them: currency signs, thousands separators, decimal commas.

A column is read in one way. Which one, its values decide together: "1.20" has a decimal point, "1.299,00" a decimal
comma. "1,299" or "1.299" alone could be either, and is refused until it is declared.
"""

from dataclasses import dataclass

from mcp_server.errors import DatasetError, quoted
from mcp_server.reading.sql_text import text_literal

_CODES = (
    "USD|EUR|GBP|JPY|CHF|AUD|CAD|NZD|CNY|RMB|INR|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|UAH|RUB|TRY|ILS|ZAR|BRL|MXN|ARS|CLP|"
    "COP|KRW|SGD|HKD|TWD|THB|IDR|MYR|PHP|VND|AED|SAR|EGP|NGN|KES"
)
_CURRENCY = rf"(?:US\$|A\$|C\$|R\$|HK\$|NZ\$|[$€£¥₹₽₩₺₫฿₴₪₱₦]|(?:{_CODES})|kr\.?|zł|Kč|Ft|Rs\.?)"
_SIGN = rf"(?:{_CURRENCY}|%)"

AROUND = rf"^([+-]?)\s*{_SIGN}?\s*([+-]?[0-9.,'’\s\x{{a0}}\x{{202f}}]*[0-9][.,]?(?:[eE][+-]?[0-9]+)?)\s*{_SIGN}?$"
"""A number with or without a currency or per cent sign. Groups: a sign before the currency, and the number."""

_SPACES = r"[\s\x{a0}\x{202f}'’]"

FORMS = {
    "point": r"^[+-]?(\d+\.(\d{1,2}|\d{4,})|\d{4,}\.\d+|0?\.\d+|\d{1,3}(,\d{2,3})*,\d{3}\.\d+"
    r"|\d{1,3}(,\d{2,3})+,\d{3})$",
    "comma": r"^[+-]?(\d+,(\d{1,2}|\d{4,})|\d{4,},\d+|0?,\d+|\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,})$",
    "either": r"^[+-]?[1-9]\d{0,2},\d{3}$",
    "dotted": r"^[+-]?[1-9]\d{0,2}\.\d{3}$",
}
"""Forms of numbers: with a decimal point or commas between thousands, the reverse, and two that may be either."""


def bare_number(value: str) -> str:
    """SQL for the number in a text, without currency signs and spaces; NULL where the text is no number."""
    found = f"regexp_replace({value}, {text_literal(AROUND)}, '\\1\\2')"
    bare = f"regexp_replace({found}, {text_literal(_SPACES)}, '', 'g')"
    return f"CASE WHEN regexp_matches({value}, {text_literal(AROUND)}) THEN {bare} END"


@dataclass(frozen=True)
class NumberForms:
    """How the values of a text column of numbers look."""

    n_point: int
    n_comma: int
    n_either: int
    n_dotted: int
    example_point: str | None
    example_comma: str | None
    example_either: str | None
    example_dotted: str | None
    currencies: list[str]
    """Currency signs, with which the numbers stand."""

    @staticmethod
    def aggregates(value: str) -> list[str]:
        """SQL of the counts, examples and signs, in the order of the fields."""
        bare = bare_number(value)
        having = [f"regexp_matches({bare}, {text_literal(form)})" for form in FORMS.values()]
        sign = f"nullif(regexp_extract({value}, {text_literal(_CURRENCY)}), '')"
        return [
            *(f"count(*) FILTER ({condition})" for condition in having),
            *(f"any_value({value}) FILTER ({condition})" for condition in having),
            f"list_sort(coalesce(list(DISTINCT {sign}) FILTER ({bare} IS NOT NULL AND {sign} IS NOT NULL), []))",
        ]

    def decimal_mark(self, place: str, *, whole: bool, is_json: bool = False) -> str:
        """The decimal mark of the column.

        Args:
            place: The field and its file, for messages.
            whole: True if the field is declared to have whole numbers.
            is_json: True for numbers of JSON, which have a decimal point.

        Raises:
            DatasetError: The values do not tell.
        """
        remedy = "declare decimal: '.' or decimal: ','"
        if self.n_point and self.n_comma:
            raise DatasetError(
                f"{place} has numbers with a decimal point ({quoted(self.example_point)}) and with a decimal comma "
                f"({quoted(self.example_comma)}): {remedy}"
            )
        if self.n_comma:
            return ","
        if self.n_point:
            return "."
        if self.n_either and not (whole and not self.n_dotted):
            raise DatasetError(
                f"{place}: {quoted(self.example_either)} may have a decimal comma or one between thousands: {remedy}"
            )
        if self.n_dotted and not is_json:
            raise DatasetError(
                f"{place}: {quoted(self.example_dotted)} may have a decimal point or one between thousands: {remedy}"
            )
        return "."


def number(value: str, decimal: str) -> str:
    """SQL for the number that a text stands for, as DOUBLE; NULL where it stands for none.

    Args:
        decimal: The decimal mark.
    """
    thousands = "," if decimal == "." else "."
    mark, between = (r"\.", ",") if decimal == "." else (",", r"\.")
    grouped = rf"\d{{1,3}}({between}\d{{3}})+|\d{{1,2}}({between}\d{{2}})+{between}\d{{3}}"
    well_formed = rf"^[+-]?(\d+|{grouped})?({mark}\d*)?([eE][+-]?\d+)?$"
    bare = bare_number(f"replace({value}, '\u2212', '-')")
    plain = f"replace(replace({bare}, {text_literal(thousands)}, ''), ',', '.')"
    cast = f"TRY_CAST(CASE WHEN regexp_matches({bare}, {text_literal(well_formed)}) THEN {plain} END AS DOUBLE)"
    return f"CASE WHEN isfinite({cast}) THEN {cast} END"
