"""The words and forms by which an answer is read, and the language that it is in. They are data: words.toml and
patterns.toml, in which each is explained.
"""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

BLANK = "\0"
"""Stands in a text for each character of a name, an ID or a date that was read."""

_WORDS, _PATTERNS = (
    tomllib.loads(Path(__file__).with_name(name).read_text("utf-8")) for name in ("words.toml", "patterns.toml")
)


def any_of(words: str) -> str:
    """A regular expression for one of the words of a list."""
    each = (re.sub(r"\\ ", r"\\s", word) for word in re.split(r"(?<!\\)\s+", words))
    return rf"\b(?i:{'|'.join(each)})\b"


def expanded(text: str) -> str:
    """A pattern with those to which it refers."""
    parts = re.split(r"@(\w+)", re.sub(r"\n *", "", text))
    parts[1::2] = (expanded(_PATTERNS[name]) if name in _PATTERNS else any_of(_WORDS[name]) for name in parts[1::2])
    return "".join(parts)


class _Compiled:
    """Regular expressions as attributes."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.__dict__.update({name: re.compile(text) for name, text in texts.items()})

    def __getattr__(self, name: str) -> re.Pattern[str]:
        raise AttributeError(name)


pattern = _Compiled({name: expanded(each) for name, each in _PATTERNS.items()})
word = _Compiled({name: any_of(each) for name, each in _WORDS.items() if isinstance(each, str)})
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


def blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with signs in the place of these parts, so that its numbers stay where they were."""
    for begin, end in spans:
        text = f"{text[:begin]}{BLANK * (end - begin)}{text[end:]}"
    return text
