"""Limits of numbers and dates as people and programs write them: "> 7", "1990-1995", [7, 10], {"min": 7}."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.words import is_year
from mcp_server.errors import quoted
from mcp_server.tools.readings.dates import MONTHS, read_date
from mcp_server.tools.readings.problems import UnreadableError

LIMITS = ("gt", "gte", "lt", "lte", "eq")

_KEYS = {
    "gt": "> after greater_than more_than above over higher_than later_than longer_than",
    "gte": ">= => ≥ ge min minimum from since at_least start begin low lower lower_bound greater_than_or_equal "
    "greater_than_or_equal_to greater_or_equal no_less_than not_less_than start_date from_date",
    "lt": "< before less_than below under lower_than earlier_than shorter_than",
    "lte": "<= =< ≤ le max maximum to until till up_to at_most end high upper upper_bound less_than_or_equal "
    "less_than_or_equal_to less_or_equal no_more_than not_more_than end_date to_date",
    "eq": "= == is equals equal equal_to exactly exact value in during",
    "not": "ne neq != <> not not_in nin not_equal not_equals isnt except exclude",
}
"""Other names of limits, which occur as keys of objects and, with spaces, as words before a number."""

_BY_KEY = {key: limit for limit, keys in _KEYS.items() for key in (limit, *keys.split())}
_WORDS = sorted((key.replace("_", " ") for key in _BY_KEY if key != "value"), key=len, reverse=True)
_BEFORE = re.compile(rf"({'|'.join(re.escape(word) for word in _WORDS)})(?![a-z])\s*(?!=)(.+)")
_AFTER = re.compile(r"(.+?)\s*(\+|(?:and|or) (?:more|up|above|higher|later|newer|longer|after|over)"
                    r"|(?:and|or) (?:less|fewer|below|lower|earlier|older|shorter|before|under))")  # fmt: skip
_DECADE = re.compile(r"(?:the )?(\d{3}0|[3-9]0)'?s")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:([,.' \u00a0\u202f])\d{3})(?:\1\d{3})*")
"""Whole numbers whose digits are in groups of three."""
_SCALED = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*(k|thousand|m|million)")
_RANGE = re.compile(r"(?:between |from )?(.+?)\s*(?:\.\.+|…|–|—|\s-\s|\bto\b|\band\b|\buntil\b|\btill\b)\s*(.+)")
_HYPHEN = re.compile(r"([^\s-][^-]*|-\d[^-]*?)\s*-\s*([^\s].*)")
_JOINED = re.compile(r"\s*(?:,|;|&|\band\b)\s*")

Atom = Callable[[Any, str], Any]
"""Reads one value for one of the limits. Raises UnreadableError."""

GREATEST = sys.float_info.max

LONGEST_NUMBER = 40
"""Characters."""

SAY_IT = 'give one value or limits, such as {"gte": 5, "lt": 7} (gt >, gte >=, lt <, lte <=, eq =)'


class AmbiguousError(UnreadableError):
    """A value can mean several things."""


class NegatedError(UnreadableError):
    """A value is asked not to be there."""

    def __init__(self, value: Any) -> None:
        super().__init__("")
        self.value = value


def read_number_limits(value: Any, field: FieldSpec | None) -> dict[str, Any]:
    """Limits of a number.

    Args:
        field: The field of items that has the number, if it is one.

    Raises:
        UnreadableError: The value is none that can be understood.
    """
    atom: Atom = _read_whole if field is not None and field.integer else _read_number
    if field is not None and field.part == "month":
        atom = _read_month
    elif field is not None and is_year(field):
        atom = _read_year
    unit = "" if field is None else field.unit or ""

    def without_unit(value: Any, limit: str) -> Any:
        if isinstance(value, str) and unit:
            number, _, word = value.strip().partition(" ")
            if word and len(word) > 1 and unit.casefold().startswith(word.strip(" .").casefold().rstrip("s")):
                value = number
        return atom(value, limit)

    return _read(value, without_unit)


def read_date_limits(value: Any) -> dict[str, Any]:
    """Limits of a date.

    Raises:
        UnreadableError: The value is none that can be understood.
    """
    return _read(value, lambda value, _: read_date(value))


def _read(value: Any, atom: Atom) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return _read_object(value, atom)
    if isinstance(value, list | tuple):
        return _read_list(value, atom)
    if isinstance(value, str):
        return _read_text(value, atom)
    return {"eq": atom(value, "eq")}


def _read_object(value: Mapping[str, Any], atom: Atom) -> dict[str, Any]:
    given = {str(key): each for key, each in value.items() if each is not None and each != ""}
    signs = [key for key in ("operator", "op", "comparison") if key in given]
    if len(signs) == 1 and set(given) == {signs[0], "value"}:
        given = {str(given[signs[0]]): given["value"]}
    found: dict[str, Any] = {}
    for key, each in given.items():
        name = re.sub(r"[\s-]+", "_", key.strip().lstrip("$").casefold())
        if name in ("between", "range") or isinstance(each, list):
            limits = _read_list(each, atom) if isinstance(each, list) else _read(each, atom)
        elif name not in _BY_KEY:
            raise UnreadableError(f"there is no limit {quoted(key)}: {SAY_IT}")
        elif _BY_KEY[name] == "not":
            raise NegatedError(each)
        else:
            limits = {_BY_KEY[name]: atom(each, _BY_KEY[name])}
        _add(found, limits)
    if not found:
        raise UnreadableError(SAY_IT)
    return found


def _add(found: dict[str, Any], limits: Mapping[str, Any]) -> None:
    for limit, value in limits.items():
        if found.setdefault(limit, value) != value:
            raise UnreadableError(f"{limit} is given twice, as {quoted(found[limit])} and {quoted(value)}")


def _read_list(values: Sequence[Any], atom: Atom) -> dict[str, Any]:
    """One value, the two ends of a range, or whole numbers in a row, which are a range, too."""
    if len(values) == 1:
        return _read(values[0], atom)
    read = [atom(value, "eq") for value in values]
    if len(read) == 2:
        return {"gte": atom(values[0], "gte"), "lte": atom(values[1], "lte")}
    numbers = sorted(value for value in read if isinstance(value, int))
    if numbers and numbers == list(range(numbers[0], numbers[0] + len(read))):
        return {"gte": numbers[0], "lte": numbers[-1]}
    raise UnreadableError(f"several values cannot be asked for at once: call once for each, or {SAY_IT}")


def _read_text(text: str, atom: Atom) -> dict[str, Any]:
    plain = " ".join(text.strip().casefold().split())
    for reading in (_alone, _decade, _signed, _bounded, _between):
        limits = reading(plain, atom)
        if limits is not None:
            return limits
    return {"eq": atom(text, "eq")}  # says what is wrong


def _alone(text: str, atom: Atom) -> dict[str, Any] | None:
    return None if (value := _tried(atom, text, "eq")) is None else {"eq": value}


def _decade(text: str, atom: Atom) -> dict[str, Any] | None:
    """ "1990s": all its years."""
    found = _DECADE.fullmatch(text)
    if found is None:
        return None
    first = int(found[1]) + (1900 if len(found[1]) == 2 else 0)
    return {"gte": atom(f"{first}", "gte"), "lte": atom(f"{first + 9}", "lte")}


def _signed(text: str, atom: Atom) -> dict[str, Any] | None:
    """ "> 7", "at least 7", "> 7 and < 9"."""
    return _all_signed([text], atom) or _all_signed(_JOINED.split(text), atom)


def _all_signed(texts: Sequence[str], atom: Atom) -> dict[str, Any] | None:
    parts = [_BEFORE.fullmatch(part) for part in texts]
    found: dict[str, Any] = {}
    for part in parts:
        if part is None:
            return None
        limit = _BY_KEY[part[1].replace(" ", "_")]
        if limit == "not":
            raise NegatedError(part[2])
        value = _tried(atom, part[2], limit)
        if value is None:
            return None
        _add(found, {limit: value})
    return found


def _bounded(text: str, atom: Atom) -> dict[str, Any] | None:
    """ "7+", "7 or more", "1990 or earlier"."""
    found = _AFTER.fullmatch(text)
    if found is None:
        return None
    more = ("+", "more", "up", "above", "higher", "later", "newer", "longer", "after", "over")
    limit = "gte" if found[2].split()[-1] in more else "lte"
    value = _tried(atom, found[1], limit)
    return None if value is None else {limit: value}


def _between(text: str, atom: Atom) -> dict[str, Any] | None:
    """ "7-10", "7 to 10", "between 7 and 10"."""
    for form in (_RANGE, _HYPHEN):
        found = form.fullmatch(text)
        ends = [] if found is None else [_tried(atom, found[1], "gte"), _tried(atom, found[2], "lte")]
        if ends and None not in ends:
            return {"gte": ends[0], "lte": ends[1]}
    return None


def _tried(atom: Atom, text: str, limit: str) -> Any:
    """A value, or None where the text is none."""
    try:
        return atom(text, limit)
    except AmbiguousError:
        raise
    except UnreadableError:
        return None


def _read_number(value: Any, _: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) <= GREATEST:  # which NaN is not, either
            raise UnreadableError(f"a finite number is expected (got {quoted(value)})")
        return value
    plain = value.strip() if isinstance(value, str) else ""
    if len(plain) <= LONGEST_NUMBER and _NUMBER.fullmatch(plain):
        return int(plain) if re.fullmatch(r"[-+]?\d+", plain) else float(plain)
    if found := _SCALED.fullmatch(plain.casefold()):
        return float(found[1]) * (1_000 if found[2] in ("k", "thousand") else 1_000_000)
    if found := _THOUSANDS.fullmatch(plain):
        digits = re.sub(r"[^-\d]", "", plain)
        if found[1] not in ",." or plain.count(found[1]) > 1:
            return int(digits)
        decimal = plain.replace(",", ".")
        raise AmbiguousError(f"{quoted(plain)} can be {digits} or {decimal}: write it without a {found[1]!r}")
    raise UnreadableError(f"a number is expected: {SAY_IT}")


def _read_whole(value: Any, limit: str) -> float:
    """A number of a field that has whole numbers only, so that all marks inside are thousands."""
    plain = value.strip() if isinstance(value, str) else ""
    if _THOUSANDS.fullmatch(plain):
        return int(re.sub(r"[^-\d]", "", plain))
    return _read_number(value, limit)


def _read_month(value: Any, limit: str) -> float:
    if isinstance(value, str) and (number := MONTHS.get(value.strip().rstrip(".").casefold())):
        return number
    return _read_number(value, limit)


def _read_year(value: Any, limit: str) -> float:
    """A year, or a date on which a year begins or ends, where it means the same as a year."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value.strip()):
        return _read_number(value, limit)
    date = read_date(value)
    year, rest = int(date[:4]), date[4:]
    if not rest or (rest in ("-01-01", "-01") and limit in ("lt", "gte")):
        return year
    if rest in ("-12-31", "-12") and limit in ("gt", "lte"):
        return year
    raise UnreadableError(f"only years are known here, and {date} is within one: give {year}, or a year beside it")
