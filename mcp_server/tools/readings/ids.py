"""IDs as people and programs write them: "user 8", "item_42", {"item_id": 1}, "1, 2"."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mcp_server.dataset.ids import HANDLE, LARGEST_INTEGER
from mcp_server.dataset.spec import Nouns
from mcp_server.errors import quoted
from mcp_server.tools.readings.parameters import Parameter
from mcp_server.tools.readings.problems import UnreadableError

LONGEST_LIST = 1_000_000
"""Characters of a list of IDs in one text."""

_INTEGER = re.compile(r"[-+]?\d{1,30}(?:\.0{1,9})?")
_SEPARATOR = re.compile(r"\s*(?:[,;&]|\band\b|\s)\s*")


def read_id(value: Any, parameter: Parameter, nouns: Nouns) -> Any:
    """One ID. Texts that may be IDs as they are stay so; ``other_forms`` gives what else they may be.

    Raises:
        UnreadableError: It cannot be an ID.
    """
    if isinstance(value, Mapping):
        value = _inside(value, parameter, nouns)
    if not parameter.is_integer:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise UnreadableError(_expected(value, parameter, nouns))
        return str(value).strip()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str):
        plain = value.strip()
        number = plain if _INTEGER.fullmatch(plain) else _without_noun(plain, parameter, nouns)
        if number is not None and _INTEGER.fullmatch(number):
            value = int(float(number)) if "." in number else int(number)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnreadableError(_expected(value, parameter, nouns))
    if abs(value) > LARGEST_INTEGER:
        raise UnreadableError(f"{quoted(value)} is not an ID")
    return value


def divided(value: Any, parameter: Parameter, nouns: Nouns) -> list[Any]:
    """The parts of a list of IDs that may be one text, without what is not there. Only whole numbers are divided: other
    IDs may have commas.
    """
    values = value if isinstance(value, list) else [value]
    if len(values) == 1 and isinstance(values[0], list):
        (values,) = values
    values = [each for each in values if each is not None]
    if not parameter.is_integer:
        return values
    found: list[Any] = []
    for each in values:
        parts = _SEPARATOR.split(each.strip(" ,;")) if isinstance(each, str) and len(each) <= LONGEST_LIST else []
        plain = [
            _without_noun(part, parameter, nouns) or part for part in parts if part not in _words(parameter, nouns)
        ]
        found += plain if len(plain) > 1 and all(map(_INTEGER.fullmatch, plain)) else [each]
    return found


def other_forms(value: str, parameter: Parameter, nouns: Nouns) -> list[list[str]]:
    """Further lists of IDs that a text may stand for, if it is no ID itself: without a noun before it, or divided."""
    forms = []
    if (plain := _without_noun(value.strip(), parameter, nouns)) is not None:
        forms.append([plain])
    parts = [part for part in re.split(r"\s*[,;]\s*", value.strip(" ,;")) if part]
    if parameter.many and len(parts) > 1:
        forms.append(parts)
    return forms


def _inside(value: Mapping[str, Any], parameter: Parameter, nouns: Nouns) -> Any:
    """The ID inside an object, such as an entry of another tool's result."""
    words = _words(parameter, nouns)
    for key in ("item_id" if parameter.whose == "item" else "user_id", "id", *(f"{word}_id" for word in words), *words):
        if key in value:
            return value[key]
    raise UnreadableError(_expected(json.dumps(value, default=str), parameter, nouns))


def _without_noun(text: str, parameter: Parameter, nouns: Nouns) -> str | None:
    """ "8" of "user 8", "user_8", "User ID: 8" and "#8"; None where it begins with no such word."""
    words = "|".join(re.escape(word) for word in sorted(_words(parameter, nouns), key=len, reverse=True))
    noun = rf"(?:{words})(?:[\s_\-]*(?:id|no\.|number)(?![a-z]))?(?:[\s_:=#]*|-)"
    found = re.fullmatch(rf"(?:{noun}|(?:id|no\.|number)[\s_:=#]+|#\s*)([^\s\-].*)", text, re.IGNORECASE)
    return found[1] if found else None


def _words(parameter: Parameter, nouns: Nouns) -> Iterable[str]:
    if parameter.whose == "item":
        return dict.fromkeys(["item", nouns.item.casefold(), "items", nouns.items.casefold()])
    return dict.fromkeys(["user", nouns.user.casefold(), "users", nouns.users.casefold()])


def _expected(value: Any, parameter: Parameter, nouns: Nouns) -> str:
    if handles_in([value]):
        return f"{quoted(value)} is a handle of a set, and IDs are expected: read those of a set with another tool"
    form = "whole numbers" if parameter.is_integer else "texts or whole numbers"
    noun = nouns.item if parameter.whose == "item" else nouns.user
    return f"{quoted(value)} is no {noun} ID; IDs are {form}"


def handles_in(values: Sequence[Any]) -> list[str]:
    """The handles of item sets among values, of which one text may have several."""
    found = []
    for value in values:
        parts = re.split(r"[\s,;&]+", value.strip()) if isinstance(value, str) else []
        found += parts if parts and all(map(HANDLE.fullmatch, parts)) else []
    return found
