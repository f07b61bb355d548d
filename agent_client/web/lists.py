"""Lists with bars that a page shows below an answer, made of tools' results that list named things.

Names, IDs and measures are recognised by their keys and values; nothing is known of any catalogue.
"""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from agent_client.events import Answered, CallEnded
from agent_client.web.words import LONGEST, NOT_A_MEASURE, Words, is_number
from recsys_shared.names import ID_KEYS, NAME_KEYS, fold
from recsys_shared.plain_text import one_line

MEASURES = (
    *("fit", "score", "rating", "interactions", "count", "popularity", "percent", "share", "likes", "sales", "votes"),
)
"""Words in the keys of numbers that compare things; the most telling come first."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_PERIOD = re.compile(r"\d{4}(s|-\d\d|-\d\d-\d\d)?")
_YEAR_AFTER_NAME = re.compile(r"\s*\(\d{4}\)\s*$")


@dataclass(frozen=True)
class Row:
    """One named thing."""

    name: str
    id: str = ""
    details: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of label and value."""
    number: float | None = None
    """The length of its bar."""
    shown: str = ""
    """The number as people read it."""
    day: str = ""
    """Its day, month (1995-11), year or decade (1990s)."""


@dataclass(frozen=True)
class Listing:
    """Named things in their order."""

    caption: str
    measure: str
    """Label of the bars; empty if there are none."""
    rows: list[Row]
    reasons: frozenset[str]
    """Names of other things, folded, that the result gives beside its own, as reasons for a recommendation are."""
    call: CallEnded
    """The call whose result it is."""

    @property
    def over_time(self) -> bool:
        """True if the numbers form a history: they are of periods, or of days in their order. One thing without a day
        may be left out.
        """
        dated = [row for row in self.rows if row.day and row.number is not None]
        days = [row.day for row in dated]
        in_order = days in (sorted(days), sorted(days, reverse=True)) or all(row.day == row.name for row in dated)
        return in_order and len(days) >= max(3, len(self.rows) - 1) and len(set(days)) > 1

    def as_props(self) -> dict[str, Any]:
        """Properties of the page's element that draws the list."""
        rows = [asdict(row) for row in self.rows]
        return {"caption": self.caption, "measure": self.measure, "rows": rows, "over_time": self.over_time}


NO_WORDS = Words()


def listings_of(answer: Answered, words: Words = NO_WORDS, with_cards: Container[str] = ()) -> list[Listing]:
    """The lists to show below an answer, in the order of the calls.

    A list is shown if the answer names at least half of its things and no better list shows all of those; if there is
    no such list, the best one is. A list for which the server has a page is better than one without, then one with
    reasons, then a later one.

    Args:
        with_cards: Names of the tools for whose results a server has a page.
    """
    found = [listing for call in answer.calls if not call.failed and (listing := listing_of(call, words))]
    text = f" {fold(answer.text)} "
    shown: list[Listing] = []
    seen: set[str] = set()

    def worth(listing: Listing) -> tuple[bool, bool, int]:
        return listing.call.tool in with_cards, bool(listing.reasons), found.index(listing)

    best_first = sorted(found, key=worth, reverse=True)
    for listing in best_first:
        names = {fold(row.name) for row in listing.rows}
        told = {fold(row.name) for row in listing.rows if _tells_of(text, row.name)}
        if 2 * len(told) >= len(names) and told - seen:
            shown.append(listing)
            seen |= told | listing.reasons
    return sorted(shown or best_first[:1], key=found.index)


def _tells_of(text: str, name: str) -> bool:
    folded = fold(_YEAR_AFTER_NAME.sub("", name))
    return bool(folded) and f" {folded} " in text


