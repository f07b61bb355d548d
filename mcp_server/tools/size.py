"""The size of a result: what would crowd a conversation is cut, and the message says what is missing.

Lists lose their last entries. Only what is too long even then loses the ends of its texts.
"""

import json
from collections.abc import Mapping
from typing import Any

MOST_TOKENS = 10_000
"""Upper bound on the tokens of a result, for the language model that reads it."""

NOTE_TOKENS = 500
"""Room kept for what the message says about cuts."""

PAGED = ("items", "rows")
"""Names of lists of which "remaining" counts what is still to list."""

LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ "

IDENTIFIERS = frozenset({"item_id", "item_set", "user"})
"""Values that mean nothing once they are cut."""


def most_tokens(value: Any) -> int:
    """Upper bound on the tokens in a value's JSON. No tokenizer is loaded while serving, so bytes are counted.

    Tokenizers that work on bytes, as those of all common models do, make at most one token of a byte: digits,
    punctuation and everything beyond ASCII count as one each. ASCII letters and spaces count as half a token: with
    cl100k_base a token of prose has from 2.6 (Zulu) to 4.7 of them (English); strings of random letters have 1.5.
    So a bound of 10,000 is some 4,000 tokens in English, and up to 10,000 in languages of rare scripts.

    Raises:
        ValueError: JSON cannot hold the value: it has a number that is not finite.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    content = text.encode(errors="surrogatepass")
    n_others = len(content.translate(None, LETTERS))
    return n_others + (len(content) - n_others + 1) // 2


def fit(result: Mapping[str, Any], advice: str) -> dict[str, Any]:
    """Cut a result to a size that fits; it stays as valid as it was. "remaining" counts what its list has lost.

    Args:
        advice: How a caller can get what is left out; becomes part of the message.

    Raises:
        ValueError: JSON cannot hold the result.
    """
    room = MOST_TOKENS - NOTE_TOKENS
    fitting, notes = dict(result), list[str]()
    if most_tokens(result) <= room:
        return fitting
    lists = {name: value for name, value in result.items() if isinstance(value, list)}
    for name in sorted(lists, key=lambda name: most_tokens(lists[name]), reverse=True):
        too_much = most_tokens(fitting) - room
        if too_much <= 0:
            break
        fitting[name] = _first(lists[name], too_much)
        left_out = len(lists[name]) - len(fitting[name])
        if left_out and name in PAGED:
            notes.append(f"The last {left_out} of these are left out, because the answer would be too long{advice}.")
            if isinstance(fitting.get("remaining"), int):
                fitting["remaining"] += left_out
        elif left_out:
            notes.append(f"{left_out} more are left out of {name}.")
    longest = room
    while most_tokens(fitting) > room and longest > 1:
        longest //= 2
        fitting = {name: _cut(value, longest, name) for name, value in fitting.items()}
    if longest < room:
        notes.append("What is too long for one answer is cut, where '…' stands.")
    if notes:
        fitting["message"] = " ".join([fitting["message"], *notes])
    return fitting


def _first(entries: list[Any], too_much: int) -> list[Any]:
    """Entries without the last ones, so that the list is shorter by `too_much` tokens; the first always stays."""
    n_kept = len(entries)
    while n_kept > 1 and too_much > 0:
        n_kept -= 1
        too_much -= most_tokens(entries[n_kept])
    return entries[:n_kept]


def _cut(value: Any, longest: int, name: str = "") -> Any:
    """A value in which no text and no list is longer than `longest`. Identifiers stay whole."""
    if isinstance(value, str) and len(value) > longest and name not in IDENTIFIERS:
        return f"{value[:longest]}…"
    if isinstance(value, list):
        return [_cut(part, longest, name) for part in value[:longest]]
    if isinstance(value, dict):
        return {key: _cut(part, longest, key) for key, part in value.items()}
    return value
