"""Delimited files whose rows do not begin below a plain header in the first line."""

from pathlib import Path
from typing import Any

import pytest

from mcp_server.dataset.sources import SourceFile
from mcp_server.discovery.headers import dialect_keys
from mcp_server.errors import DatasetError
from tests.discovery import layouts
from tests.discovery.conftest import LookAt
from tests.discovery.layouts import N_ITEMS, pairs

ROWS = "1,Ann,3.5\n2,Bo,4\n3,Cy,1\n4,Di,2\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id,name,score\n" + ROWS, {}),
        ("Report of May\nid,name,score\n" + ROWS, {"skip_lines": 1}),
        ("Report of May,,\n,,\nid,name,score\n" + ROWS, {"skip_lines": 2}),
        ("# made by: a tool, version 3\n\nid,name,score\n" + ROWS, {"skip_lines": 2}),
        (ROWS, {"separator": ",", "columns": ["column1", "column2", "column3"]}),
        ("id,name,name\n" + ROWS, {"separator": ",", "skip_lines": 1, "columns": ["id", "name", "name_2"]}),
        ("Title\nid,id,score\n" + ROWS, {"separator": ",", "skip_lines": 2, "columns": ["id", "id_2", "score"]}),
        (",name,score\n" + ROWS, {}),
        ("a,Ann,x\nb,Bo,y\na,Cy,z\n", {"separator": ",", "columns": ["column1", "column2", "column3"]}),
        (
            "a,2024-01-03T10:00:00Z,x\nb,2024-01-04T10:00:00Z,y\n",
            {"separator": ",", "columns": ["column1", "column2", "column3"]},
        ),
        ("a,name,x\nb,Bo,y\na,name,x\nc,Cy,z\n", {}),
        ("1,,\n" + ROWS, {"separator": ",", "columns": ["column1", "column2", "column3"]}),
    ],
)
def test_where_rows_begin(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    assert dialect_keys(SourceFile(file="t.csv"), path) == expected


def test_one_column_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id\n1\n2\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="one column only"):
        dialect_keys(SourceFile(file="t.csv"), path)


def test_exports_with_titles_above_and_sums_below_are_read(look_at: LookAt, tmp_path: Path) -> None:
    rows = [(f"c{user}", f"A{item:02}", 1 + user * item % 4) for user, item in pairs()]
    sales = layouts.table(tmp_path, "sales.csv", ("customer", "product_code", "units"), [*rows, ("Total", "", 900)])
    sales.write_text(f"Sales of 2024,,\n{sales.read_text(encoding='utf-8')}", encoding="utf-8")
    films = [(f"A{number:02}", f"Mug {number}", f"Cup {number}", number) for number in range(1, N_ITEMS + 1)]
    layouts.table(tmp_path, "products.csv", ("product_code", "name", "name", "price"), films)
    trial = look_at(tmp_path).trial
    assert (trial.n_items, trial.n_interactions) == (N_ITEMS, len(set(pairs())))
    assert "1 row that could not be used was left out" in trial.notes[0]


def test_a_column_without_a_name_does_not_matter(look_at: LookAt, tmp_path: Path) -> None:
    rows = [(place, f"u{user}", f"Song {item}", user % 5 + item) for place, (user, item) in enumerate(pairs())]
    look = look_at(layouts.table(tmp_path, "plays.csv", ("", "user", "song", "plays"), rows).parent)
    assert look.trial.n_items == len({item for _, item in pairs()})


def test_a_file_is_not_taken_for_another_format_by_its_ending(look_at: LookAt, tmp_path: Path) -> None:
    n_items, n_users = 90, 70
    films = [f"{n}|Café Number {n} ({1950 + n % 50})|01-Jan-1995||{n % 2}|{n % 3 // 2}" for n in range(1, n_items + 1)]
    (tmp_path / "u.item").write_text("\n".join([*films, ""]), encoding="latin-1")
    rows = [(user, (user * 3 + place * 7) % n_items + 1, (user // 5 + place) % 5 + 1, 881250949 + user)
            for user in range(1, n_users + 1) for place in range(9)]  # fmt: skip
    layouts.table(tmp_path, "u.data", (), rows, "\t")
    look = look_at(tmp_path)
    assert look.declared["items"]["sources"][0]["separator"] == "|"
    assert (look.trial.n_items, look.declared["items"]["title"]) == (n_items, "title")
    assert look.declared["nouns"]["item"] == "item"


def test_lists_within_a_column_are_no_other_separator(tmp_path: Path) -> None:
    rows = "".join(f'{n},"a{n}; b{n}; c{n}; d{n}",x\n' for n in range(9))
    path = tmp_path / "t.csv"
    path.write_text(f"id,items,more\n{rows}", encoding="utf-8")
    assert dialect_keys(SourceFile(file="t.csv"), path) == {}
