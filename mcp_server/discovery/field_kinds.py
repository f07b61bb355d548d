"""Kinds of fields: how a column is declared, judged by its values and, where these do not tell, by its name."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcp_server.discovery.links import TIME_WORDS
from mcp_server.discovery.profiles import BOTH_MARKS, LEAST_FITTING, SEPARATORS, Profile
from mcp_server.discovery.questions import Choose, Question
from mcp_server.discovery.sql_names import amount, plain_name, with_both_marks
from mcp_server.discovery.words import ID_WORDS, has_word, words_of
from mcp_server.errors import quoted
from mcp_server.reading.kinds import is_time
from mcp_server.reading.sql_text import text_literal
from mcp_server.reading.time_forms import unit_of

MOST_FILTER_NAMES = 20_000
"""Names of a category, beyond which it is no use as a filter."""

LONG_TEXT_WORDS = 12
"""Words of a typical value, from which on a text is worth searching by its meaning."""

LARGEST_SHARE_OF_YEARS = 0.9
"""Share of years among dates, beyond which a column holds years."""

NAMES_OF_THINGS = frozenset({"actor", "artist", "author", "brand", "cast", "category", "city", "collection", "color",
                             "colour", "company", "country", "creator", "department", "developer", "director",
                             "district", "format", "genre", "keyword", "language", "maker", "manufacturer",
                             "occupation", "origin", "platform", "producer", "publisher", "region", "section", "size",
                             "source", "state", "status", "store", "studio", "style", "supplier", "tag", "theme",
                             "topic", "type", "vendor", "writer"})  # fmt: skip
"""Words in the names of columns that hold names which several items share."""

CODE_WORDS = frozenset({"barcode", "code", "ean", "fax", "gtin", "id", "ids", "isbn", "phone", "postal", "postcode",
                        "sku", "uid", "upc", "uuid", "zip", "zipcode"})  # fmt: skip

PICTURE_WORDS = frozenset({"image", "img", "photo", "picture", "poster", "thumbnail"})

_FREE = "(?i)(free|gratis|kostenlos)( .*)?"

CURRENCIES = {"$": "$", "€": "€", "£": "£", "¥": "¥", "₹": "₹", "USD": "$", "EUR": "€", "GBP": "£"}


@dataclass(frozen=True)
class FieldProposal:
    """A field, why it is declared so, and the column that it is made of."""

    declared: dict[str, Any]
    """Keys and values of the field."""
    why: str
    profile: Profile
    missing: tuple[str, ...] = ()
    """Texts that have to count as unknown."""

    @property
    def name(self) -> str:
        return str(self.declared["name"])

    @property
    def kind(self) -> str:
        return str(self.declared["kind"])

    def changed(self, why: str = "", **keys: Any) -> "FieldProposal":
        """The same field with other values of some keys."""
        return replace(self, declared=self.declared | keys, why=why or self.why)


@dataclass(frozen=True)
class LeftOut:
    """A column or a table that is not used, and why."""

    name: str
    why: str


Detector = Callable[[Profile, str, Choose], FieldProposal | LeftOut | None]


def propose_field(profile: Profile, name: str, choose: Choose) -> FieldProposal | LeftOut:
    """A field for a column.

    Args:
        name: The field's name.
    """
    for detect in _DETECTORS:
        found = detect(profile, name, choose)
        if found is not None:
            return found
    return _text(profile, name)


def _declared(profile: Profile, name: str, kind: str, **keys: Any) -> dict[str, Any]:
    source = {} if profile.name == name else {"source": profile.name}
    return {"name": name, "kind": kind, **source, **keys}


def _nothing(profile: Profile, name: str, choose: Choose) -> LeftOut | None:
    if not profile.n_known:
        return LeftOut(profile.name, "it is empty")
    if profile.n_distinct == 1 and profile.n_rows > 1 and profile.known_share > 0.99:
        return LeftOut(profile.name, f"it is {quoted(profile.common[0][0])} in every row")
    if profile.share_objects > 0.5 or profile.type.startswith(("STRUCT", "MAP", "UNION")):
        return LeftOut(profile.name, "it holds objects: name a part of them as in source: column.part")
    return None


def _address(profile: Profile, name: str, choose: Choose) -> FieldProposal | None:
    words = PICTURE_WORDS | {"link", "url", "website"}
    if profile.share_urls > 0.5 or (has_word(profile.name, words) and profile.share_numbers < 0.5):
        return FieldProposal(_declared(profile, name, "text"), "addresses of pages or pictures", profile)
    return None


def _list(profile: Profile, name: str, choose: Choose) -> FieldProposal | LeftOut | None:
    """Several names in brackets, objects with names included."""
    if profile.share_lists < 0.9:
        return None
    example = next((value for value, _ in profile.common if len(value) > 4), "")
    if "{" in example:
        key = next((key for key in ("name", "title", "label") if f'"{key}":' in example.replace(" ", "")), None)
        if key is None:
            key = next((key for key in ("name", "title", "label") if f"'{key}'" in example), None)
            if key is None:
                return LeftOut(profile.name, "it holds lists of objects")
            pattern = f"['\"]{key}['\"]: *['\"]([^'\"]*)['\"]"
            source = f"regexp_extract_all({plain_name(profile.name)}, {text_literal(pattern)}, 1)"
        else:
            source = f"{profile.name}.{key}"
        keys = {"name": name, "kind": "category", "many": True, "source": source}
        return _filtered(FieldProposal(keys, f"the {key} of each object in a list, such as {example[:60]}", profile))
    if profile.mean_words > 8 * LONG_TEXT_WORDS or not example:
        return None
    return _filtered(FieldProposal(_declared(profile, name, "category", many=True), "a list in brackets", profile))


def _boolean(profile: Profile, name: str, choose: Choose) -> FieldProposal | None:
    if profile.type != "BOOLEAN" and (profile.share_booleans < 1.0 or profile.n_distinct > 3):
        return None
    if profile.type != "BOOLEAN" and len({value.lower() for value, _ in profile.common}) != 2:
        return None
    shown = ", ".join(f"{value} {n:,} times" for value, n in profile.common[:2])
    return FieldProposal(_declared(profile, name, "boolean", filter=True), f"yes or no: {shown}", profile)


def _date(profile: Profile, name: str, choose: Choose) -> FieldProposal | None:
    found = time_format(profile, choose)
    if found is None:
        return None
    form, why = found
    if form == UNDECIDED:
        return FieldProposal(_declared(profile, name, "text"), f"{why}, so it stays a text", profile)
    keys = {"format": form} if form else {}
    return FieldProposal(_declared(profile, name, "date", **keys, filter=True), why, profile)


UNDECIDED = "undecided"
"""Stands for a form of dates that nobody could tell."""


def time_format(profile: Profile, choose: Choose) -> tuple[str | None, str] | None:
    """The format of a column of times, None for one that needs no declaration, and why; None if it has no times."""
    times, examples = profile.times, ", ".join(profile.examples[:2])
    if is_time(profile.type):
        return None, f"times, such as {examples}"
    if not times.n_known:
        return None
    if times.n_days == times.n_known and profile.n_distinct > 1 and not has_word(profile.name, ID_WORDS):
        return "%Y%m%d", f"days without hyphens, such as {examples}"
    if (
        times.n_numbers > LEAST_FITTING * times.n_known
        and has_word(profile.name, TIME_WORDS)
        and (times.typical or 0) > 1e8
    ):
        unit = unit_of(times.typical or 0.0)
        words = {"s": "seconds", "ms": "milliseconds", "us": "microseconds"}.get(unit, "nanoseconds")
        return unit, f"{words} since 1970, such as {examples}"
    n_clear = times.n_iso + times.n_years + profile.n_clear_times
    if n_clear > LEAST_FITTING * times.n_known and profile.share_whole < LARGEST_SHARE_OF_YEARS:
        return None, f"dates that can be read in one way only, such as {examples}"
    return _declared_format(profile, choose)


def _declared_format(profile: Profile, choose: Choose) -> tuple[str, str] | None:
    formats = _without_doubles(profile.formats)
    if not formats:
        return None
    example = quoted(profile.examples[0])
    if len(formats) == 1:
        return formats[0], f"only {formats[0]} fits all values, such as {example}"
    answer = choose(
        Question(
            key=f"dates of {profile.name}",
            text=f"How are the dates of the column {profile.name} written, such as {example}?",
            choices=dict.fromkeys(formats, "") | {UNDECIDED: "nobody knows: leave the dates out"},
            default=UNDECIDED,
        )
    )
    return answer, f"{example} can be read in several ways"


def _without_doubles(formats: Sequence[str]) -> list[str]:
    """Formats of which no other one with a year of four digits is the same."""
    return [form for form in formats if "%y" not in form or form.replace("%y", "%Y") not in formats]


def _number(profile: Profile, name: str, choose: Choose) -> FieldProposal | None:
    if profile.share_numbers < 0.9 or (has_word(profile.name, CODE_WORDS) and not has_word(profile.name, {"number"})):
        return None
    if profile.n_leading_zeros and profile.least == profile.greatest:
        return None
    keys: dict[str, Any] = {}
    if profile.decimal == BOTH_MARKS:
        source = with_both_marks(profile.name)
        span = f"from {amount(profile.least)} to {amount(profile.greatest)}"
        declared = _declared(profile, name, "number", filter=True) | {"source": source}
        return FieldProposal(declared, f"{span}, with decimal points and decimal commas", profile)
    if profile.decimal == ",":
        keys["decimal"] = ","
    elif profile.decimal is None:
        keys["decimal"] = _ask_decimal(profile, choose)
    span = f"from {amount(profile.least)} to {amount(profile.greatest)}"
    if profile.share_whole >= profile.share_numbers and not keys.get("decimal"):
        keys["integer"] = True
    if unit := _unit(profile):
        keys["unit"] = unit
    declared = _declared(profile, name, "number", **keys, filter=True)
    plain = f"TRY_CAST({plain_name(profile.name)} AS {'BIGINT' if keys.get('integer') else 'DOUBLE'})"
    if "year" in words_of(profile.name) and profile.n_zeros and (profile.greatest or 0) > 1000:
        declared["source"] = f"nullif({plain}, 0)"
        return FieldProposal(declared, f"{span}; 0 counts as unknown", profile)
    if profile.odd_numbers and profile.share_numbers < 1.0:
        odd = ", ".join(map(quoted, profile.odd_numbers[:3]))
        if not profile.are_plain_numbers:
            return FieldProposal(declared, f"{span}; {odd} counts as unknown", profile, profile.odd_numbers)
        declared["source"] = plain
        return FieldProposal(declared, f"{span}; what is no number, such as {odd}, counts as unknown", profile)
    return FieldProposal(declared, span, profile)


def _price_or_free(profile: Profile, name: str, choose: Choose) -> FieldProposal | None:
    """Prices, among which a word stands for nothing to pay."""
    is_price = has_word(profile.name, {"cost", "fee", "price"}) and 0.2 < profile.share_numbers < 1
    if not is_price or profile.decimal in (None, BOTH_MARKS):
        return None
    if not all(re.fullmatch(_FREE, value) for value in profile.odd_numbers):
        return None
    source = f"regexp_replace({plain_name(profile.name)}, {text_literal(f'^{_FREE}$')}, '0')"
    keys = {"source": source, "decimal": profile.decimal, "filter": True}
    unit = _unit(profile)
    why = f"up to {amount(profile.greatest)}; {quoted(profile.odd_numbers[0])} is 0"
    return FieldProposal({"name": name, "kind": "number", **keys, **({"unit": unit} if unit else {})}, why, profile)


def _ask_decimal(profile: Profile, choose: Choose) -> str:
    example = quoted(next((value for value in profile.examples if "," in value), profile.examples[0]))
    return choose(
        Question(
            key=f"decimal mark of {profile.name}",
            text=f"What is the comma in the numbers of the column {profile.name}, such as {example}?",
            choices={".": "it stands between thousands", ",": "it is a decimal comma"},
            default=".",
        )
    )


def _unit(profile: Profile) -> str | None:
    for mark, unit in CURRENCIES.items():
        if sum(n for value, n in profile.common if mark in value) > sum(n for _, n in profile.common) / 2:
            return unit
    return None


def _separated(profile: Profile, name: str, choose: Choose) -> FieldProposal | None:
    """Several names in one text."""
    if profile.mean_words > 3 * LONG_TEXT_WORDS:
        return None
    for mark in SEPARATORS:
        share = profile.separated.get(mark, 0.0)
        if share < 0.1 or (mark in (", ", ",", " / ", ";") and not _is_list_of_names(profile, mark)):
            continue
        parts = [part.strip() for value, _ in profile.common for part in value.split(mark)]
        shown = ", ".join(dict.fromkeys(parts[:3]))
        declared = _declared(profile, name, "category", many=True, separator=mark.strip() if mark != " > " else mark)
        return _filtered(FieldProposal(declared, f"several names in one text, such as {shown}", profile))
    return None


def _is_list_of_names(profile: Profile, mark: str) -> bool:
    """True if the parts of texts are short, and come again in other texts."""
    parts = [part.strip() for value, _ in profile.common for part in value.split(mark) if part.strip()]
    if not parts or sum(len(part.split()) > 5 for part in parts) > 0.05 * len(parts):
        return False
    again = 1 - len(set(parts)) / len(parts)
    return again > 0.4 or (again > 0.1 and has_word(profile.name, NAMES_OF_THINGS)) or (
        has_word(profile.name, {"actor", "artist", "author", "cast", "director", "genre", "tag", "writer"})
    )  # fmt: skip


def _category(profile: Profile, name: str, choose: Choose) -> FieldProposal | None:
    if profile.mean_words > 6 or profile.longest > 200 or profile.share_urls > 0.5:
        return None
    repeats = profile.n_known / max(profile.n_distinct, 1)
    is_named = has_word(profile.name, NAMES_OF_THINGS) and not has_word(profile.name, {"id"})
    if repeats < (1.05 if is_named else 2.0) or (repeats < 10 and has_word(profile.name, ID_WORDS)):
        return None
    n_names = profile.n_distinct
    why = f"{n_names:,} names, such as {', '.join(profile.examples)}"
    found = FieldProposal(_declared(profile, name, "category"), why, profile)
    return found if has_word(profile.name, CODE_WORDS) else _filtered(found)


def _filtered(proposal: FieldProposal) -> FieldProposal:
    if 2 <= proposal.profile.n_distinct <= MOST_FILTER_NAMES or proposal.declared.get("many"):
        return proposal.changed(filter=True)
    return proposal


def _text(profile: Profile, name: str) -> FieldProposal:
    declared = _declared(profile, name, "text")
    if profile.share_html > 0.02:
        declared["html"] = True
    if is_long_text(profile):
        why = f"texts of {profile.mean_words:.0f} words on average"
    else:
        why = f"such as {', '.join(profile.examples[:2])}"
    if profile.share_numbers > 0.5 and not profile.odd_numbers:
        why = f"numbers that name something, such as {', '.join(profile.examples[:2])}"
    elif profile.share_numbers > 0.5:
        why = f"most values are numbers, but not {', '.join(map(quoted, profile.odd_numbers[:3]))}, so it stays a text"
    return FieldProposal(declared, why, profile)


def is_long_text(profile: Profile) -> bool:
    """True for texts that are worth searching by their meaning."""
    return profile.mean_words >= LONG_TEXT_WORDS and profile.share_urls < 0.5


_DETECTORS: Sequence[Detector] = (
    _nothing,
    _address,
    _list,
    _boolean,
    _date,
    _price_or_free,
    _number,
    _separated,
    _category,
)
