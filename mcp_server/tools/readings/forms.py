"""Forms of values: JSON in a text, nothing in many words, and values that differ in form only."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

from mcp_server.tools.readings.attributes import same_attribute
from mcp_server.tools.readings.parameters import Kind

NOTHING = frozenset(("", "null", "none", "undefined", "nil", "n/a"))
"""Texts that programs write for what is not given."""

EVERYTHING = frozenset(("*", "any", "all", "anything", "everything"))
"""Texts for any name at all, which is no condition."""

LONGEST_JSON = 1_000_000
"""Characters of a text that may be JSON."""


def from_json(value: Any) -> Any:
    """A value that was written as the text of a list, an object or a text in quotation marks; any other as it is."""
    if not isinstance(value, str) or len(value) > LONGEST_JSON or value.strip()[:1] not in ("[", "{", '"', "'", "("):
        return value
    for parse in (json.loads, ast.literal_eval):
        try:
            parsed = parse(value.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(parsed, tuple | set):
            return list(parsed)
        if isinstance(parsed, list | dict | str):
            return parsed
    return value


def is_empty(value: Any, kind: Kind) -> bool:
    """True where a value says nothing. Names such as "None" may be in the catalogue, so only "" is empty for them."""
    value = from_json(value)
    if isinstance(value, Mapping):
        return all(is_empty(each, kind) for each in value.values())
    if isinstance(value, list):
        return all(each is None or (isinstance(each, str) and not each.strip()) for each in value)
    if not isinstance(value, str):
        return value is None
    plain = value.strip().casefold()
    return plain in NOTHING and (not plain or kind not in (Kind.TEXT, Kind.NAME))


def is_deeper(value: Any, levels: int) -> bool:
    """True if lists and objects are inside one another on more than so many levels."""
    found = [value]
    for _ in range(levels):
        inside = [each for part in found if isinstance(part, list | dict) for each in _parts(part)]
        if not inside:
            return False
        found = inside
    return any(isinstance(part, list | dict) for part in found)


def _parts(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


def as_list(value: Any) -> list[Any]:
    """A list as it is, and any other value as a list of one."""
    return value if isinstance(value, list) else [value]


def fold(text: str) -> str:
    """A word without case, and with one kind of space."""
    return text.strip().casefold().replace(" ", "_").replace("-", "_")


def only_like(asked: Any, choices: tuple[str, ...]) -> str | None:
    """The only choice that is the same but for an "s" at its end, ends with the word asked for, or stands for the same
    attribute.
    """
    if not isinstance(asked, str) or not (folded := fold(asked).removesuffix("s").replace("number_of_", "n_")):
        return None
    plain = {choice: fold(choice).removesuffix("s") for choice in choices}
    alike = [choice for choice, name in plain.items() if name == folded]
    alike = alike or [choice for choice, name in plain.items() if name.endswith(f"_{folded}")]
    return alike[0] if len(alike) == 1 else same_attribute(fold(asked), choices)


def says_the_same(given: Any, meant: Any) -> bool:
    """True for values that differ in form only: one value and a list of it, 8 and "8", upper and lower case."""
    pair = (dict.fromkeys(fold(str(each)) for each in as_list(values)) for values in (given, meant))
    return len({tuple(each) for each in pair}) == 1


def same_limits(given: Any, limits: Mapping[str, Any]) -> bool:
    """True where limits were given as they are."""
    if isinstance(given, Mapping):
        kept = {name: value for name, value in given.items() if value is not None}
        return set(kept) == set(limits) and all(str(kept[name]).strip() == str(limits[name]) for name in kept)
    return set(limits) == {"eq"} and str(given).strip() == str(limits["eq"])
