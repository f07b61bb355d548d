"""The check that an answer's names and IDs come from the tools: code finds those that no tool has returned, whatever
the model was told.

It knows nothing of any catalogue. Names are looked for where answers have them: in a table's column, in bold at the
head of a list's entry, in quotation marks; IDs where they are called IDs. An answer may repeat the person's own words,
so those count as supported too.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from agent_client.names import ID_KEYS, NAME_KEYS, fold

SMALL_WORD = 3
"""Longest word, in letters, that titles leave in lower case ("the", "and", "of")."""

_CELL = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"^\s*\|?(\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?\s*$")
_ENTRY = re.compile(r"^\s*(?:[-*+•]|\d+[.)])\s+(?:\*\*|__)(?P<name>.+?)(?:\*\*|__)(?P<after>.?)")
_QUOTED = re.compile(r"[“\"«](?P<name>[^“”\"«»\n]{2,80})[”\"»]")
_ONE_ID = r"(?:\d+|[A-Z]+-?\d[\w-]*)"
_IDS = re.compile(rf"\bIDs?\b\s*[:#=]?\s*(?P<ids>{_ONE_ID}(?:(?:\s*,\s*|\s+)(?:(?:and|or|&)\s+)?{_ONE_ID})*)")
_YEAR = re.compile(r"\s*\((?:19|20)\d\d\)\s*$")
_ID_IN_PARENTHESES = re.compile(r"\s*[(\[]\s*(?:ID\s*)?[#:]?\s*[\w-]+\s*[)\]]\s*$", re.IGNORECASE)


def unsupported(answer: str, results: Iterable[Any], words: Iterable[str]) -> list[str]:
    """Names and IDs in an answer that nothing supports, in the order of the answer.

    Args:
        results: Results of the tools, as data or as text.
        words: The person's words, and other texts that an answer may repeat.
    """
    known = _Known(results, words)
    found = dict.fromkeys(name for name in names_in(answer) if not known.has_name(name))
    found.update(dict.fromkeys(f"ID {identifier}" for identifier in ids_in(answer) if not known.has_id(identifier)))
    return list(found)


class _Known:
    def __init__(self, results: Iterable[Any], words: Iterable[str]) -> None:
        self._ids: set[str] = set()
        texts = []
        said = list(words)
        for result in results:
            data = _parsed(result)
            if isinstance(data, str):
                said.append(data)  # not JSON: IDs are somewhere among its words
            for value in _values(data):
                if isinstance(value, str):
                    texts.append(value)
                self._ids.add(str(value).casefold())
        for text in said:
            self._ids.update(word.casefold() for word in re.findall(r"[\w-]+", text))
        self._text = "".join(f" {fold(text)} " for text in [*texts, *said])

    def has_name(self, name: str) -> bool:
        return any(form and f" {form} " in self._text for form in _forms(name))

    def has_id(self, identifier: str) -> bool:
        return identifier.casefold() in self._ids


def _parsed(result: Any) -> Any:
    if isinstance(result, str):
        try:
            return json.loads(result)
        except ValueError:
            return result
    return result


def _values(value: Any) -> Iterator[Any]:
    """All strings and numbers in JSON data."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield str(key)
            yield from _values(each)
    elif isinstance(value, list):
        for each in value:
            yield from _values(each)
    elif value is not None:
        yield value


def _forms(name: str) -> Iterator[str]:
    """Ways in which a catalogue may write a name: without a year or an ID after it, with its article at the end."""
    for shorter in (name, _YEAR.sub("", name), _ID_IN_PARENTHESES.sub("", name)):
        folded = fold(shorter)
        yield folded
        article, _, rest = folded.partition(" ")
        if article in ("the", "a", "an", "le", "la", "les", "il", "el", "der", "die", "das"):
            yield f"{rest} {article}"


def names_in(answer: str) -> Iterator[str]:
    """The words that an answer presents as names."""
    for line, columns in _with_columns(answer):
        if columns is not None:
            yield from (
                _plain(cell) for cell, heading in columns if NAME_KEYS.search(heading.strip().replace(" ", "_"))
            )
        elif (entry := _ENTRY.match(line)) and not entry["name"].endswith(":") and entry["after"] != ":":
            yield from filter(_looks_like_a_name, [_plain(entry["name"])])
        yield from filter(_looks_like_a_name, (quoted["name"] for quoted in _QUOTED.finditer(line)))


def ids_in(answer: str) -> Iterator[str]:
    """The words that an answer presents as IDs."""
    for line, columns in _with_columns(answer):
        for cell, heading in columns or []:
            if ID_KEYS.search(_key(heading)) and re.fullmatch(r"[\w-]*\d[\w-]*", _plain(cell)):
                yield _plain(cell)
        for match in _IDS.finditer(line):
            yield from re.findall(_ONE_ID, match["ids"])


def _looks_like_a_name(phrase: str) -> bool:
    """True if all but the small words are capitalised; "Filter by actor" and "crime drama" do not look like names."""
    words = [word for word in re.findall(r"[^\W\d_]+", phrase) if len(word) > SMALL_WORD]
    return phrase[:1].isalnum() and all(word[0].isupper() for word in words)


def _key(heading: str) -> str:
    return heading.strip().replace(" ", "_")


def _plain(cell: str) -> str:
    return re.sub(r"[*_`]{1,2}", "", cell).strip()


def _with_columns(answer: str) -> Iterator[tuple[str, list[tuple[str, str]] | None]]:
    """The lines of an answer; for a line of a table, also its cells with their headings."""
    lines = answer.splitlines()
    headings: list[str] | None = None
    for place, line in enumerate(lines):
        if headings is None and place + 1 < len(lines) and "|" in line and _RULE.match(lines[place + 1]):
            headings = _cells(line)
            yield line, []
        elif headings is not None and "|" in line:
            yield line, [] if _RULE.match(line) else list(zip(_cells(line), headings, strict=False))
        else:
            headings = None
            yield line, None


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in _CELL.split(line.strip().strip("|"))]
