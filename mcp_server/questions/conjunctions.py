"""The words of each language that join two answers, where one was asked for."""

import re
from functools import cache

from mcp_server.questions.truth import Language

_OR: dict[Language, str] = {
    "en": "or|perhaps|maybe",
    "de": "oder|vielleicht",
    "es": "o|u|quizás",
    "fr": "ou|peut-être",
    "it": "o|forse",
    "nl": "of|misschien",
    "pt": "ou|talvez",
}
_AND: dict[Language, str] = {"en": "and", "de": "und", "es": "y|e", "fr": "et", "it": "e", "nl": "en", "pt": "e"}
_TO: dict[Language, str] = {"en": "to", "de": "bis", "es": "a", "fr": "à", "it": "a", "nl": "tot", "pt": "a"}

_DASH = r"[-–—]"
"""With spaces around it, it separates sentences rather than numbers."""


@cache
def between_alternatives(language: Language) -> re.Pattern[str]:
    """The text between two numbers of which either could be meant: "5 or 6", "5-6"."""
    words = "|".join(_OR[each] for each in _and_english(language))
    return re.compile(rf"[\s*_]*(?:,?(?:\s*\b(?:{words})\b)+)[\s*_]*|[*_]*{_DASH}[*_]*", re.IGNORECASE)


@cache
def between_ends(language: Language) -> re.Pattern[str]:
    """The text between the ends of a range, "5 to 6"; "a rating of 1 to 5 of them" looks the same."""
    words = "|".join(_TO[each] for each in _and_english(language))
    return re.compile(rf"[\s*_]*\b(?:{words})\b[\s*_]*", re.IGNORECASE)


@cache
def between_names(language: Language) -> re.Pattern[str]:
    """The text between two names that are both given as the answer: "A or B", "A and B", "A/B"."""
    words = "|".join(table[each] for table in (_OR, _AND) for each in _and_english(language))
    return re.compile(rf"[^\w\n/&]*(?:\([^)\n]*\)[^\w\n/&]*)?(?:\b(?:{words})\b|[/&])[^\w\n]*", re.IGNORECASE)


def _and_english(language: Language) -> list[Language]:
    """A language and English, in which an assistant may answer whatever the question's language."""
    return list(dict.fromkeys([language, "en"]))
