"""Items and users: joined over files, rows with the same ID, and rows that are wrong."""

from pathlib import Path
from typing import Any

import pytest

from mcp_server.dataset.records import Dataset
from tests.reading.records import read_folder
from tests.reading.shelf import by_id, items_of, refusal, specification, write

TAGS = {"name": "tags", "kind": "category", "many": True}
KIND = {"name": "kind", "kind": "category"}
PRICE = {"name": "price", "kind": "number"}

TWO_FILES = {"sources": [{"file": "first.csv"}, {"file": "items.csv"}]}


def read(folder: Path, spec: dict[str, Any], **files: str) -> Dataset:
    return read_folder(write(folder, spec, **files))


def test_items_are_joined_over_files_and_the_first_that_knows_a_field_counts(tmp_path: Path) -> None:
    spec = specification(PRICE, TAGS, items=TWO_FILES)
    first = "id,title,price,tags\nb,First,,\nc,Third,NaN,x\n"
    second = 'id,title,price,tags\nb,Second,90,"y,z"\na,Only here,,\nc,,5,w\n'
    assert by_id(read(tmp_path, spec, first_csv=first, items_csv=second)) == {
        "a": {"title": "Only here", "price": None, "tags": []},
        "b": {"title": "First", "price": 90.0, "tags": ["y", "z"]},
        "c": {"title": "Third", "price": 5.0, "tags": ["x"]},
    }


def test_a_row_for_each_name_gives_all_names_and_each_once(tmp_path: Path) -> None:
    content = "id,title,tags\na,Apple,fruit\nb,Bread,\na,Apple,red\na,Apple,fruit\nb,,bakery\n"
    assert items_of(tmp_path, content, TAGS) == {
        "a": {"title": "Apple", "tags": ["fruit", "red"]},
        "b": {"title": "Bread", "tags": ["bakery"]},
    }


def test_rows_with_one_id_that_agree_are_one_item(tmp_path: Path) -> None:
    assert items_of(tmp_path, "id,title,kind\na,Apple,x\na ,Apple,x\nb,B,\n", KIND) == {
        "a": {"title": "Apple", "kind": "x"},
        "b": {"title": "B", "kind": None},
    }


def test_rows_with_one_id_that_differ_are_refused_with_the_key_for_them(tmp_path: Path) -> None:
    said = refusal(items_of, tmp_path, "id,title,kind\na,Apple,x\nb,B,\na,Apple,y\n", KIND)
    assert "items: 2 rows have the id 'a' and differ in kind ('x', 'y'); declare many: true to keep all names" in said
    assert "on_bad_row: skip: the first one then counts" in said


def test_on_request_the_first_of_rows_that_differ_counts_and_that_is_told(tmp_path: Path) -> None:
    spec = specification(PRICE, on_bad_row="skip")
    dataset = read(tmp_path, spec, items_csv="id,title,price\na,Apple,2\nb,B,1\na,Apple,1\n")
    assert by_id(dataset)["a"] == {"title": "Apple", "price": 2.0}
    [note, _] = dataset.notes
    assert note.startswith("Rows of 1 ID of items differ; the first one of each counts")
    assert "left out" not in note


def test_many_ids_that_differ_are_counted_and_some_are_shown(tmp_path: Path) -> None:
    rows = "".join(f"i{number},T,{value}\n" for number in range(40) for value in (1, 2))
    said = refusal(items_of, tmp_path, f"id,title,price\n{rows}", PRICE)
    assert "(40 such IDs in all)" in said
    assert said.count("2 rows have the id") == 5


def test_wrong_rows_are_shown_counted_and_left_out_on_request(tmp_path: Path) -> None:
    rows = "".join(f"i{number},T,{'x' if number % 3 == 0 else number}\n" for number in range(30))
    said = refusal(items_of, tmp_path, f"id,title,price\n{rows}", PRICE)
    for line in (2, 5, 8, 11, 14):
        assert f"items.csv, line {line}: price 'x' is not a number" in said
    assert "line 17" not in said
    assert "(10 such rows in all). Mend them, or leave such rows out with on_bad_row: skip" in said
    dataset = read(tmp_path, specification(PRICE, on_bad_row="skip"), items_csv=f"id,title,price\n{rows}")
    assert len(dataset.items) == 20
    assert dataset.notes[0].startswith("10 rows that could not be used were left out of the items, such as: ")


def test_a_declaration_that_most_rows_break_is_refused_even_then(tmp_path: Path) -> None:
    content = "id,title,price\na,A,x\nb,B,y\nc,C,1\n"
    said = refusal(items_of, tmp_path, content, PRICE, on_bad_row="skip")
    assert "2 of 3 rows of" in said
    assert "line 3: price 'y' is not a number" in said


def test_lines_are_right_after_rows_that_could_not_be_divided(tmp_path: Path) -> None:
    content = 'id,title,price\n\nz\na,"A\nA",1\nb,B,2,3\n\nc,C,bad\nd,D,4\ne,E,5\nf,F,6\ng,G,7,\nh,H,worse\n'
    dataset = read(tmp_path, specification(PRICE, on_bad_row="skip"), items_csv=content)
    assert list(by_id(dataset)) == ["a", "d", "e", "f", "g"]
    note = dataset.notes[0]
    for part in ("4 rows", "line 3: 1 column", "line 6: 4 columns", "line 8: price 'bad'", "line 13: price 'worse'"):
        assert part in note


def test_a_catalogue_without_items_is_refused(tmp_path: Path) -> None:
    assert refusal(items_of, tmp_path, "id,title\n") == "dataset shelf has no items"


@pytest.mark.parametrize("condition", ["false", "id = 'none'"])
def test_a_condition_may_leave_nothing(tmp_path: Path, condition: str) -> None:
    said = refusal(items_of, tmp_path, "id,title\na,A\n", source={"where": condition})
    assert said == "dataset shelf has no items"
