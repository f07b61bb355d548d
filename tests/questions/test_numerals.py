"""Numbers in a text: whole ones only, in the ways that people write them."""

import pytest

from mcp_server.questions.numerals import find_numerals
from mcp_server.questions.truth import Language


def _read(text: str, language: Language = "en") -> list[set[float]]:
    return [set(numeral.readings) for numeral in find_numerals(text, language)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("There are **505** of them.", [505]),
        ("1,682 films and 100,000 ratings", [1682, 100000]),
        ("3.57 out of 5", [3.57, 5]),
        ("3.57/5", [3.57]),
        ("a mean of 3.5.", [3.5]),
        ("-12 and −3", [-12, -3]),
        ("1\u202f682 and 1\u00a0682", [1682, 1682]),
        ("set_505a, u505, 505b and x-ray7", []),
        ("ID 50, IDs in #51", []),
        ("on 1997-09-20 at 12:30:01, in 1998-03", []),
        ("1. Fargo\n2. Heat\n", []),
        ("10,20", []),
        ("about forty, or three", [3]),
        ("one of them", []),
    ],
)
def test_numbers_of_a_text(text: str, numbers: list[float]) -> None:
    assert _read(text) == [{number} for number in numbers] or (numbers == [] and not any(_read(text)))


def test_percentages_are_known_as_such() -> None:
    text = "41.5% of them, 12 percent, 7 **%**, and 3 users; 41,5 % or 8 Prozent"
    assert [(set(n.readings), n.is_percent) for n in find_numerals(text, "de")] == [
        ({41.5}, True),
        ({12}, True),
        ({7}, True),
        ({3}, False),
        ({41.5}, True),
        ({8}, True),
    ]


def test_marks_are_read_both_ways_in_other_languages_than_english() -> None:
    assert _read("1.682", "de") == [{1682, 1.682}]
    assert _read("1.682,5", "de") == [{1682.5}]
    assert _read("1.682") == [{1.682}]


@pytest.mark.parametrize(
    ("text", "language"),
    [("5 or 6", "en"), ("5, or maybe 6", "en"), ("5-6", "en"), ("5–6", "en"), ("5 oder 6", "de"), ("5 of 6", "nl")],
)
def test_two_numbers_that_are_joined_are_alternatives(text: str, language: Language) -> None:
    first = find_numerals(text, language)[0]
    assert first.is_alternative


def test_parts_and_ranges_are_no_alternatives() -> None:
    assert not any(
        numeral.is_alternative for numeral in find_numerals("5 of 6, then 7 and 8; 388, or 41%; 505 – 30 of them")
    )
    assert [set(numeral.to) for numeral in find_numerals("a rating of 1 to 5 films")] == [{5}, {1}]
