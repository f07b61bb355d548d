"""Sources as they are opened: Parquet, folders of different files, and queries over files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mcp_server.dataset.records import Dataset
from tests.reading.records import read_folder
from tests.reading.shelf import by_id, refusal, specification, triples, write

Field = dict[str, Any]


def parquet(folder: Path, query: str, *fields: Field, **items: Any) -> dict[Any, Field]:
    """The items of a Parquet file that a query writes."""
    duckdb.sql(f"COPY ({query}) TO '{folder / 'items.parquet'}' (FORMAT parquet)")
    write(folder, specification(*fields, items={"sources": [{"file": "items.parquet"}], **items}))
    return by_id(read_folder(folder))


def value_of(folder: Path, sql: str, **field: Any) -> Any:
    """What a field ``v`` makes of a value in a Parquet file, in which it is unknown for another item."""
    query = f"SELECT 'a' AS id, 'A' AS title, {sql} AS v UNION ALL SELECT 'b', 'B', NULL"
    found = parquet(folder, query, {"name": "v", **field})
    assert found["b"]["v"] in (None, [])
    return found["a"]["v"]


@pytest.mark.parametrize(
    "type_", ["TINYINT", "UBIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL(9,2)", "DECIMAL(38,10)"]
)
@pytest.mark.parametrize("integer", [True, False])
def test_numbers_of_parquet(tmp_path: Path, type_: str, integer: bool) -> None:
    assert value_of(tmp_path, f"5::{type_}", kind="number", integer=integer) == 5


@pytest.mark.parametrize(
    ("sql", "field", "value"),
    [
        ("'nan'::DOUBLE", {"kind": "number"}, None),
        ("'-inf'::DOUBLE", {"kind": "number", "integer": True}, None),
        ("9007199254740993", {"kind": "number", "integer": True}, 9007199254740993),
        ("true", {"kind": "boolean"}, True),
        ("0.0::DOUBLE", {"kind": "boolean"}, False),
        ("true", {"kind": "category"}, "true"),
        ("['x', 'y', 'x', NULL, '']", {"kind": "category", "many": True}, ["x", "y"]),
        ("['x', 'y, z']", {"kind": "category", "many": True}, ["x", "y, z"]),
        ("[1, 2]", {"kind": "category", "many": True}, ["1", "2"]),
        ("['x']", {"kind": "category"}, "x"),
        ("{'a': 1, 'b': 'x'}", {"kind": "number", "source": "v.a"}, 1.0),
        ("{'a': {'b': ['x', 'y']}}", {"kind": "category", "many": True, "source": "v.a.b"}, ["x", "y"]),
        ("[{'name': 'x'}, {'name': 'y'}]", {"kind": "category", "many": True, "source": "v.name"}, ["x", "y"]),
        ("{'a': 1}", {"kind": "text"}, '{"a":1}'),
        ("MAP {'k': 1}", {"kind": "text"}, '{"k":1}'),
        ("TIMESTAMP '2024-01-31 10:00:00'", {"kind": "date"}, "2024-01-31T10:00:00Z"),
        ("TIMESTAMPTZ '2024-01-31 10:00:00+02'", {"kind": "date"}, "2024-01-31T08:00:00Z"),
        ("CAST('2024-01-31 10:00:00' AS TIMESTAMP_NS)", {"kind": "date"}, "2024-01-31T10:00:00Z"),
        ("DATE '2024-01-31'", {"kind": "date"}, "2024-01-31"),
        ("DATE '1995-11-22'", {"kind": "number", "part": "month", "integer": True}, 11),
        ("TIMESTAMP 'infinity'", {"kind": "date"}, None),
        ("1700000000000", {"kind": "date"}, "2023-11-14T22:13:20Z"),
        ("1.7e9::DOUBLE", {"kind": "date"}, "2023-11-14T22:13:20Z"),
        ("1995", {"kind": "date"}, "1995"),
        ("1995.0::DOUBLE", {"kind": "date"}, "1995"),
        ("20240131", {"kind": "date", "format": "%Y%m%d"}, "2024-01-31"),
        ("'c0ffee00-1234-4321-aaaa-000000000000'::UUID", {"kind": "text"}, "c0ffee00-1234-4321-aaaa-000000000000"),
        ("'x'::ENUM('x', 'y')", {"kind": "category"}, "x"),
        ("NULL::INTEGER", {"kind": "number"}, None),
        ("25", {"kind": "category", "bands": {"young": [20, 30]}}, "young"),
    ],
)
def test_values_of_parquet(tmp_path: Path, sql: str, field: Field, value: Any) -> None:
    assert value_of(tmp_path, sql, **field) == value


@pytest.mark.parametrize(
    ("sql", "field", "said"),
    [
        (
            "18446744073709551615::UBIGINT",
            {"kind": "number", "integer": True},
            "row 1: v '18446744073709551615' is not",
        ),
        ("['x', 'y']", {"kind": "category"}, "declare many: true"),
        ("[{'name': 'x'}]", {"kind": "category", "many": True}, "source: COLUMN.PART"),
        ("20240131", {"kind": "date"}, "may hold days as 20240131"),
        ("TIME '10:00'", {"kind": "date"}, "v '10:00:00' is not a date"),
        ("2", {"kind": "boolean"}, "v '2' is not true or false"),
    ],
)
def test_wrong_values_of_parquet_are_told_by_row(tmp_path: Path, sql: str, field: Field, said: str) -> None:
    assert said in refusal(value_of, tmp_path, sql, **field)


@pytest.mark.parametrize(
    ("sql", "id_type", "identifier"),
    [
        ("12345678::DOUBLE", "string", "12345678"),
        ("1.50::DECIMAL(9,2)", "string", "1.50"),
        ("1e17::DOUBLE", "integer", 10**17),
        ("7.00::DECIMAL(9,2)", "integer", 7),
        ("9223372036854775807", "integer", 2**63 - 1),
        ("'ab'::BLOB", "string", "ab"),
    ],
)
def test_ids_of_parquet(tmp_path: Path, sql: str, id_type: str, identifier: Any) -> None:
    assert list(parquet(tmp_path, f"SELECT {sql} AS id, 'A' AS title", id_type=id_type)) == [identifier]


def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    write(tmp_path, specification(items={"sources": [{"file": "items.parquet"}]}), items_parquet="hello")
    assert "items.parquet" in refusal(read_folder, tmp_path)


# Folders


def from_folder(folder: Path, files: Mapping[str, str], **options: Any) -> Dataset:
    """The interactions of all files of a folder."""
    declared = {"sources": [{"file": "logs/*"}], **options.pop("interactions", {})}
    write(folder, specification(interactions=declared, **options), items_csv="id,title\na,A\nb,B\nc,C\n")
    (folder / "logs").mkdir()
    for name, content in files.items():
        (folder / "logs" / name).write_text(content, encoding="utf-8")
    return read_folder(folder)


def test_files_of_a_folder_may_differ_in_form_separator_and_order_of_columns(tmp_path: Path) -> None:
    files = {
        "1.csv": "user,item\nu,a\n",
        "2.csv": "item,user\nb,v\n",
        "3.csv": "user;item;more\nw;c;1\n",
        "4.jsonl": '{"item": "a", "user": "x"}\n',
        "5.json": '[{"user": "y", "item": "b"}]',
    }
    found = [(user, item) for user, item, _, _ in triples(from_folder(tmp_path, files))]
    assert sorted(found) == [("u", "a"), ("v", "b"), ("w", "c"), ("x", "a"), ("y", "b")]


RATED = {"rating": "r", "like_threshold": 3}


@pytest.mark.parametrize(
    ("files", "interactions", "said"),
    [
        ({"1.csv": "user,item\nu,a\n", "2.csv": "usr,item\nv,b\n"}, {}, "no column 'user' in {}/logs/2.csv"),
        ({"1.csv": "user,item,r\nu,a,1\n", "2.csv": "user,item\nv,b\n"}, RATED, "no column 'r' in {}/logs/2.csv"),
        (
            {"1.csv": "user,item,r\nu,a,1\n", "2.csv": "user,item,r\nv,b,1\nv,c,x\n"},
            RATED,
            "{}/logs/2.csv, line 3: r 'x'",
        ),
        ({"1.csv": "user,item\nu,a\n", "2.csv": ""}, {}, "{}/logs/2.csv is empty"),
    ],
)
def test_the_file_that_is_wrong_is_named(
    tmp_path: Path, files: Mapping[str, str], interactions: dict[str, Any], said: str
) -> None:
    assert said.format(tmp_path) in refusal(from_folder, tmp_path, files, interactions=interactions)


def test_bad_rows_of_several_files_are_counted_together(tmp_path: Path) -> None:
    files = {"1.csv": "user,item,r\nu,a,1\n", "2.csv": "user,item,r\nv,b\nv,c,x\nv,c,4\nv,a,3\n"}
    dataset = from_folder(tmp_path, files, interactions=RATED, on_bad_row="skip")
    assert [(user, item, value) for user, item, value, _ in triples(dataset)] == [
        ("u", "a", 1.0),
        ("v", "c", 4.0),
        ("v", "a", 3.0),
    ]
    [note] = dataset.notes
    assert note.startswith("2 rows that could not be used were left out of the interactions")
    assert "2.csv, line 2: 2 columns instead of 3: 'v,b'" in note
    assert "2.csv, line 3: r 'x' is not a number" in note


# Queries

LOG = "user,item,r\nu,a,5\nu,b,3\nv,a,1\nv,c,2\n"


def queried(folder: Path, query: str, content: str = LOG, **options: Any) -> Dataset:
    """The interactions that a query finds."""
    declared = {"sources": [{"query": query, **options.pop("source", {})}], **options.pop("interactions", {})}
    spec = specification(interactions=declared, **options)
    items = "id,title\na,A\nb,B\nc,C\n"
    return read_folder(write(folder, spec, items_csv=items, inter_csv=content, seg_csv="user,seg\nu,x\nv,y\n"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM 'inter.csv'", ["u a", "u b", "v a", "v c"]),
        ("SELECT user, item FROM 'inter.csv';", ["u a", "u b", "v a", "v c"]),
        ("SELECT user, item FROM 'inter.csv' JOIN 'seg.csv' USING (user) WHERE seg = 'y'", ["v a", "v c"]),
        ("WITH t AS (SELECT * FROM 'inter.csv' WHERE r > 2) SELECT user, item FROM t", ["u a", "u b"]),
        ("SELECT user, min(item) AS item FROM 'inter.csv' GROUP BY user ORDER BY user", ["u a", "v a"]),
        (
            "SELECT user, item FROM (SELECT *, row_number() OVER (PARTITION BY user ORDER BY r DESC) AS k "
            "FROM 'inter.csv') WHERE k = 1 ORDER BY user",
            ["u a", "v c"],
        ),
        ("SELECT user, item FROM 'inter.csv' UNION ALL SELECT 'w', 'b'", ["u a", "u b", "v a", "v c", "w b"]),
        ("SELECT user, item FROM 'inter.csv' WHERE r = (SELECT max(r) FROM 'inter.csv')", ["u a"]),
        (
            "SELECT user || '?$1' AS user, item FROM 'inter.csv' WHERE item <> '?'",
            ["u?$1 a", "u?$1 b", "v?$1 a", "v?$1 c"],
        ),
        ("SELECT 'u' AS user, unnest(['a', 'b']) AS item", ["u a", "u b"]),
    ],
)
def test_queries_over_files(tmp_path: Path, query: str, expected: list[str]) -> None:
    assert [f"{user} {item}" for user, item, _, _ in triples(queried(tmp_path, query))] == expected


def test_a_query_may_count(tmp_path: Path) -> None:
    query = "SELECT user, item, count(*) AS n FROM 'inter.csv' GROUP BY ALL ORDER BY ALL"
    counts = {"rating": "n", "feedback": "counts"}
    found = triples(queried(tmp_path, query, "user,item\nu,a\nu,a\nv,b\n", interactions=counts))
    assert found == [("u", "a", 2.0, None), ("v", "b", 1.0, None)]


def test_a_condition_filters_what_a_query_finds(tmp_path: Path) -> None:
    found = triples(queried(tmp_path, "SELECT *, r * 2 AS twice FROM 'inter.csv'", source={"where": "twice >= 6"}))
    assert [(user, item) for user, item, _, _ in found] == [("u", "a"), ("u", "b")]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 1; SELECT 2", "one SELECT was expected"),
        ("DROP TABLE items", "cannot be read as SQL"),
        ("COPY (SELECT 1) TO 'x.csv'", "cannot be read as SQL"),
        ("SELECT * FROM 'nope.csv'", "nope.csv of dataset shelf is in none of"),
        ("SELECT * FROM '../x.csv'", "does not lead to a place inside the folder"),
        ("SELECT * FROM read_csv('inter.csv')", "cannot use 'read_csv': name a file itself"),
        ("SELECT * FROM inter.csv", "such as FROM 'ratings.csv'"),
        ("SELECT usr FROM 'inter.csv'", '"usr" not found'),
        ("SELECT user, item FROM 'inter.csv' WHERE item = ?", "Values were not provided"),
        ("SELECT user, item FROM 'inter.csv' WHERE item = $1", "Values were not provided"),
        ("SELECT getenv('HOME') AS user, item FROM 'inter.csv'", "'getenv' cannot be used"),
        ("SELECT user AS u, item FROM 'inter.csv'", "no column 'user' in query over inter.csv"),
    ],
)
def test_what_is_no_query_over_files_is_refused(tmp_path: Path, query: str, said: str) -> None:
    assert said in refusal(queried, tmp_path, query)


def test_rows_under_a_query_that_have_other_columns_are_told(tmp_path: Path) -> None:
    content = "user,item\nu,a\nv\nw,a\nx,b,1\ny,c\n"
    said = refusal(queried, tmp_path, "SELECT * FROM 'inter.csv'", content)
    assert "inter.csv, line 3: 1 column instead of 2: 'v'" in said
    assert "inter.csv, line 5: 3 columns instead of 2: 'x,b,1'" in said
    dataset = queried(tmp_path, "SELECT * FROM 'inter.csv'", content, on_bad_row="skip")
    assert [user for user, _, _, _ in triples(dataset)] == ["u", "w", "y"]
    assert "2 rows" in dataset.notes[0]
