"""Functions that SQL of a dataset may use: those that compute from their arguments, and nothing else."""

import re
from functools import cache

import duckdb

TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series", "json_each", "json_tree", "repeat_row"})
"""Functions that a query may use in place of a table. All others read files or tell of this machine."""

REFUSED = frozenset(
    {"current_setting", "getenv", "getvariable", "in_search_path", "index_key", "txid_current", "sql_auto_complete"}
    | {"current_catalog", "current_database", "current_role", "current_schema", "current_schemas"}
    | {"format_type", "get_block_size"}
    | {"query", "query_table", "json_serialize_sql", "json_serialize_plan", "json_deserialize_sql"}
    | {"combine", "finalize", "to_aggregate_state"}
)
"""Functions that tell of this machine, run a text, or take the inner state of another function."""

REFUSED_PREFIXES = ("duckdb_", "has_", "inet_", "pg_", "pragma_")
"""Beginnings of the names of functions that tell of the database."""

HARMLESS = frozenset({"pg_typeof"})

_CALLED = re.compile(r"\b([a-z_]\w*)\(")


def is_refused(name: str) -> bool:
    """True for a function that may not be used at all."""
    return name not in HARMLESS and (
        name in REFUSED or name.startswith(REFUSED_PREFIXES) or name in _names("stability = 'VOLATILE'")
    )


@cache
def functions_of_rows() -> frozenset[str]:
    """Functions that make one value of many rows, or many rows of one: aggregates, ``unnest``, and macros with them."""
    found = _names("function_type = 'aggregate'") | {"unnest"}
    with duckdb.connect(":memory:") as connection:
        macros = connection.execute(
            "SELECT function_name, macro_definition FROM duckdb_functions() WHERE function_type = 'macro'"
        ).fetchall()
    while more := {name for name, written in macros if found.intersection(_CALLED.findall(written))} - found:
        found |= more
    return found


@cache
def _names(condition: str) -> frozenset[str]:
    """Names of DuckDB's functions that meet a condition."""
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(f"SELECT DISTINCT function_name FROM duckdb_functions() WHERE {condition}")
        return frozenset(name for (name,) in found.fetchall())
