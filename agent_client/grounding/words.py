"""The words by which an answer's prose is read, and the language that it is in. They are data: words.toml."""

import re
import tomllib
from pathlib import Path

_WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))


def any_of(*lists: str) -> str:
    """A regular expression for one of the words of these lists."""
    words = (re.sub(r"\\ ", r"\\s", word) for name in lists for word in re.split(r"(?<!\\)\s+", _WORDS[name]))
    return rf"\b(?i:{'|'.join(words)})\b"


NUMBERS = {kind: re.compile(any_of(kind)) for kind in ("score", "rating", "price", "mean")}


def kinds_of(label: str) -> set[str]:
    """The kinds of number that a field or a label has: a score, a rating or a price, and perhaps a mean."""
    return {kind for kind, names in NUMBERS.items() if names.search(label.replace("_", " "))}


def language_of(text: str, fewest: int = 2) -> str:
    """Its code; "other" for another script or alphabet; empty if fewer small words than this are found."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    counts: dict[str, int] = {code: sum(map(words.count, small.split())) for code, small in _WORDS["languages"].items()}
    best = max(counts, key=lambda code: counts[code])
    if counts[best] >= fewest:
        return best
    return "other" if sum(not word.isascii() for word in words) > max(1, len(words) // 8) else ""