def listing_of(call: CallEnded, words: Words = NO_WORDS) -> Listing | None:
    """The list in a tool's result, if it has one."""
    result = call.structured or {}
    entries = [_flat(entry) for entry in _entries(result)]
    if not entries:
        return None
    keys = list(dict.fromkeys(key for entry in entries for key in entry))
    name_key = next((key for key in keys if NAME_KEYS.search(key)), keys[0])
    id_key = next((key for key in keys if ID_KEYS.search(key) and key != name_key), None)
    measure = _measure(entries, [key for key in keys if key not in (name_key, id_key)])
    rows = [_row(entry, name_key, id_key, measure, words) for entry in entries]
    message = result.get("message")
    caption = " ".join(message.split()) if isinstance(message, str) else words.label(call.tool)
    return Listing(one_line(caption, LONGEST), words.label(measure) if measure else "", rows, _reasons(entries), call)


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry with the fields under `details` among its own."""
    details = entry.get("details")
    own = {key: value for key, value in entry.items() if key != "details"}
    return {**own, **details} if isinstance(details, dict) else dict(entry)


def _reasons(entries: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Names, folded, in the lists of named things that entries have inside."""
    inside = [each for entry in entries for value in entry.values() if isinstance(value, list) for each in value]
    named = [item for each in inside if isinstance(each, dict) for item in each.items() if NAME_KEYS.search(item[0])]
    return frozenset(fold(name) for _, name in named if isinstance(name, str))


def _entries(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The named things in a result; those under `items` if there are several lists. Where nothing has a name, they are
    users or groups, which their first value tells apart.
    """
    values = [result[key] for key in sorted(result, key=lambda key: key != "items")]
    lists = [each for each in values if isinstance(each, list) and each and all(isinstance(one, dict) for one in each)]
    return next((entries for fits in (_are_named, _are_told_apart) for entries in lists if fits(entries)), [])


def _are_named(entries: Sequence[Mapping[str, Any]]) -> bool:
    return any(NAME_KEYS.search(key) and isinstance(value, str) for entry in entries for key, value in entry.items())


def _are_told_apart(entries: Sequence[Mapping[str, Any]]) -> bool:
    """True if all entries begin with the same key, have different names or IDs under it, and have numbers beside."""
    first = [next(iter(entry), "") for entry in entries]
    if len(set(first)) != 1 or not first[0]:
        return False
    values = [entry[first[0]] for entry in entries]
    are_names = all(isinstance(value, str | dict) for value in values) or bool(ID_KEYS.search(first[0]))
    others = [value for entry in entries for key, value in entry.items() if key != first[0]]
    return are_names and len(set(map(str, values))) == len(values) and any(map(is_number, others))


def _measure(entries: Sequence[Mapping[str, Any]], keys: Iterable[str]) -> str | None:
    """The key of the number by which the things are compared."""
    comparable = [key for key in keys if not NOT_A_MEASURE.search(key)]
    values = {key: [entry[key] for entry in entries if entry.get(key) is not None] for key in comparable}
    numeric = [key for key, found in values.items() if all(map(is_number, found)) and max(found, default=-1) >= 0]
    named = next((key for word in MEASURES for key in numeric if word in key.lower()), None)
    return named or (numeric[0] if len(numeric) == 1 else None)


def _row(entry: Mapping[str, Any], name_key: str, id_key: str | None, measure: str | None, words: Words) -> Row:
    number = entry.get(measure) if measure else None
    identifier = "" if id_key is None or entry.get(id_key) is None else one_line(str(entry[id_key]))
    rest = {key: value for key, value in entry.items() if key not in (name_key, id_key, measure)}
    days = [value for value in rest.values() if isinstance(value, str) and _DAY.fullmatch(value)]
    name = _name_of(entry, name_key, identifier, words)
    period = name if _PERIOD.fullmatch(name) else ""
    return Row(
        name=name,
        id=identifier,
        details=[(words.label(key), text) for key, value in rest.items() if (text := words.value(key, value))],
        number=None if number is None else float(number),
        shown="" if measure is None else words.value(measure, number),
        day=days[0] if len(days) == 1 else period,
    )


def _name_of(entry: Mapping[str, Any], name_key: str, identifier: str, words: Words) -> str:
    """The name of a thing; an ID alone with the word for what it is of."""
    value = entry.get(name_key)
    if ID_KEYS.search(name_key) and value is not None:
        return one_line(f"{words.label(name_key)} {value}")
    if isinstance(value, dict):
        return one_line(", ".join("not known" if part is None else str(part) for part in value.values()))
    return one_line(str(value or f"ID {identifier}"))
