"""Names of columns in SQL that people read: quoted only where that is needed."""

import re

from mcp_server.reading.sql_text import identifier

RESERVED = frozenset({
    "all", "analyse", "analyze", "and", "anti", "any", "array", "as", "asc", "asof", "asymmetric", "at",
    "authorization", "binary", "both", "by", "case", "cast", "check", "collate", "collation", "column",
    "concurrently", "constraint", "create", "cross", "default", "deferrable", "desc", "describe", "distinct",
    "do", "else", "end", "except", "false", "fetch", "for", "foreign", "freeze", "from", "full", "glob",
    "group", "having", "ilike", "in", "initially", "inner", "intersect", "into", "is", "isnull", "join",
    "lambda", "lateral", "leading", "left", "like", "limit", "natural", "not", "notnull", "null", "offset",
    "on", "only", "or", "order", "outer", "overlaps", "pivot", "pivot_longer", "pivot_wider", "placing",
    "positional", "primary", "qualify", "references", "returning", "right", "select", "semi", "show", "similar",
    "some", "summarize", "symmetric", "table", "tablesample", "then", "to", "trailing", "true", "union",
    "unique", "unpack", "unpivot", "using", "variadic", "verbose", "when", "where", "window", "with",
})  # fmt: skip
"""Words that DuckDB takes for its own somewhere in a query."""


def plain_name(name: str) -> str:
    """A name as it is, or in quotation marks if it would be read as something else."""
    is_plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.lower() not in RESERVED
    return name if is_plain else identifier(name)


def amount(value: float | None) -> str:
    """A number for people."""
    if value is None:
        return "unknown"
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,.4f}".rstrip("0")


def with_both_marks(name: str) -> str:
    """SQL for a column of numbers of which some have a decimal point and others a decimal comma."""
    return f"TRY_CAST(replace({plain_name(name)}, ',', '.') AS DOUBLE)"
