"""Numbers as people write them."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reading.records import read_folder
from tests.reading.shelf import refusal, values_of


def number(folder: Path, text: str, **field: Any) -> float | None:
    [found] = values_of(folder, [text], kind="number", **field)
    return found  # type: ignore[no-any-return]


POINT = {
    "$1.20": 1.2,
    "1.20 €": 1.2,
    "USD 12": 12.0,
    "12USD": 12.0,
    "-€3": -3.0,
    "€-3": -3.0,
    "- 3": -3.0,
    "−5": -5.0,
    "+4": 4.0,
    "12%": 12.0,
    "1e3": 1000.0,
    "1E-5": 1e-5,
    ".5": 0.5,
    "5.": 5.0,
    "-0": 0.0,
    "0.299": 0.299,
    "1234.567": 1234.567,
    "$ 1,299.00": 1299.0,
    "1,299,000": 1299000.0,
    "₹12,34,567.00": 1234567.0,
    "12,34,567": 1234567.0,
    "1 299.50": 1299.5,
    "5\u202f000.5": 5000.5,
    "1'299.50": 1299.5,
    "kr. 5": 5.0,
    "Rs. 1 299": 1299.0,
    "\u00a05\u00a0": 5.0,
    "1.7976931348623157e308": 1.7976931348623157e308,
    "5e-324": 5e-324,
}

COMMA = {
    "1.299,00 €": 1299.0,
    "3,5": 3.5,
    "0,299": 0.299,
    "1 299,50": 1299.5,
    "1'299,50": 1299.5,
    "1.299.000": 1299000.0,
    "1.299.000,5": 1299000.5,
    "1234,567": 1234.567,
    ",5": 0.5,
    "-,5": -0.5,
    "€ -1,5": -1.5,
}


def test_currencies_thousands_and_decimal_marks_are_understood(tmp_path: Path) -> None:
    for text, value in {**POINT, **COMMA}.items():
        assert (text, number(tmp_path, text)) == (text, value)


def test_a_declared_decimal_mark_decides(tmp_path: Path) -> None:
    assert number(tmp_path, "1,299", decimal=",") == 1.299
    assert number(tmp_path, "1,299", decimal=".") == 1299.0
    assert number(tmp_path, "1.299", decimal=",") == 1299.0
    assert number(tmp_path, "1.299", decimal=".") == 1.299


@pytest.mark.parametrize(
    "text",
    ["(5.00)", "0x10", "12abc", "٣", "１２", "९", "½", "1.2.3", "1,2,3", "5,-", "£1m", "1.5k", "1,2345.6", "1e400",
     "true", "9" * 400, "one", "1 2 x", "$", "..", "1e", "--5"],
)  # fmt: skip
def test_what_is_no_number_is_told_by_its_place(tmp_path: Path, text: str) -> None:
    said = refusal(number, tmp_path, text)
    assert said.startswith(f"{tmp_path}/items.csv, line 1: v '{text[:20]}")
    assert "is not a number. Mend it, or leave such rows out with on_bad_row: skip" in said


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["1,299", "5"], "'1,299' may have a decimal comma or one between thousands"),
        (["1.299", "5"], "'1.299' may have a decimal point or one between thousands"),
        (["1.299", "2.450", "10.000"], "may have a decimal point or one between thousands"),
        (["1,299", "1.299"], "'1,299' may have a decimal comma"),
        (["1.20", "3,5"], "a decimal point ('1.20') and with a decimal comma ('3,5')"),
    ],
)
def test_what_may_be_read_in_two_ways_is_refused(tmp_path: Path, texts: list[str], said: str) -> None:
    message = refusal(values_of, tmp_path, texts, kind="number")
    assert said in message
    assert message.endswith("declare decimal: '.' or decimal: ','")


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1,299", "5.5"], [1299.0, 5.5]),
        (["1.299", "5,5"], [1299.0, 5.5]),
        (["1,299", "12,345,678"], [1299.0, 12345678.0]),
        (["1.299", "0.5"], [1.299, 0.5]),
        (["1.299", "$2.50"], [1.299, 2.5]),
    ],
)
def test_the_values_of_a_column_decide_together(tmp_path: Path, texts: list[str], values: list[float]) -> None:
    assert values_of(tmp_path, texts, kind="number") == values


WHOLE = {
    "1,299": 1299,
    "2008.0": 2008,
    "-750.00": -750,
    "1e3": 1000,
    "007": 7,
    "9007199254740993": 2**53 + 1,
    "9223372036854775807": 2**63 - 1,
    "-9223372036854775808": -(2**63),
    "€ 1 000": 1000,
}


def test_whole_numbers_are_exact(tmp_path: Path) -> None:
    for text, value in WHOLE.items():
        found = number(tmp_path, text, integer=True)
        assert (text, found, type(found)) == (text, value, int)


@pytest.mark.parametrize("text", ["1.5", "9223372036854775808", "1e19", "1e300"])
def test_a_number_that_is_not_whole_or_too_large_is_refused(tmp_path: Path, text: str) -> None:
    said = refusal(number, tmp_path, text, integer=True)
    assert f"line 1: v '{text}' is not a whole number of at most 64 bits" in said


def test_several_currencies_in_one_column_are_told(tmp_path: Path) -> None:
    def remarks(*texts: str) -> list[str]:
        values_of(tmp_path, list(texts), kind="number")
        return [note for note in read_folder(tmp_path).notes if "currencies" in note]

    assert remarks("$1.50", "€2", "USD 3", "4%") == [
        f"{tmp_path}/items.csv: v has numbers in several currencies ($, USD, €), which are compared as if they were "
        "one."
    ]
    assert remarks("$1.50", "$2", "3") == []


def written(value: float, mark: str, between: str) -> str:
    """A number with two decimals in a style."""
    whole, _, fraction = f"{abs(value):,.2f}".partition(".")
    return ("-" if value < 0 else "") + whole.replace(",", between) + mark + fraction


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.integers(-(10**11), 10**11).map(lambda cents: cents / 100), min_size=1, max_size=8),
    style=st.sampled_from([(".", ","), (",", "."), (".", ""), (",", ""), (",", " "), (".", "'"), (",", "\u202f")]),
    sign=st.sampled_from(["", "$", "€ ", "CHF "]),
    is_before=st.booleans(),
)
def test_numbers_are_read_back_in_every_style(
    values: list[float], style: tuple[str, str], sign: str, is_before: bool
) -> None:
    texts = [written(value, *style) for value in values]
    texts = [sign + text if is_before else text + " " + sign.strip() for text in texts]
    with tempfile.TemporaryDirectory() as folder:
        assert values_of(Path(folder), texts, kind="number") == values
