"""Kinds of fields, by the values of a column and by its name."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mcp_server.discovery.field_kinds import UNDECIDED, FieldProposal, LeftOut, propose_field
from mcp_server.discovery.profiles import Profile, profile_columns
from mcp_server.discovery.questions import Question, TakeDefaults
from mcp_server.reading.session import Session

Propose = Callable[..., FieldProposal | LeftOut]


@pytest.fixture
def profile(tmp_path: Path) -> Callable[[str, Sequence[str | None]], Profile]:
    """The profile of a column with these values."""

    def look(name: str, values: Sequence[str | None]) -> Profile:
        session = Session(Path(tempfile.mkdtemp(dir=tmp_path)), [], [])
        session.run(f'CREATE TABLE t ("{name}" VARCHAR)', "t")
        for value in values:
            session.run("INSERT INTO t VALUES (?)", "t", [value])
        found = profile_columns(session, "t", {name: "VARCHAR"}, "t", len(values))[name]
        session.close()
        return found

    return look


@pytest.fixture
def declared(profile: Callable[[str, Sequence[str | None]], Profile]) -> Callable[..., dict[str, Any]]:
    """The declaration of a column with these values."""

    def look(name: str, values: Sequence[str | None], choose: Any = None) -> dict[str, Any]:
        found = propose_field(profile(name, values), "f", choose or TakeDefaults())
        assert isinstance(found, FieldProposal)
        return {key: value for key, value in found.declared.items() if key not in ("name", "source")}

    return look


Declared = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("price", ["$1.20", "$3", "$1,299.00"], {"kind": "number", "unit": "$", "filter": True}),
        ("price", ["1,20 €", "3,00 €", "1.299,00 €"], {"kind": "number", "decimal": ",", "unit": "€", "filter": True}),
        (
            "pages",
            ["120", "-", "88"] * 6 + ["300"] * 40 + ["n/a?"],
            {"kind": "number", "integer": True, "filter": True},
        ),
        ("weight", ["1.5", "2", "0.25"], {"kind": "number", "filter": True}),
        ("fresh", ["yes", "no", "no"], {"kind": "boolean", "filter": True}),
        ("flag", ["1", "0", "1", "0"], {"kind": "boolean", "filter": True}),
        ("released", ["1995-11-22", "1996", "1996-02"], {"kind": "date", "filter": True}),
        ("day", ["22-Nov-1995", "01-Jan-1996"], {"kind": "date", "filter": True}),
        ("added", ["25/12/2020", "03/04/2020"], {"kind": "date", "format": "%d/%m/%Y", "filter": True}),
        ("added", ["12/25/2020 8:26", "3/4/2020 18:05"], {"kind": "date", "format": "%m/%d/%Y %H:%M", "filter": True}),
        ("created_at", ["1700000000000", "1700000100000"], {"kind": "date", "format": "ms", "filter": True}),
        ("date", ["20240131", "20231231"], {"kind": "date", "format": "%Y%m%d", "filter": True}),
        ("tags", ["['a', 'b']", "['a']", "['c', 'a']"], {"kind": "category", "many": True, "filter": True}),
        (
            "genres",
            ["War|Drama", "Drama", "Comedy"],
            {"kind": "category", "many": True, "separator": "|", "filter": True},
        ),
        (
            "genre",
            ["Action, War", "War", "Action"],
            {"kind": "category", "many": True, "separator": ",", "filter": True},
        ),
        ("maker", ["Ola", "Ida", "Ola", "Ida", "Ola"], {"kind": "category", "filter": True}),
        ("image", ["a.png", "b.png", "a.png", "a.png"], {"kind": "text"}),
        ("zip", ["0150", "0151", "0150", "0150"], {"kind": "category"}),
        ("imdb_id", ["0114709", "0113497", "0113228"], {"kind": "text"}),
        ("about", ["<p>A lamp.</p>", "<b>A</b> chair"], {"kind": "text", "html": True}),
    ],
)
def test_values_and_names_decide_the_kind(declared: Declared, name: str, values: list[str], expected: Any) -> None:
    assert declared(name, values) == expected


def test_a_date_that_can_be_read_in_two_ways_is_asked_for(declared: Declared) -> None:
    asked: list[Question] = []

    def month_first(question: Question) -> str:
        asked.append(question)
        return "%m/%d/%Y"

    values = ["03/04/2020", "05/06/2021"]
    assert declared("added", values, month_first) == {"kind": "date", "format": "%m/%d/%Y", "filter": True}
    assert set(asked[0].choices) == {"%d/%m/%Y", "%m/%d/%Y", UNDECIDED}
    assert asked[0].default == UNDECIDED


def test_a_date_of_which_nobody_knows_the_form_stays_a_text(declared: Declared) -> None:
    assert declared("added", ["03/04/2020", "05/06/2021"]) == {"kind": "text"}


def test_a_comma_that_may_be_decimal_is_asked_for(declared: Declared) -> None:
    assert declared("votes", ["1,234", "2,345"], lambda question: ",")["decimal"] == ","
    assert declared("votes", ["1,234", "2,345"])["decimal"] == "."


def test_zero_years_and_strange_values_count_as_unknown(profile: Any) -> None:
    years = propose_field(profile("year", ["1999", "0", "2004", "2001"]), "year", TakeDefaults())
    assert isinstance(years, FieldProposal)
    assert years.declared["source"] == "nullif(TRY_CAST(year AS BIGINT), 0)"


def test_strange_values_of_prices_are_declared_missing(profile: Any) -> None:
    prices = propose_field(profile("price", ["$1.20"] * 20 + ["on request"]), "price", TakeDefaults())
    assert isinstance(prices, FieldProposal)
    assert prices.missing == ("on request",)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([None, None], "empty"),
        (["x", "x", "x"], "'x' in every row"),
        (["[{'a': 1}]", "[{'a': 2}]"], "lists of objects"),
    ],
)
def test_columns_that_tell_nothing_are_left_out(profile: Any, values: list[str], why: str) -> None:
    found = propose_field(profile("column", values), "column", TakeDefaults())
    assert isinstance(found, LeftOut)
    assert why in found.why


def test_names_of_objects_in_lists_are_taken_out(profile: Any) -> None:
    values = ['[{"id": 1, "name": "War"}, {"id": 2, "name": "Drama"}]', '[{"id": 2, "name": "Drama"}]']
    found = propose_field(profile("genres", values), "genres", TakeDefaults())
    assert isinstance(found, FieldProposal)
    assert found.declared["source"] == "genres.name"


def test_characters_written_as_in_html_are_html(declared: Declared) -> None:
    values = [f"Walk &amp; Talk {number}" if number % 10 == 0 else f"A Walk {number}" for number in range(40)]
    assert declared("name", values)["html"] is True


@pytest.mark.parametrize("values", [["Free", "$4.99", "$12.00"], ["9.99", "Free to Play", "1.50"]])
def test_what_is_free_costs_nothing(declared: Declared, values: list[str]) -> None:
    found = declared("price", values * 5)
    assert (found["kind"], found["decimal"]) == ("number", ".")


def test_a_price_in_other_words_stays_a_name(declared: Declared) -> None:
    assert declared("price", ["Free", "on request", "20"] * 5)["kind"] == "category"
