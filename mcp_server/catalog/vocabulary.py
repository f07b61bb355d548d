"""The vocabulary of a field: its names, matched against names as people write them.

The same name but for case, accents and punctuation comes first, then names that contain all the words asked for
("Cruise"), then the nearest by spelling ("Tom Cruize").
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler

SPELLING_CUTOFF = 84.0
"""Least similarity (0 to 100) of a corrected name. Higher loses slips, lower turns names into other names:
"Tom Cruize" and "Tom Cruise" have 93, "Michael Dougherty" and "Michael Douglas" 83."""

MOST_NAMES_BY_WORDS = 10
"""Most names that words may match. Words that more names contain are too general."""

N_SUGGESTIONS = 5

AT_ONCE = 20_000
"""Names that are compared in one call, during which no other thread runs: some 20 ms."""

_YEAR = re.compile(r"(?<=\S)\s*\(\d{4}\)\s*$")
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")


def fold(name: str) -> str:
    """A name without case, accents, punctuation and a year in brackets at its end."""
    plain = _YEAR.sub("", name).casefold()
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain)
        plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(_WORD.findall(plain)) or name.casefold().strip()


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

    def nearest(self, asked: str) -> NameMatch:
        """Match a name that the catalogue does not have as it is written."""
        folded = fold(asked)
        by_words = self._having(folded.split())
        if 0 < len(by_words) <= MOST_NAMES_BY_WORDS:
            return self._taken(by_words)
        near = self._closest(folded, fuzz.ratio, limit=10, cutoff=70)
        numbers = _NUMBER.findall(folded)  # "Part 2" is no slip for "Part 3", nor for the first one
        same = [position for position in near if _NUMBER.findall(self._folded[position]) == numbers]
        scores = {position: _similarity(folded, self._folded[position]) for position in same}
        best = max(scores.values(), default=0.0)
        if best >= SPELLING_CUTOFF:
            return self._taken([position for position, score in scores.items() if score == best])
        if not by_words:
            by_words = self._closest(folded, fuzz.WRatio, limit=N_SUGGESTIONS, cutoff=0)
        return NameMatch([], [], False, [self._names[position] for position in by_words[:N_SUGGESTIONS]])

    def beginning_with(self, typed: str) -> list[str]:
        """Names that begin with the typed text, then names with a later word that does, in the order of the names."""
        folded = fold(typed) if typed.strip() else ""
        first = [position for position, name in enumerate(self._folded) if name.startswith(folded)]
        later = [position for position, name in enumerate(self._folded) if f" {folded}" in name]
        return [self._names[position] for position in dict.fromkeys([*first, *later])]

    def _having(self, words: Sequence[str]) -> list[int]:
        """Positions of the names that have all of some words; none without words."""
        found: Iterable[tuple[int, str]] = enumerate(self._folded) if words else ()
        for word in words:  # most names are told at once, before they are divided into words
            found = [(position, name) for position, name in found if word in name]
        return [position for position, name in found if set(words) <= set(name.split())]

    def _closest(self, folded: str, scorer: Callable[..., float], *, limit: int, cutoff: float) -> list[int]:
        """Positions of the names that score best, the best first."""
        found: list[tuple[float, int]] = []
        for start in range(0, len(self._folded), AT_ONCE):
            names = self._folded[start : start + AT_ONCE]
            near = process.extract(folded, names, scorer=scorer, limit=limit, score_cutoff=cutoff)
            found += [(-score, start + position) for _, score, position in near]
        return [position for _, position in sorted(found)[:limit]]

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
