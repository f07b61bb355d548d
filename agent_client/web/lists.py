"""Lists with bars that a page shows below an answer, made of tools' results that list named things.

Names, IDs and measures are recognised by their keys and values; nothing is known of any catalogue.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from agent_client.events import Answered, CallEnded
from agent_client.names import ID_KEYS, NAME_KEYS, fold
from recsys_shared.plain_text import one_line

MEASURES = (
    *("fit", "score", "rating", "interactions", "count", "popularity", "percent", "share", "likes", "sales", "votes"),
)
"""Words in the keys of numbers that compare things; the most telling come first."""

LONGEST_TEXT = 160
"""Characters of a text that a line shows."""

_NOT_A_MEASURE = re.compile(r"year|month|date|time|rank|position", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
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


@dataclass(frozen=True)
class Listing:
    """Named things in their order."""

    caption: str
    measure: str
    """Label of the bars; empty if there are none."""
    rows: list[Row]

    @property
    def over_time(self) -> bool:
        """True if the numbers form a history."""
        complete = all(row.day and row.number is not None for row in self.rows)
        return bool(self.measure) and len(self.rows) > 2 and complete

    def as_props(self) -> dict[str, Any]:
        """Properties of the page's element that draws the list."""
        return {**asdict(self), "over_time": self.over_time}


def listings_of(answer: Answered) -> list[Listing]:
    """The lists to show below an answer, in the order of the calls.

    Several lists of counts by one tool are compared, with a bar for each list. Otherwise a list is shown if the answer
    names at least half of its things and no later list shows all of those; if there is no such list, the last one is.
    """
    found = [(call, listing) for call in answer.calls if not call.failed and (listing := listing_of(call))]
    compared = _comparison(found, answer.calls)
    if compared is not None:
        return [compared]
    text = f" {fold(answer.text)} "
    shown: list[Listing] = []
    seen: set[str] = set()
    for _, listing in reversed(found):
        names = {fold(row.name) for row in listing.rows}
        told = {fold(row.name) for row in listing.rows if _names(text, row.name)}
        if 2 * len(told) >= len(names) and told - seen:
            shown.append(listing)
            seen |= told
    return shown[::-1] or [listing for _, listing in found[-1:]]


def _names(text: str, name: str) -> bool:
    folded = fold(_YEAR_AFTER_NAME.sub("", name))
    return bool(folded) and f" {folded} " in text


def listing_of(call: CallEnded) -> Listing | None:
    """The list in a tool's result, if it has one."""
    result = call.structured or {}
    entries = _entries(result)
    if not entries:
        return None
    keys = list(dict.fromkeys(key for entry in entries for key in entry))
    name_key = next((key for key in keys if NAME_KEYS.search(key)), keys[0])
    id_key = next((key for key in keys if ID_KEYS.search(key) and key != name_key), None)
    measure = _measure(entries, [key for key in keys if key not in (name_key, id_key)])
    rows = [_row(entry, name_key, id_key, measure) for entry in entries]
    message = result.get("message")
    caption = " ".join(message.split()) if isinstance(message, str) else label_of(call.tool)
    return Listing(shortened(caption), label_of(measure) if measure else "", rows)


