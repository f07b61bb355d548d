"""The words and forms by which an answer is read, and the language that it is in. They are data: words.toml and
patterns.toml, in which each is explained.
"""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from recsys_shared.patterns import Patterns

BLANK = "\0"
"""Stands in a text for each character of a name, an ID or a date that was read."""

_WORDS, _PATTERNS = (
    tomllib.loads(Path(__file__).with_name(name).read_text("utf-8")) for name in ("words.toml", "patterns.toml")
)


def any_of(words: str) -> str:
    """A regular expression for one of the words of a list."""
    each = (re.sub(r"\\ ", r"\\s", word) for word in re.split(r"(?<!\\)\s+", words))
    return rf"\b(?i:{'|'.join(each)})\b"


_EACH = {name: any_of(each) for name, each in _WORDS.items() if isinstance(each, str)}
word, pattern = Patterns(_EACH, {}), Patterns(_PATTERNS, _EACH)
groups: dict[str, str] = _WORDS["groups"]
months = [re.compile(f"(?i:{each})") for each in _WORDS["months"].split()]


def kinds_of(label: str) -> set[str]:
    """The kinds of number that a field or a label has: a score, a rating or a price, and perhaps a mean."""
    text = label.replace("_", " ")
    return {kind for kind in ("score", "rating", "price", "mean") if getattr(word, kind).search(text)}


def language_of(text: str, fewest: int = 2) -> str:
    """Its code; "other" for another script or alphabet; empty if fewer small words than this are found."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    counts: dict[str, int] = {code: sum(map(words.count, small.split())) for code, small in _WORDS["languages"].items()}
    best = max(counts, key=lambda code: counts[code])
    if counts[best] >= fewest:
        return best
    return "other" if sum(not word.isascii() for word in words) > max(1, len(words) // 8) else ""


def bare(name: str) -> str:
    """A name without the years and IDs behind it, and without a rank or a sign before it."""
    short = pattern.id_behind.sub("", re.sub(r"[*_`]{2}", "", name))
    return pattern.rank_before.sub("", short).strip()


def blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with signs in the place of these parts, so that its numbers stay where they were."""
    for begin, end in spans:
        text = f"{text[:begin]}{BLANK * (end - begin)}{text[end:]}"
    return text
