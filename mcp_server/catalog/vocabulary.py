"""The vocabulary of a field: its names, matched against names as people write them.

The same name but for case, accents and punctuation comes first, then names that contain all the words asked for
("Cruise"), then the nearest by spelling ("Tom Cruize").
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler

SPELLING_CUTOFF = 84.0
"""Least similarity (0 to 100) of a corrected name. Higher loses slips, lower turns names into other names:
"Tom Cruize" and "Tom Cruise" have 93, "Michael Dougherty" and "Michael Douglas" 83."""

MOST_NAMES_BY_WORDS = 10
"""Most names that words may match. Words that more names contain are too general."""

N_SUGGESTIONS = 5


def fold(name: str) -> str:
    """A name without case, accents, punctuation and a year in brackets at its end."""
    decomposed = unicodedata.normalize("NFKD", re.sub(r"(?<=\S)\s*\(\d{4}\)\s*$", "", name).casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(re.findall(r"\w+", plain)) or name.casefold().strip()


@dataclass(frozen=True)
class NameMatch:
    """The terms that one name was matched with."""

    terms: list[int]
    """Numbers of the terms; empty where nothing is near."""
    names: list[str]
    """Their names."""
    corrected: bool
    """True where they differ from the name asked for by more than case and punctuation."""
    suggestions: list[str]
    """Near names, where there are no terms."""


class Vocabulary:
    """The names of one field.

    Args:
        terms: Numbers of the terms.
        names: Their names, in the same order.
    """

    def __init__(self, terms: Sequence[int], names: Sequence[str]) -> None:
        self._terms = terms
        self._names = names
        self._folded = [fold(name) for name in names]
        self._words = [frozenset(folded.split()) for folded in self._folded]

    def nearest(self, asked: str) -> NameMatch:
        """Match a name that the catalogue does not have as it is written."""
        folded = fold(asked)
        words = frozenset(folded.split())
        by_words = [position for position, other in enumerate(self._words) if words and words <= other]
        if 0 < len(by_words) <= MOST_NAMES_BY_WORDS:
            return self._taken(by_words)
        near = process.extract(folded, self._folded, scorer=fuzz.ratio, limit=10, score_cutoff=70)
        scores = {position: _similarity(folded, other) for other, _, position in near}
        best = max(scores.values(), default=0.0)
        if best >= SPELLING_CUTOFF:
            return self._taken([position for position, score in scores.items() if score == best])
        if not by_words:
            loose = process.extract(folded, self._folded, scorer=fuzz.WRatio, limit=N_SUGGESTIONS)
            by_words = [position for _, _, position in loose]
        return NameMatch([], [], False, [self._names[position] for position in by_words[:N_SUGGESTIONS]])

    def beginning_with(self, typed: str) -> list[str]:
        """Names that begin with the typed text, then names with a later word that does, in the order of the names."""
        folded = fold(typed) if typed.strip() else ""
        first = [position for position, name in enumerate(self._folded) if name.startswith(folded)]
        later = [position for position, name in enumerate(self._folded) if f" {folded}" in name]
        return [self._names[position] for position in dict.fromkeys([*first, *later])]

    def _taken(self, positions: list[int]) -> NameMatch:
        return NameMatch(
            [self._terms[position] for position in positions],
            [self._names[position] for position in positions],
            True,
            [],
        )


def _similarity(a: str, b: str) -> float:
    """Mean of edit similarity and Jaro-Winkler similarity, which counts the first letters more; 0 to 100."""
    return (fuzz.ratio(a, b) + 100 * JaroWinkler.similarity(a, b)) / 2
