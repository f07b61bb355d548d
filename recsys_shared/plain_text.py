"""Text from data, made safe for a terminal, a line of a log, or JSON that a terminal shows.

Titles, names and errors come from files and servers of strangers. Characters that would command a terminal, forge a
line or turn the direction of writing are replaced by a visible sign; all others stay as they are. Nothing is parsed:
without its first character, an escape sequence is only text.
"""

import json
import re
from collections.abc import Callable
from typing import Any

_UNSEEN = (
    r"\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # direction of writing
    r"\u2028\u2029"  # separators of lines and paragraphs
    r"\ufff9-\ufffb"  # annotations
    r"\ud800-\udfff"  # surrogates, as in file names that are not UTF-8; they cannot be encoded
)
_IN_A_LINE = re.compile(f"[{_UNSEEN}]")
_IN_LINES = re.compile(f"(?![\n\t])[{_UNSEEN}]")

REPLACEMENT = "\ufffd"

CUT = "…"

LONGEST_ERROR = 2_000
"""Upper bound on the characters of an error."""


def _sign(found: re.Match[str]) -> str:
    """Unicode's picture of a control character, else the replacement character."""
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else REPLACEMENT


def one_line(text: str, length: int | None = None) -> str:
    """A text as a piece of one line.

    Args:
        length: Upper bound on the characters; a longer text is cut, and ends in "…".
    """
    return _IN_A_LINE.sub(_sign, text if length is None else cut(text, length))


def several_lines(text: str) -> str:
    """A text of one or more lines, with its line breaks and tabs."""
    return _IN_LINES.sub(_sign, text.replace("\r\n", "\n"))


def error_line(error: BaseException | str) -> str:
    """An error's message as one line of a readable length; messages of libraries may have several lines."""
    return one_line(" ".join(str(error).split()), LONGEST_ERROR)


def cut(text: str, length: int) -> str:
    """The text, or as much of it as fits: up to the end of a word, unless the word is a long one."""
    if len(text) <= length:
        return text
    words, _, part = text[:length].rpartition(" ")
    return (words.rstrip() if len(part) < length // 5 else text[: length - 1]) + CUT


def json_text(value: Any, indent: int | None = None, default: Callable[[Any], Any] | None = None) -> str:
    """A value as JSON for people and programs. Letters of any script stay readable, and the characters that `one_line`
    replaces are written as escapes, so that the value is the same when it is read again.
    """
    written = json.dumps(value, ensure_ascii=False, indent=indent, default=default)
    return _IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", written)
