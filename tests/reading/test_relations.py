"""Columns that a specification names: headers, expressions, conditions, and those that are not there."""

from pathlib import Path
from typing import Any

import pytest

from tests.reading.shelf import interactions_of, items_of, refusal, triples

Field = dict[str, Any]

PRICES = "id,title,price,qty,code,Book-Rating,day\na,Heat (1995),1.5,2,007,4,05/01/2024\nb,Up,,1,12,5,25/12/2024\n"


def values(folder: Path, content: str, **field: Any) -> list[Any]:
    return [item["v"] for item in items_of(folder, content, {"name": "v", **field}).values()]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({"kind": "number", "integer": True, "source": r"regexp_extract(title, '\((\d{4})\)', 1)"}, [1995, None]),
        ({"kind": "number", "source": "price * 2 + qty"}, [5.0, None]),
        ({"kind": "number", "source": "coalesce(price, 0) / qty"}, [0.75, 0.0]),
        ({"kind": "number", "source": '"Book-Rating" + 1'}, [5.0, 6.0]),
        ({"kind": "number", "source": "Book-Rating"}, [4.0, 5.0]),
        ({"kind": "category", "source": "CASE WHEN qty > 1 THEN 'many' ELSE 'one' END"}, ["many", "one"]),
        ({"kind": "boolean", "source": "qty > 1"}, [True, False]),
        ({"kind": "text", "source": "'x' || code"}, ["x007", "x12"]),
        ({"kind": "text", "source": "title || '?' || '$1'"}, ["Heat (1995)?$1", "Up?$1"]),
        ({"kind": "text", "source": "title || '!' -- no more"}, ["Heat (1995)!", "Up!"]),
        ({"kind": "date", "source": "strptime(day, '%d/%m/%Y')"}, ["2024-01-05", "2024-12-25"]),
        ({"kind": "category", "many": True, "source": "string_split(lower(title), ' ')"}, [["heat", "(1995)"], ["up"]]),
        (
            {"kind": "category", "many": True, "source": "list_filter([title, code], lambda x: x <> 'Up')"},
            [["Heat (1995)", "007"], ["12"]],
        ),
    ],
)
def test_a_field_may_be_an_expression(tmp_path: Path, field: Field, expected: list[Any]) -> None:
    assert values(tmp_path, PRICES, **field) == expected


def test_a_header_that_looks_like_an_expression_is_a_header(tmp_path: Path) -> None:
    content = "id,title,price + 1,price\na,A,7,1\n"
    assert values(tmp_path, content, kind="number", source="price + 1") == [7.0]


def test_a_header_with_a_dot_is_a_header(tmp_path: Path) -> None:
    assert values(tmp_path, "id,title,p.x,p\na,A,7,1\n", kind="number", source="p.x") == [7.0]


def test_ids_ratings_and_times_may_be_expressions(tmp_path: Path) -> None:
    assert list(items_of(tmp_path, "id,title\nA,Apple\n", items={"id": "lower(id)"})) == ["a"]
    dataset = interactions_of(
        tmp_path,
        "who,item,stars,t\nU,a,5,1700000000\nU,b,1,0\n",
        user="lower(who)",
        rating="stars * 2",
        like_threshold=8,
        timestamp="nullif(t, 0)",
    )
    assert triples(dataset) == [("u", "a", 10.0, 1700000000), ("u", "b", 2.0, None)]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("prise", "items: field 'v': there is no column 'prise' in {}/items.csv; the nearest is 'price'"),
        ("PRICE", "the nearest is 'price'"),
        ("prise * 2", "there is no column 'prise' in {}/items.csv; the nearest is 'price'"),
        ("zzz", "there are 'id', 'title', 'price', 'qty'"),
        ("nofunc(price)", "nofunc does not exist"),
        ("title * 2", "TRY_CAST(COLUMN AS DOUBLE)"),
        ("read_text('/etc/passwd')", "table function"),
        ("(SELECT 1)", "there is no column '(SELECT 1)'"),
        ("title || $1", "Values were not provided"),
        ("title, price", "there is no column 'title, price'"),
        ("getenv('HOME') || title", "'getenv' cannot be used here"),
    ],
)
def test_what_is_neither_a_column_nor_an_expression_is_refused(tmp_path: Path, source: str, said: str) -> None:
    message = refusal(values, tmp_path, PRICES, kind="text", source=source)
    assert said.format(tmp_path) in message


@pytest.mark.parametrize(
    ("part", "name"), [("user", "usr"), ("item", "itm"), ("timestamp", "tme"), ("rating", "ratng")]
)
def test_a_column_of_interactions_that_is_not_there_is_named_with_the_nearest(
    tmp_path: Path, part: str, name: str
) -> None:
    declared = {"rating": "rating", "like_threshold": 3, "timestamp": "time", part: name}
    said = refusal(interactions_of, tmp_path, "user,item,rating,time\nu,a,5,5\n", **declared)
    near = "time" if part == "timestamp" else part
    assert f"interactions: there is no column '{name}' in {tmp_path}/inter.csv; the nearest is '{near}'" in said


def test_a_column_is_looked_for_in_every_file_before_it_is_missing(tmp_path: Path) -> None:
    sources = {"sources": [{"file": "items.csv"}, {"file": "inter.csv"}], "id": "item", "title": "title"}
    found = items_of(tmp_path, "item,title\na,Apple\n", {"name": "user", "kind": "text"}, items=sources)
    assert found == {"a": {"title": "Apple", "user": None}}


# Conditions


@pytest.mark.parametrize(
    ("condition", "items"),
    [
        ("r > 0", ["b", "c"]),
        ("kind = 'x'", ["a"]),
        ("r > 0 AND kind <> 'z'", ["b"]),
        ("kind LIKE '%'", ["a", "b", "c"]),
    ],
)
def test_rows_that_do_not_meet_the_condition_are_left_out(tmp_path: Path, condition: str, items: list[str]) -> None:
    dataset = interactions_of(tmp_path, "user,item,r,kind\nu,a,0,x\nu,b,5,y\nu,c,3,z\n", source={"where": condition})
    assert [item for _, item, _, _ in triples(dataset)] == items


def test_lines_are_told_rightly_below_a_condition(tmp_path: Path) -> None:
    content = 'user,item,r\nu,a,0\n"v\nw",b,4\nu,c,bad\nu,d,3\nu,a,5\nu,b,5\n'
    declared = {"rating": "r", "like_threshold": 3, "source": {"where": "item <> 'a'"}}
    assert "inter.csv, line 5: r 'bad' is not a number" in refusal(interactions_of, tmp_path, content, **declared)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("stars = 1", "where: there is no column 'stars' in {}/inter.csv; there are 'user', 'item'"),
        ("item =", "where: 'item =' cannot be read as SQL"),
        ("item = 'a'; DROP TABLE items", "where: "),
        ("item IN (SELECT 1)", "is not one SQL expression over the columns of a row"),
    ],
)
def test_a_condition_that_cannot_be_used_is_refused(tmp_path: Path, condition: str, said: str) -> None:
    message = refusal(interactions_of, tmp_path, "user,item\nu,a\n", source={"where": condition})
    assert said.format(tmp_path) in message
