"""Orders as people and programs write them: "-price", "price:desc", {"field": "price", "direction": "asc"}."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from mcp_server.errors import quoted
from mcp_server.tools.readings.attributes import same_attribute
from mcp_server.tools.readings.problems import UnreadableError

_ASCENDING = frozenset(("asc", "ascending", "increasing", "up", "lowest", "least", "smallest", "earliest", "+"))
_DESCENDING = frozenset(("desc", "descending", "decreasing", "down", "highest", "greatest", "largest", "latest", "-"))
_FILLERS = frozenset(("first", "by", "order", "sort", "the"))
_POPULARITY = frozenset(("popularity", "popular", "most_popular", "count", "number"))

NO_ORDER = "is no order: one field is expected, with asc behind it for the least first"


def read_order(value: Any) -> str:
    """An order as the name of what items are put in order by, and "asc" or "desc" behind it where that is said.

    Raises:
        UnreadableError: It names nothing, or more than one.
    """
    if isinstance(value, Mapping):  # {"field": "price", "direction": "asc"} or {"price": "asc"}
        value = " ".join(str(each) for pair in value.items() for each in (pair[1:] if len(value) > 1 else pair))
    if isinstance(value, list) and len(value) == 1:
        return read_order(value[0])
    if not isinstance(value, str):
        raise UnreadableError(f"{quoted(value)} {NO_ORDER}")
    plain = re.sub(r"^([-+])\s*", r"\1 ", value.strip())
    plain = re.sub(r":(\w+)$", lambda found: f" {found[1]}" if _is_direction(found[1]) else found[0], plain)
    words = [word for word in re.split(r"[\s,]+", plain) if word.strip(":").casefold() not in {"", *_FILLERS}]
    directions = [word for word in words if _is_direction(word)]
    names = [word for word in words if word not in directions]
    if not names or len(directions) > 1:
        raise UnreadableError(f"{quoted(value)} {NO_ORDER}")
    name = "_".join(names).casefold()
    if not directions:
        return name
    return f"{name} {'asc' if directions[0].casefold() in _ASCENDING else 'desc'}"


def meant_column(asked: str, names: Collection[str], amount: str) -> str:
    """The column that a word means: "runtime" the duration, "popularity" the number of interactions; a word that means
    none stays as it is.

    Args:
        amount: Name of the column of interactions.
    """
    if asked in names:
        return asked
    if asked in _POPULARITY and amount in names:
        return amount
    return same_attribute(asked, names) or asked


def _is_direction(word: str) -> bool:
    return word.casefold() in _ASCENDING | _DESCENDING
