"""Keys and values of results as people read them, by the labels and units that servers publish for their fields."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from recsys_shared.names import ID_KEYS, name_in
from recsys_shared.plain_text import one_line

LONGEST = 160
"""Characters of a text that a line shows."""

NOT_A_MEASURE = re.compile(r"year|month|date|time|rank|position", re.IGNORECASE)

SIGNS = {"gt": ">", "gte": "≥", "lt": "<", "lte": "≤", "eq": "="}
"""The signs of limits, which are those of the field that they are under."""


class FieldWords(NamedTuple):
    """People's words for a field of results."""

    title: str
    unit: str = ""


class Words:
    """The words for fields; those that no server has published are read as they are written."""

    def __init__(self, fields: Mapping[str, FieldWords] | None = None) -> None:
        self._fields = fields or {}

    def label(self, key: str) -> str:
        """A key as people read it: "n_interactions" becomes "Interactions"."""
        label = self.label_inside(key)
        return label[:1].upper() + label[1:]

    def label_inside(self, key: str) -> str:
        """A label in the middle of a line."""
        if key in self._fields:
            return one_line(self._fields[key].title)
        return one_line(re.sub(r"^n_|_tool$", "", key).replace("_", " ").strip().lower())

    def value(self, key: str, value: Any) -> str:
        """A value as people read it; empty if there is nothing to show."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if is_number(value):
            number = _shown_number(value, grouped=not NOT_A_MEASURE.search(key) and not ID_KEYS.search(key))
            unit = self._fields[key].unit if key in self._fields else ""
            return one_line(f"{number} {unit}".strip())
        if isinstance(value, str):
            return one_line(self._fields[value].title if value in self._fields else " ".join(value.split()), LONGEST)
        if isinstance(value, list):
            return one_line(", ".join(part for each in value if (part := self.value(key, each))), LONGEST)
        if isinstance(value, dict):
            own_keys = {own: (SIGNS[own], key) if own in SIGNS else (self.label_inside(own), own) for own in value}
            texts = ((label, self.value(of, value[own])) for own, (label, of) in own_keys.items())
            return one_line(name_in(value) or ", ".join(f"{label} {text}" for label, text in texts if text), LONGEST)
        return ""


def _shown_number(value: float, grouped: bool) -> str:
    if float(value).is_integer():
        return f"{int(value):,}" if grouped else str(int(value))
    text = f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3f}"
    return text.rstrip("0").rstrip(".")


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