def _entries(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The named things in a result; those under `items` if there are several lists. Where nothing has a name, they are
    users or groups, which their first value tells apart.
    """
    lists = [
        result[key]
        for key in sorted(result, key=lambda key: key != "items")
        if isinstance(result[key], list) and result[key] and all(isinstance(entry, dict) for entry in result[key])
    ]
    named = [entries for entries in lists if any(map(_is_named, entries))]
    told_apart = [entries for entries in lists if _are_told_apart(entries)]
    return next(iter([*named, *told_apart]), [])


def _are_told_apart(entries: Sequence[Mapping[str, Any]]) -> bool:
    """True if all entries begin with the same key, have different names or IDs under it, and have numbers beside."""
    first = [next(iter(entry), "") for entry in entries]
    if len(set(first)) != 1 or not first[0]:
        return False
    values = [entry[first[0]] for entry in entries]
    are_names = all(isinstance(value, str | dict) for value in values) or bool(ID_KEYS.search(first[0]))
    others = [value for entry in entries for key, value in entry.items() if key != first[0]]
    return are_names and len(set(map(str, values))) == len(values) and any(map(_is_number, others))


def _is_named(entry: Mapping[str, Any]) -> bool:
    return any(NAME_KEYS.search(key) and isinstance(value, str) for key, value in entry.items())


def _measure(entries: Sequence[Mapping[str, Any]], keys: Iterable[str]) -> str | None:
    """The key of the number by which the things are compared."""
    numeric = [
        key
        for key in keys
        if not _NOT_A_MEASURE.search(key)
        and all(_is_number(entry.get(key)) or entry.get(key) is None for entry in entries)
        and any(_is_number(entry.get(key)) and entry[key] >= 0 for entry in entries)
    ]
    for word in MEASURES:
        if named := next((key for key in numeric if word in key.lower()), None):
            return named
    return numeric[0] if len(numeric) == 1 else None


def _row(entry: Mapping[str, Any], name_key: str, id_key: str | None, measure: str | None) -> Row:
    number = entry.get(measure) if measure else None
    identifier = "" if id_key is None or entry.get(id_key) is None else one_line(str(entry[id_key]))
    rest = {key: value for key, value in entry.items() if key not in (name_key, id_key, measure)}
    days = [value for value in rest.values() if isinstance(value, str) and _DAY.fullmatch(value)]
    return Row(
        name=_name_of(entry, name_key, identifier),
        id=identifier,
        details=[(label_of(key), text) for key, value in rest.items() if (text := shown_value(key, value))],
        number=None if number is None else float(number),
        shown="" if measure is None else shown_value(measure, number),
        day=days[0] if len(days) == 1 else "",
    )


def _name_of(entry: Mapping[str, Any], name_key: str, identifier: str) -> str:
    """The name of a thing; an ID alone with the word for what it is of."""
    value = entry.get(name_key)
    if ID_KEYS.search(name_key) and value is not None:
        return one_line(f"{label_of(name_key)} {value}")
    if isinstance(value, dict):
        return one_line(", ".join("not known" if part is None else str(part) for part in value.values()))
    return one_line(str(value or f"ID {identifier}"))


def _comparison(found: Sequence[tuple[CallEnded, Listing]], calls: Sequence[CallEnded]) -> Listing | None:
    """Several lists by one tool as one list of bars: the mean count of each."""
    tools = {call.tool for call, listing in found if listing.measure and not listing.over_time}
    for tool in tools:
        alike = [(call, listing) for call, listing in found if call.tool == tool and _counts(listing)]
        if len(alike) > 1 and len({listing.measure for _, listing in alike}) == 1:
            asked = [_asked(call, calls) for call, _ in alike]
            rows = []
            for (call, listing), parts in zip(alike, asked, strict=True):
                own = [part for part in parts if not all(part in others for others in asked)]
                mean = sum(row.number or 0 for row in listing.rows) / len(listing.rows)
                names = shortened(", ".join(row.name for row in listing.rows))
                label = ", ".join(own or parts) or label_of(call.tool)
                rows.append(Row(label, details=[("", names)], number=mean, shown=f"{mean:,.0f}"))
            rows.sort(key=lambda row: -(row.number or 0))
            measure = alike[0][1].measure
            return Listing(f"Mean {measure.lower()} of what is listed for each", measure, rows)
    return None


def _counts(listing: Listing) -> bool:
    return bool(listing.measure) and all(row.number is not None and row.number.is_integer() for row in listing.rows)


def _asked(call: CallEnded, calls: Sequence[CallEnded]) -> list[str]:
    """The subject of a call: its arguments, where a value that another call returned stands for that call's own."""
    parts: list[str] = []
    for key, value in call.arguments.items():
        others = [other for other in calls if other is not call]
        if isinstance(value, str):
            sources = (other for other in others if value in (other.structured or {}).values())
            source = next(sources, None)
        else:
            source = None
        if source is not None:
            parts += _asked(source, others)
        elif text := shown_value(key, value):
            names = isinstance(value, str | list)
            parts.append(text if names else f"{label_of(key).lower()} {text}")
    return parts


def label_of(key: str) -> str:
    """A key as people read it: "n_interactions" becomes "Interactions"."""
    words = re.sub(r"^n_|_tool$", "", key).replace("_", " ").strip()
    return one_line(words[:1].upper() + words[1:])


def shown_value(key: str, value: Any) -> str:
    """A value as people read it; empty if there is nothing to show."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_number(value):
        return _shown_number(value, grouped=not _NOT_A_MEASURE.search(key) and not ID_KEYS.search(key))
    if isinstance(value, str):
        return shortened(" ".join(value.split()))
    if isinstance(value, list):
        return shortened(", ".join(part for each in value if (part := shown_value(key, each))))
    if isinstance(value, dict):
        named = next((each for own, each in value.items() if NAME_KEYS.search(own) and isinstance(each, str)), None)
        texts = ((own, shown_value(own, each)) for own, each in value.items())
        return (
            shortened(named)
            if named
            else shortened(", ".join(f"{label_of(own).lower()} {text}" for own, text in texts if text))
        )
    return ""


def _shown_number(value: float, grouped: bool) -> str:
    if float(value).is_integer():
        return f"{int(value):,}" if grouped else str(int(value))
    text = f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3f}"
    return text.rstrip("0").rstrip(".")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def shortened(text: str, length: int = LONGEST_TEXT) -> str:
    """A text as a line of the page, in which nothing turns the direction of writing."""
    return one_line(text if len(text) <= length else f"{text[: length - 1].rstrip()}…")
