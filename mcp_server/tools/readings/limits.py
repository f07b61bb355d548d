"""Limits of numbers and dates as people and programs write them: "> 7", "1990-1995", [7, 10], {"min": 7}."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.words import is_year
from mcp_server.errors import quoted
from mcp_server.tools.readings.dates import MONTHS, read_date
from mcp_server.tools.readings.numbers import (
    SAY_IT,
    Atom,
    RefusedError,
    read_month,
    read_number,
    read_whole,
    read_year,
)
from mcp_server.tools.readings.problems import UnreadableError
from mcp_server.tools.readings.units import NO_UNIT, Unit, share_unit, with_unit
from mcp_server.tools.readings.years import decade_of, decades_of, is_now, opened

_KEYS = {
    "gt": "> after post greater_than more_than above over higher_than later_than longer_than newer_than",
    "gte": ">= => ≥ ge min minimum from since at_least start begin low lower lower_bound greater_than_or_equal "
    "greater_than_or_equal_to greater_or_equal no_less_than not_less_than no_earlier_than not_earlier_than start_date "
    "from_date",
    "lt": "< before pre prior_to less_than below under lower_than earlier_than shorter_than older_than",
    "lte": "<= =< ≤ le max maximum to until till up_to at_most end high upper upper_bound less_than_or_equal "
    "less_than_or_equal_to less_or_equal no_more_than not_more_than no_later_than not_later_than no_longer_than "
    "not_longer_than end_date to_date",
    "eq": "= == is equals equal equal_to exactly exact value val during",
    "in": "any any_of one_of",
    "not": "ne neq != <> not not_in nin not_equal not_equals not_equal_to not_between isnt except exclude without",
}
"""Other names of limits, which occur as keys of objects and, with spaces, as words before a number."""

_BY_KEY = {key: limit for limit, keys in _KEYS.items() for key in (limit, *keys.split())}
_WORDS = sorted((key.replace("_", " ") for key in _BY_KEY if key != "value"), key=len, reverse=True)
_BEFORE = re.compile(rf"({'|'.join(re.escape(word) for word in _WORDS)})(?![a-z])(?:(?<=[a-z])\.)?\s*:?\s*(?!=)(.+)")
_AFTER = re.compile(
    r"(.+?)\s*(?:(?P<more>\+|on|onwards?|minimum|at least"
    r"|(?:and|or) (?:more|up|above|higher|later|newer|longer|after|over))"
    r"|(?:max(?:imum|\.)?|at most|(?:and|or) (?:less|fewer|below|lower|earlier|older|shorter|before|under)))"
)
_RANGE = re.compile(
    r"(?:between |from )?(.+?)\s*(?:\.\.+|…|–|—|\s-\s|\bto\b|\buntil\b|\btill\b|\bthrough\b|\bthru\b)\s*(.+)"
)
_BOTH = re.compile(r"between (.+?)\s*(?:\band\b|&|-|–)\s*(.+)")
_HYPHEN = re.compile(r"([^\s-][^-]*|-\d[^-]*?)\s*-\s*([^\s].*)")
_OR = re.compile(r",\s+(?:or\s+|and\s+)?|\s+(?:or|and)\s+|\s*[&|]\s*")
_JOINED = re.compile(r"\s*(?:,|;|&|\band\b)\s*")


LONGEST_TEXT = 200
"""Characters."""

_SHORT_RANGE = re.compile(r"[12]\d{3}-\d{2}")
"""Two years, of which the second has no century."""


class NegatedError(UnreadableError):
    """A value is asked not to be there.

    Args:
        value: What is not to be, as it would be asked for.
        others: Limits that stand beside it.
    """

    def __init__(self, value: Any, others: Sequence[Any] = ()) -> None:
        super().__init__("")
        self.value, self.others = value, others


def read_number_limits(value: Any, field: FieldSpec | None, unit: Unit = NO_UNIT) -> dict[str, Any]:
    """Limits of a number.

    Args:
        field: The field of items that has the number, if it is declared.
        unit: Its unit. Numbers of months and years have none.

    Raises:
        NegatedError: A value is asked not to be there.
        UnreadableError: The value is none that can be understood.
    """
    if field is not None and field.part == "month":
        return _read(value, read_month)
    if field is not None and is_year(field):
        return _read(opened(value), read_year)
    return _read(value, with_unit(read_whole if field is not None and field.integer else read_number, unit))


def read_date_limits(value: Any, read: Callable[[Any], str] = read_date) -> dict[str, Any]:
    """Limits of a date.

    Args:
        read: Reads one date.

    Raises:
        NegatedError: A value is asked not to be there.
        UnreadableError: The value is none that can be understood.
    """
    return _read(opened(value), lambda value, _: read(value))


def _read(value: Any, atom: Atom) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return _read_object(value, atom)
    if isinstance(value, list | tuple):
        return _read_list(value, atom, as_range=True)
    if isinstance(value, str):
        return _read_text(value, atom)
    return {"eq": atom(value, "eq")}


def _read_object(value: Mapping[str, Any], atom: Atom) -> dict[str, Any]:
    given = {str(key): each for key, each in value.items() if each is not None and each != ""}
    signs = [key for key in ("operator", "op", "comparison") if key in given]
    values = [key for key in ("value", "val") if key in given]
    if len(signs) == 1 and set(given) == {signs[0], *values} and values:
        given = {str(given[signs[0]]): given[values[0]]}
    names = {key: re.sub(r"[\s-]+", "_", key.strip().lstrip("$").casefold()) for key in given}
    negated = [key for key, name in names.items() if _BY_KEY.get(name) == "not"]
    if negated:
        raise NegatedError(given[negated[0]], [given[key] for key in given if key != negated[0]])
    found: dict[str, Any] = {}
    for key, each in given.items():
        if _BY_KEY.get(names[key]) in ("lt", "lte") and is_now(each):
            continue
        _add(found, _read_limit(key, names[key], each, atom))
    if not found:
        raise UnreadableError(SAY_IT)
    return found


def _read_limit(key: str, name: str, value: Any, atom: Atom) -> dict[str, Any]:
    """The limits under one key of an object."""
    if name in ("between", "range"):
        return _read(value, atom)
    limit = _BY_KEY.get(name)
    if limit is None:
        raise UnreadableError(f"there is no limit {quoted(key)}: {SAY_IT}")
    if limit in ("in", "eq") and isinstance(value, list):
        return _read_list(value, atom, as_range=False)
    if limit in ("in", "eq"):
        return _read(value, atom)
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if isinstance(value, str) and (decade := decade_of(value.strip().casefold())):
        value = decade[0] if limit in ("gte", "lt") else decade[1]
    return {limit: atom(value, limit)}


def _add(found: dict[str, Any], limits: Mapping[str, Any]) -> None:
    for limit, value in limits.items():
        if found.setdefault(limit, value) != value:
            raise UnreadableError(f"{limit} is given twice, as {quoted(found[limit])} and {quoted(value)}")


def _read_list(values: Sequence[Any], atom: Atom, *, as_range: bool) -> dict[str, Any]:
    """One value, limits of a kind each, the two ends of a range, or whole numbers in a row, which are a range, too.

    Args:
        as_range: Two values are the ends of a range, unless both are names of months.
    """
    values = [value for value in values if value is not None]
    if len(values) == 1:
        return _read(values[0], atom)
    if values and all(isinstance(value, str) and _BEFORE.fullmatch(value.strip().casefold()) for value in values):
        found: dict[str, Any] = {}
        for value in values:
            _add(found, _read_text(value, atom))
        return found
    are_months = any(isinstance(value, str) and value.strip(" .").casefold() in MONTHS for value in values)
    if len(values) == 2 and as_range and not are_months:
        return {"gte": atom(values[0], "gte"), "lte": atom(values[1], "lte")}
    numbers = sorted(each for value in values if isinstance(each := atom(value, "eq"), int))
    if numbers and numbers == list(range(numbers[0], numbers[0] + len(values))):
        return {"gte": numbers[0], "lte": numbers[-1]}
    raise UnreadableError(f"several values cannot be asked for at once: call once for each, or {SAY_IT}")


def _read_text(text: str, atom: Atom) -> dict[str, Any]:
    if len(text) > LONGEST_TEXT:
        raise UnreadableError(f"a number or a date is expected (got {quoted(text)})")
    plain = re.sub(r"^(pre|post)-", r"\1 ", " ".join(text.strip().casefold().split()))
    for reading in (_alone, _decade, _negated, _signed, _bounded, _between):
        limits = reading(plain, atom)
        if limits is not None:
            return limits
    parts = _OR.split(plain)
    if len(parts) > 1 and all(_tried(atom, part, "eq") is not None for part in parts):
        return _read_list(parts, atom, as_range=False)
    return {"eq": atom(text, "eq")}  # says what is wrong


def _alone(text: str, atom: Atom) -> dict[str, Any] | None:
    return None if (value := _tried(atom, text, "eq")) is None else {"eq": value}


def _decade(text: str, atom: Atom) -> dict[str, Any] | None:
    """ "1990s", "80s and 90s": all their years."""
    decade = decades_of(text)
    return None if decade is None else {"gte": atom(decade[0], "gte"), "lte": atom(decade[1], "lte")}


def _negated(text: str, atom: Atom) -> None:
    """ "not 7", "not between 7 and 10"."""
    found = _BEFORE.fullmatch(text)
    if found and _BY_KEY[found[1].replace(" ", "_")] == "not":
        between = f"between {found[2]}" if "between" in found[1] else found[2]
        try:
            limits = _read_text(between, atom)
        except UnreadableError:
            limits = {"eq": found[2]}
        raise NegatedError(limits["eq"] if set(limits) == {"eq"} else limits)


def _signed(text: str, atom: Atom) -> dict[str, Any] | None:
    """ "> 7", "at least 7", "> 7 and < 9"."""
    return _all_signed([text], atom) or _all_signed(_JOINED.split(text), atom)


def _all_signed(texts: Sequence[str], atom: Atom) -> dict[str, Any] | None:
    parts = [_BEFORE.fullmatch(part) for part in texts]
    limits = [_BY_KEY[part[1].replace(" ", "_")] for part in parts if part]
    if None in parts:
        return None
    found: dict[str, Any] = {}
    for part, limit in zip(parts, limits, strict=True):
        assert part is not None
        if limit == "not":
            raise NegatedError(part[2], [text for text in texts if text != part[0]])
        try:
            _add(found, _read_limit(part[1], part[1].replace(" ", "_"), part[2], atom))
        except RefusedError:
            raise
        except UnreadableError:
            return None
    return found


def _bounded(text: str, atom: Atom) -> dict[str, Any] | None:
    """ "7+", "7 or more", "1990 or earlier", "from 1990 on"."""
    found = _AFTER.fullmatch(text.removeprefix("from "))
    if found is None:
        return None
    limit = "gte" if found["more"] else "lte"
    value = _end(atom, found[1], limit)
    return None if value is None else {limit: value}


def _between(text: str, atom: Atom) -> dict[str, Any] | None:
    """ "7-10", "7 to 10", "between 7 and 10", "1990-95"."""
    for form in (_BOTH, _RANGE, _HYPHEN):
        found = form.fullmatch(text)
        if found is None:
            continue
        last = f"{found[1][:2]}{found[2]}" if _SHORT_RANGE.fullmatch(f"{found[1]}-{found[2]}") else found[2]
        ends = [_end(atom, share_unit(found[1], last), "gte"), _end(atom, last, "lte")]
        if None not in ends:
            return {"gte": ends[0], "lte": ends[1]}
    return None


def _end(atom: Atom, text: str, limit: str) -> Any:
    """An end of a range, which may be a decade."""
    decade = decade_of(text)
    return _tried(atom, text if decade is None else decade[0 if limit == "gte" else 1], limit)


def _tried(atom: Atom, text: str, limit: str) -> Any:
    """A value, or None where the text is none."""
    try:
        return atom(text, limit)
    except RefusedError:
        raise
    except UnreadableError:
        return None
