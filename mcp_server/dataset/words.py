"""Words of a dataset for descriptions and prompts: the names of its fields, and examples from its own values.

A text names them in braces, beside the nouns, in a part for datasets that have the feature in question. What a dataset
does not have is an empty word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mcp_server.dataset.computed_fields import computed_fields
from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.spec import DatasetSpec

if TYPE_CHECKING:
    from mcp_server.dataset.facts import DatasetCard

MOST_MEASURES = 3
"""Numbers that are named as examples."""

MOST_LISTED = 30
"""Fields of items that a schema lists one by one. Where there are more, those that can be filtered are listed by the
filter only."""

LONGEST_EXAMPLE = 40
"""Characters of a name that is an example."""

USED_NAMES = ("user", "k", "attributes")
"""Names that prompts and their arguments have, beside the one that they take from a text."""


def collect_words(spec: DatasetSpec, card: DatasetCard | None) -> dict[str, str]:
    """The words, by the names that texts use for them."""
    kinds = _fields(spec, "category")
    kind = kinds[0].name if kinds else ""
    text = spec.search.texts[-1] if spec.search else ""
    measures = [field for field in _fields(spec, "number", of_filters=False) if not is_date_part(field)]
    words = {
        "kind": kind,
        "one": singular(kind),
        "month": next((field.name for field in spec.filters if field.part == "month"), ""),
        "numbers": ", ".join(field.name for field in _fields(spec, "number", of_filters=False)),
        "measures": either([_plain(field.name) for field in measures[:MOST_MEASURES]]),
        "text": _plain(text),
        "texts": either([_plain(name) for name in spec.search.texts]) if spec.search else "",
        "text_argument": f"{text}_text" if text in USED_NAMES else text,
        "language": spec.search.language.capitalize() if spec.search else "",
        "summary": ", ".join(field.name for field in spec.summary),
        "attributes": either(list(_attributes(spec))),
        "fields": _say_fields(spec),
        "group_fields": either(spec.users.groups),
        "computed": ", ".join(field.name for field in computed_fields(spec)),
        "like_share": _say_like_share(spec),
        "examples": "".join(f'{", " if number else ": "}"{each}"' for number, each in enumerate(_examples(spec, card))),
    }
    capitalized = {name.capitalize(): _capitalize(word) for name, word in words.items() if name in ("one", "text")}
    return words | capitalized


def singular(name: str) -> str:
    """One of the things that a field is named after: "genre" of "genres", "country" of "countries"."""
    if name.endswith("ies") and len(name) > len("series"):
        return f"{name.removesuffix('ies')}y"
    return name.removesuffix("s") if not name.endswith(("ss", "us", "is", "series")) else name


def either(names: Sequence[str]) -> str:
    """ "a", "a or b", "a, b or c"."""
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else "".join(names)


def is_year(field: FieldSpec) -> bool:
    """True for a number that is a year: it has no thousands, and people say "before" of it."""
    return field.integer and (field.part == "year" or field.name.split("_")[-1] == "year")


def is_date_part(field: FieldSpec) -> bool:
    return field.part is not None or is_year(field)


def _fields(spec: DatasetSpec, kind: str, *, of_filters: bool = True) -> list[FieldSpec]:
    return [field for field in (spec.filters if of_filters else spec.items.fields) if field.kind == kind]


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _capitalize(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def has_many_fields(spec: DatasetSpec) -> bool:
    return len(spec.items.fields) > MOST_LISTED


def _say_fields(spec: DatasetSpec) -> str:
    """Where the names of all fields are to be found, as a further sentence; empty where the schema lists them."""
    if not has_many_fields(spec):
        return ""
    others = [field.name for field in spec.items.fields if not field.filter]
    of_filter = ["all that item_filter_tool filters by"] if spec.filters else [f.name for f in computed_fields(spec)]
    return f" Fields: {', '.join([*of_filter, *others])}."


def _say_like_share(spec: DatasetSpec) -> str:
    """A further sentence on the meaning of the share of likes; empty where there is no such field."""
    is_there = any(field.measure == "like_share" for field in computed_fields(spec))
    return f" like_share: percent of its {spec.nouns.users} who like it." if is_there else ""


def _attributes(spec: DatasetSpec) -> Iterable[str]:
    """The kinds of what can be filtered, as people call them."""
    numbers = _fields(spec, "number")
    kinds = {
        "names": _fields(spec, "text"),
        "kinds": _fields(spec, "category"),
        "years": [field for field in numbers if is_year(field)],
        "numbers": [field for field in numbers if not is_date_part(field)],
        "dates": _fields(spec, "date"),
        "yes or no": _fields(spec, "boolean"),
    }
    return [name for name, fields in kinds.items() if fields]


def _examples(spec: DatasetSpec, card: DatasetCard | None) -> Iterable[str]:
    """A condition on the first field of each kind, with a value that the catalogue has."""
    numbers = _fields(spec, "number")
    for kind in _fields(spec, "category")[:1]:
        yield f"{_plain(kind.name)} {_frequent_name(kind, card)}"
    for number in [field for field in numbers if not is_date_part(field)][:1]:
        span = card.ranges.get(number.name) if card else None
        yield f"{_plain(number.name)} above {round_middle(*span) if span else 'X'}"
    for date in [*_fields(spec, "date"), *(field for field in numbers if is_year(field))][:1]:
        latest = card.spans[date.name][1][:4] if card and date.name in card.spans else "X"
        yield f"{_plain(date.name)} before {latest}"
    for boolean in _fields(spec, "boolean")[:1]:
        yield f"{_plain(boolean.name)} true"


def _frequent_name(kind: FieldSpec, card: DatasetCard | None) -> str:
    names = card.terms.get(kind.name, []) if card else []
    return next((name for name in names if len(name) <= LONGEST_EXAMPLE), "X")


def round_middle(least: float, greatest: float) -> str:
    """A number between two others, as round as it can be."""
    middle = (least + greatest) / 2
    for digits in range(1, 16):
        rounded = float(f"{middle:.{digits}g}")
        if least < rounded < greatest:
            return f"{rounded:.15g}"
    return f"{least:.15g}"
