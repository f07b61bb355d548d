"""Changes of TOML as a text: a table, with those below it, is added, replaced or taken out; the rest stays as it is."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class InlineTableError(Exception):
    """What is to be changed is not written as a table of its own."""


class TomlText:
    """A TOML document; each change gives a new text.

    Raises:
        tomllib.TOMLDecodeError: It is damaged; says in which line and column.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.content: dict[str, Any] = tomllib.loads(text.replace("\r\n", "\n"))
        self._newline = "\r\n" if "\r\n" in text else "\n"

    def put(self, keys: Sequence[str], table: Mapping[str, Any]) -> str:
        """Set a table; a new one goes to the end.

        Raises:
            InlineTableError: It is there, inside another table's lines.
        """
        rendered = _render(keys, table).replace("\n", self._newline)
        lines = self._text.splitlines(keepends=True)
        if not _has(self.content, keys):
            end = "" if not lines or lines[-1].endswith("\n") else self._newline
            gap = self._newline if self._text.strip() else ""
            return self._text + end + gap + rendered
        first = self._spans(lines, keys)[0][0]
        return "".join([*self._without(lines, keys, first), rendered, *self._without(lines, keys, first, after=True)])

    def take(self, keys: Sequence[str]) -> str:
        """Take out a table that is there, with the blank line before it.

        Raises:
            InlineTableError: As for ``put``.
        """
        lines = self._text.splitlines(keepends=True)
        first = self._spans(lines, keys)[0][0]
        before = self._without(lines, keys, first)
        if before and not before[-1].strip():
            before.pop()
        return "".join([*before, *self._without(lines, keys, first, after=True)])

    def _without(self, lines: Sequence[str], keys: Sequence[str], first: int, *, after: bool = False) -> list[str]:
        """The lines of other tables, before or after a line."""
        ours = {line for start, end in self._spans(lines, keys) for line in range(start, end)}
        chosen = range(first, len(lines)) if after else range(first)
        return [lines[number] for number in chosen if number not in ours]

    def _spans(self, lines: Sequence[str], keys: Sequence[str]) -> list[tuple[int, int]]:
        """The lines of the table and of those below it: from a header to the last line before other things."""
        headers = [(number, path) for number, line in enumerate(lines) if (path := _header(line)) is not None]
        spans: list[tuple[int, int]] = []
        open_span = None
        for number, path in [*headers, (len(lines), ())]:
            if path[: len(keys)] == tuple(keys):
                open_span = number if open_span is None else open_span
            elif open_span is not None:
                while not lines[number - 1].strip() or lines[number - 1].lstrip().startswith("#"):  # of what follows
                    number -= 1
                spans.append((open_span, number))
                open_span = None
        if not spans:
            raise InlineTableError
        return spans


def _has(content: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(content, Mapping) or key not in content:
            return False
        content = content[key]
    return True


def _header(line: str) -> tuple[str, ...] | None:
    """The path of the table that a line begins."""
    if not line.lstrip().startswith("["):
        return None
    try:
        content: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None
    path = []
    while isinstance(content, dict) and content:
        (key, content), *_ = content.items()
        path.append(key)
    return tuple(path)


def _render(keys: Sequence[str], table: Mapping[str, Any]) -> str:
    """A table, and below it the tables in it. JSON's strings and lists of strings are TOML's."""
    header = ".".join(_key(key) for key in keys)
    lines = [f"[{header}]"]
    lines += [f"{_key(name)} = {_value(value)}" for name, value in table.items() if not isinstance(value, Mapping)]
    text = "\n".join(lines) + "\n"
    for name, value in table.items():
        if isinstance(value, Mapping):
            text += "\n" + _render([*keys, name], value)
    return text


def _key(key: str) -> str:
    return key if BARE_KEY.fullmatch(key) else _value(key)


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
