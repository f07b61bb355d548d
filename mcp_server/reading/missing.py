"""Texts that stand for unknown values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mcp_server.reading.sql_text import text_literal

UNKNOWN = ("", "null", "nan", "n/a", "\\n")
"""Texts that stand for an unknown value by default, in lower case."""

UNKNOWN_NUMBERS = ("na", "n.a.", "none", "unknown", "-", "--", "?", "nil", "undefined", "nat", "(null)", "<na>", "#n/a",
                   "#div/0!", "-nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity", "0000-00-00",
                   "0000-00-00 00:00:00")  # fmt: skip
"""Texts that stand for an unknown number, boolean or date by default, in lower case, beside UNKNOWN."""


@dataclass(frozen=True)
class Missing:
    """Texts that stand for unknown values, in lower case."""

    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    """Those of numbers, booleans and dates."""

    @classmethod
    def declared(cls, missing: Sequence[str] | None) -> "Missing":
        """The texts that a specification declares, or those by default. A "NaN" is never a number, an empty text never
        a value.
        """
        texts = UNKNOWN if missing is None else ("", *(text.strip().lower() for text in missing))
        numbers = (*UNKNOWN, *UNKNOWN_NUMBERS) if missing is None else (*texts, *UNKNOWN)
        return cls(tuple(dict.fromkeys(texts)), tuple(dict.fromkeys(numbers)))

    @property
    def amounts(self) -> tuple[float, ...]:
        """Numbers that stand for an unknown value, such as -1."""
        return tuple(float(text) for text in self.numbers if re.fullmatch(r"[+-]?\d+(\.\d+)?", text))

    def known(self, value: str, *, of_number: bool = False) -> str:
        """SQL for a text, or NULL where it stands for an unknown value."""
        unknown = ", ".join(map(text_literal, self.numbers if of_number else self.texts))
        return f"CASE WHEN lower({value}) NOT IN ({unknown}) THEN {value} END" if unknown else value
