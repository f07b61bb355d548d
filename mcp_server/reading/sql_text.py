"""SQL that is made here, and SQL that a dataset brings along, which may do nothing but compute.

A dataset.yaml may come from a stranger. Its queries and expressions are parsed before they run: a query is one SELECT
over files that it names, an expression refers to columns only. What runs is the text that the parsed form stands for,
so that no comment or bracket can reach beyond its place.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from mcp_server.errors import MOST_CHARACTERS, DatasetError, quoted
from mcp_server.reading.sql_functions import TABLE_FUNCTIONS, functions_of_rows, is_refused
from recsys_shared.plain_text import cut


def text_literal(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Expression:
    """A checked expression over columns."""

    sql: str
    columns: tuple[str, ...]
    """Names of the columns that it refers to."""


@dataclass(frozen=True)
class Query:
    """A checked query over files."""

    sql: str
    files: tuple[str, ...]
    """Names of the files, as the query writes them."""


def parse_expression(text: str, where: str) -> Expression:
    """Check an expression.

    Args:
        where: The key that holds it, for messages.

    Raises:
        DatasetError: It is not one expression over columns.
    """
    node, sql = _parse(f"SELECT {text}", text, where)
    if not _is_alone(node) or any(part.get("class") in ("SUBQUERY", "STAR", "WINDOW") for part in _parts(node)):
        raise DatasetError(f"{where}: {quoted(text)} is not one SQL expression over the columns of a row")
    _check_functions(node, where)
    about_rows = next((name for name in _functions(node) if name in functions_of_rows()), None)
    if about_rows is not None:
        name = quoted(about_rows.removesuffix("_star"))
        raise DatasetError(f"{where}: an expression is about one row, and {name} about many: use it in a query")
    lambdas = [part for part in _parts(node) if part.get("class") == "LAMBDA"]
    parameters = {name for part in lambdas for name in _column_names(part["lhs"])}
    columns = dict.fromkeys(name for name in _column_names(node) if name not in parameters)
    return Expression(f"({sql.removeprefix('SELECT ')})", tuple(columns))


def _column_names(node: Any) -> list[str]:
    return [part["column_names"][0] for part in _parts(node) if part.get("class") == "COLUMN_REF"]


def _is_alone(node: dict[str, Any]) -> bool:
    """True for a SELECT of one thing, without a table and without any clause."""
    clauses = ("modifiers", "where_clause", "group_expressions", "having", "sample", "qualify")
    return (
        node.get("type") == "SELECT_NODE"
        and len(node["select_list"]) == 1
        and not node["select_list"][0].get("alias")
        and (node.get("from_table") or {}).get("type") == "EMPTY"
        and not any(node.get(clause) for clause in clauses)
        and not node["cte_map"]["map"]
    )


def is_expression(text: str) -> bool:
    """True for a text that is SQL, and more than the name of a column."""
    try:
        node, _ = _parse(f"SELECT {text}", text, "")
    except DatasetError:
        return False
    chosen = node.get("select_list", [{}])
    return len(chosen) == 1 and chosen[0].get("class") in ("FUNCTION", "OPERATOR", "CASE", "CAST", "COMPARISON",
                                                           "CONJUNCTION", "BETWEEN", "LAMBDA")  # fmt: skip


def parse_query(text: str, where: str) -> Query:
    """Check a query over files.

    Raises:
        DatasetError: It is not one SELECT over files of the dataset.
    """
    node, sql = _parse(text.strip().rstrip(";"), text, where)
    _check_functions(node, where)
    for part in _parts(node):
        kind = part.get("type")
        if kind == "BASE_TABLE" and (part.get("schema_name") or part.get("catalog_name")):
            raise DatasetError(f"{where}: a query reads files, such as FROM 'ratings.csv', and no other tables")
        if kind == "TABLE_FUNCTION" and _function_name(part.get("function", {})) not in TABLE_FUNCTIONS:
            name = quoted(_function_name(part.get("function", {})))
            raise DatasetError(f"{where}: a query cannot use {name}: name a file itself, as in FROM 'ratings.csv'")
        if kind == "SHOW_REF":
            raise DatasetError(f"{where}: {quoted(text)} is not a SELECT over files")
    return Query(sql, tuple(dict.fromkeys(_tables_from_outside(node))))


def _parse(statement: str, text: str, where: str) -> tuple[dict[str, Any], str]:
    """The parsed form of one SELECT, and the SQL that it stands for."""
    prefix = f"{where}: " if where else ""
    with duckdb.connect(":memory:") as parser:
        try:
            [(content,)] = parser.execute("SELECT json_serialize_sql(?)", [statement]).fetchall()
            parsed = json.loads(content)
            if parsed.get("error") or len(parsed.get("statements", [])) != 1:
                reason = parsed.get("error_message") or "one SELECT was expected"
                raise DatasetError(f"{prefix}{quoted(text)} cannot be read as SQL: {reason_of(reason)}")
            [(sql,)] = parser.execute("SELECT json_deserialize_sql(?)", [content]).fetchall()
        except (duckdb.Error, RecursionError, ValueError) as error:
            reason = reason_of(str(error))
            raise DatasetError(f"{prefix}{quoted(text)} cannot be read as SQL: {reason}") from error
    node: dict[str, Any] = parsed["statements"][0]["node"]
    return node, str(sql).rstrip(";")


def reason_of(message: str) -> str:
    """The first line of a message of DuckDB without its kind. It goes on with the statement and where the error is."""
    return cut(re.sub(r"^[A-Z][\w ]{2,30} Error: ", "", message.strip()).split("\n", 1)[0], MOST_CHARACTERS)


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    """All objects within a parsed form."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _tables_from_outside(node: Any) -> Iterator[str]:
    """Names of tables that the query itself does not make. A name that WITH makes is known within the SELECT that it
    belongs to, and in the parts of WITH that follow it.
    """
    waiting: list[tuple[Any, frozenset[str]]] = [(node, frozenset())]
    while waiting:
        part, known = waiting.pop()
        if isinstance(part, list):
            waiting.extend((each, known) for each in reversed(part))
        if not isinstance(part, dict):
            continue
        made = []
        for entry in (part.get("cte_map") or {}).get("map", []):
            itself = {entry["key"].lower()}
            made.append((entry["value"], known | itself if _is_recursive(entry) else known))
            known |= itself
        waiting.extend((each, known) for key, each in reversed(part.items()) if key != "cte_map")
        waiting.extend(reversed(made))
        if part.get("type") == "BASE_TABLE" and part["table_name"].lower() not in known:
            yield part["table_name"]


def _is_recursive(entry: dict[str, Any]) -> bool:
    return any(part.get("type") == "RECURSIVE_CTE_NODE" for part in _parts(entry["value"]))


def _function_name(node: dict[str, Any]) -> str:
    return str(node.get("function_name", "")).lower()


def _functions(node: Any) -> Iterator[str]:
    return (_function_name(part) for part in _parts(node) if part.get("class") == "FUNCTION")


def _check_functions(node: Any, where: str) -> None:
    for name in _functions(node):
        if is_refused(name):
            raise DatasetError(f"{where}: the function {quoted(name)} cannot be used here")
