"""Remarks for the owner: true where they are made, and not made elsewhere."""

from pathlib import Path
from typing import Any

import pytest

from tests.reading.records import read_folder
from tests.reading.shelf import interactions_of, specification, write

ONE = {"name": "kind", "kind": "category"}
MANY = {"name": "tags", "kind": "category", "many": True}


def notes_on_items(folder: Path, content: str, *fields: dict[str, Any], **items: Any) -> list[str]:
    spec = specification(*fields, items=items)
    notes = read_folder(write(folder, spec, items_csv=content)).notes
    return [note for note in notes if not note.startswith("There are no interactions")]


def test_names_that_look_like_several_are_told_with_the_separator(tmp_path: Path) -> None:
    content = "id,title,kind,tags\na,A,x|y,p;q\nb,B,x|z,\nc,C,w,r\nd,D,,s;t\n"
    assert notes_on_items(tmp_path, content, ONE, MANY) == [
        "2 of 3 names of kind have '|' in them, such as 'x|y': if these are several names, declare many: true and "
        "separator: '|'.",
        "2 of 3 names of tags have ';' in them, such as 'p;q': if these are several names, declare separator: ';'.",
    ]


@pytest.mark.parametrize(
    "content", ["id,title,kind,tags\na,A,AC|DC,x;y\nb,B,p,q\nc,C,r,\n", "id,title,kind,tags\na,A,x,y\nb,B,,\n"]
)
def test_a_single_name_with_such_a_character_is_a_name(tmp_path: Path, content: str) -> None:
    assert notes_on_items(tmp_path, content, ONE, MANY) == []


def test_a_declared_separator_is_not_questioned(tmp_path: Path) -> None:
    content = "id,title,tags\na,A,p;q|r\nb,B,s;t|u\n"
    assert notes_on_items(tmp_path, content, {**MANY, "separator": "|"}) == []


STOCK = {"name": "stock", "kind": "number"}


def test_what_is_available_is_told_where_it_is_not_known(tmp_path: Path) -> None:
    content = "id,title,stock\na,A,1\nb,B,0\nc,C,\n"
    assert notes_on_items(tmp_path, content, STOCK, available="stock > 0") == [
        "It is not known of 1 item whether stock > 0: it counts as not available."
    ]
    available = read_folder(tmp_path).available
    assert available is not None
    assert available.tolist() == [True, False, False]


def test_a_catalogue_of_which_nothing_is_available_is_told(tmp_path: Path) -> None:
    content = "id,title,stock\na,A,1\nb,B,0\n"
    assert notes_on_items(tmp_path, content, STOCK, available="stock > 5") == [
        "No item is available (stock > 5), so none can be recommended."
    ]


@pytest.mark.parametrize(
    ("times", "notes"),
    [
        ((1700000000, 1700000001), []),
        ((1, 5), ["All times of interactions are between 1 and 5 s from the beginning of 1970: if they are not "
                  "seconds, declare timestamp_format."]),
        ((1700000000, 0), ["1 of 2 interactions has the time 0, which is the beginning of 1970. If it stands for an "
                           "unknown time, declare timestamp: nullif(t, 0)."]),
        (("", ""), ["No interaction has a time."]),
    ],
)  # fmt: skip
def test_times_that_may_mean_something_else_are_told(
    tmp_path: Path, times: tuple[object, object], notes: list[str]
) -> None:
    content = f"user,item,t\nu,a,{times[0]}\nu,b,{times[1]}\n"
    assert interactions_of(tmp_path, content, timestamp="t").notes == notes
