"""SQL of a dataset: what it names, and what it may not be."""

import pytest

from mcp_server.errors import DatasetError
from mcp_server.reading.sql_text import is_expression, parse_expression, parse_query, reason_of


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("price * 2 + qty", ("price", "qty")),
        ('"Book-Rating" > 5', ("Book-Rating",)),
        ("list_filter(tags, lambda x: x <> prefix)", ("tags", "prefix")),
        ("list_reduce([a, b], lambda x, y: x + y)", ("a", "b")),
        ("CASE WHEN a IS NULL THEN b ELSE a END", ("a", "b")),
        ("p.x + 1", ("p",)),
        ("'price' || '?'", ()),
        ("title -- , price", ("title",)),
    ],
)
def test_an_expression_names_its_columns(text: str, columns: tuple[str, ...]) -> None:
    assert sorted(parse_expression(text, "source").columns) == sorted(columns)


@pytest.mark.parametrize(
    "text",
    ["a, b", "a AS b", "(SELECT 1)", "a FROM t", "a; DROP TABLE t", "*", "row_number() OVER ()", "a WHERE b", "a)", "",
     "a LIMIT 1", "getenv('HOME')", "EXISTS (SELECT 1)"],
)  # fmt: skip
def test_what_is_not_one_expression_over_columns_is_refused(text: str) -> None:
    with pytest.raises(DatasetError, match=r"^where: "):
        parse_expression(text, "where")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("price", False), ("Book-Rating", True), ("p.x", False), ("price * 2", True), ("a b", False), ("order", False),
     ("lower(title)", True), ("price > 5", True), ("CAST(a AS INT)", True), ("'text'", False)],
)  # fmt: skip
def test_expressions_are_told_from_names(text: str, expected: bool) -> None:
    assert is_expression(text) == expected


def test_a_query_names_its_files_but_not_its_own_tables() -> None:
    query = parse_query(
        "WITH t AS (SELECT * FROM 'a.csv') SELECT * FROM t JOIN 'b.json' USING (id), range(3);", "query"
    )
    assert sorted(query.files) == ["a.csv", "b.json"]


def test_a_message_of_duckdb_is_one_line_without_its_kind() -> None:
    assert reason_of("Parser Error: syntax error at x\n\nLINE 1: ...") == "syntax error at x"
    assert reason_of("Invalid Input Error: no") == "no"
    assert reason_of("A column: Error: x") == "A column: Error: x"
