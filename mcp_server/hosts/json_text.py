"""Changes of JSON as a text: everything that is not changed stays as its writer left it.

Order, indentation, line ends and, where a host allows them, comments and trailing commas are kept. Python's own parser
reads strings and numbers; the positions of objects, lists and their members are found here.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from mcp_server.hosts.config_file import UnchangeableError

Key = str | int
"""Key of a member of an object, or index of an item in a list."""

SPACE = " \t\r\n"


@dataclass(frozen=True)
class _Value:
    """A value and its position: ``text[start:end]``."""

    start: int
    end: int
    content: Any


@dataclass(frozen=True)
class _Member:
    """A member of an object, or an item of a list, and the comma after it."""

    key: Key
    start: int
    value: _Value
    comma: int | None


class JsonText:
    """A JSON document; each change gives a new text. A blank text counts as an empty document.

    Args:
        comments: Whether comments and trailing commas are allowed.

    Raises:
        json.JSONDecodeError: The text is damaged; the error says in which line and column.
    """

    def __init__(self, text: str, *, comments: bool = False) -> None:
        self._text = text
        self._reader = _Reader(text, comments)
        self._root = self._reader.document()
        self._newline = "\r\n" if "\r\n" in text else "\n"
        indented = re.search(r'\n([ \t]+)["\[{]', text)
        self._unit = indented[1] if indented else "  "
        self._one_line = self._root is not None and bool(self._root.content) and "\n" not in text.strip()

    @property
    def content(self) -> Any:
        return {} if self._root is None else self._root.content

    def put(self, keys: Sequence[str], value: Any) -> str:
        """The text with a member of nested objects set; missing objects are made.

        Raises:
            UnchangeableError: One of them is not an object.
        """
        if self._root is None:
            return self._render(_nested(keys, value), "") + self._newline
        place = self._root
        for depth, key in enumerate(keys):
            if not isinstance(place.content, Mapping):
                raise UnchangeableError(keys[0])
            member = self._find(place, key)
            if member is None:
                return self._insert(place, key, _nested(keys[depth + 1 :], value))
            place = member.value
        return self._text[: place.start] + self._render(value, self._indentation(place.start)) + self._text[place.end :]

    def append(self, keys: Sequence[str], item: Any) -> str:
        """The text with an item added to the end of a list; a missing list is made.

        Raises:
            UnchangeableError: It is not a list.
        """
        place = self._at(keys)
        if place is None:
            return self.put(keys, [item])
        if not isinstance(place.content, list):
            raise UnchangeableError(keys[0])
        return self._insert(place, None, item)

    def take(self, keys: Sequence[Key]) -> str:
        """The text without a member or an item that is in it, and without its comma."""
        container = self._at(keys[:-1])
        assert container is not None
        members = self._reader.members(container)
        index = max(number for number, each in enumerate(members) if each.key == keys[-1])
        text, member = self._text, members[index]
        # Only a comment can stand between the value and its comma; it stays.
        end = member.value.end if member.comma is None else member.comma + 1
        kept = "" if member.comma is None else text[member.value.end : member.comma].rstrip(SPACE)
        before = len(text[: member.start].rstrip(SPACE))
        if len(members) == 1 and not (text[container.start + 1 : before] + text[end : container.end - 1]).strip():
            return text[: container.start + 1] + text[container.end - 1 :]
        if member.comma is None and index:  # the last one: the comma before it is removed
            comma = members[index - 1].comma
            assert comma is not None
            return text[:comma] + text[comma + 1 : before] + text[end:]
        rest = text[end:].lstrip(" \t")
        if member is members[-1] or rest[:1] in ("\r", "\n"):
            return text[:before] + kept + text[end:]
        return text[: member.start] + kept + rest  # others follow on the same line

    def _at(self, keys: Sequence[Key]) -> _Value | None:
        place = self._root
        for key in keys:
            member = None if place is None else self._find(place, key)
            place = None if member is None else member.value
        return place

    def _find(self, container: _Value, key: Key) -> _Member | None:
        """The member of this key; the last of several, as for every parser."""
        return next((member for member in reversed(self._reader.members(container)) if member.key == key), None)

    def _insert(self, container: _Value, key: str | None, value: Any) -> str:
        """The text with a new last member, written in the way of the others."""
        text, close, members = self._text, container.end - 1, self._reader.members(container)
        named = "" if key is None else f"{json.dumps(key, ensure_ascii=False)}: "
        if not members:
            at = len(text[:close].rstrip(SPACE))
            if self._one_line:
                return text[:at] + named + self._render(value, "") + text[close:]
            outer = self._indentation(container.start)
            inner = outer + self._unit
            line = f"{self._newline}{inner}{named}{self._render(value, inner)}"
            return text[:at] + line + self._newline + outer + text[close:]
        first, last = members[0], members[-1]
        after = last.value.end if last.comma is None else last.comma + 1
        at = len(text[:close].rstrip(SPACE))  # behind comments that follow the last member
        if "\n" in text[container.start : first.start] or "\n" in text[after:close]:
            indentation = self._indentation(first.start)
            line = f"{self._newline}{indentation}{named}{self._render(value, indentation)}"
        else:
            line = f" {named}{self._render(value, '')}"
        if last.comma is None:
            return text[: last.value.end] + "," + text[last.value.end : at] + line + text[at:]
        return text[:at] + line + "," + text[at:]

    def _render(self, value: Any, indentation: str) -> str:
        if self._one_line:
            return json.dumps(value, ensure_ascii=False)
        lines = json.dumps(value, ensure_ascii=False, indent=self._unit).split("\n")
        return f"{self._newline}{indentation}".join(lines)

    def _indentation(self, position: int) -> str:
        """The indentation of the line around a position."""
        line = self._text[self._text.rfind("\n", 0, position) + 1 : position]
        return line[: len(line) - len(line.lstrip(" \t"))]


def _nested(keys: Sequence[str], value: Any) -> Any:
    for key in reversed(keys):
        value = {key: value}
    return value


class _Reader:
    """Reads a document, and finds the positions of members when they are asked for."""

    def __init__(self, text: str, comments: bool) -> None:
        self._text, self._comments = text, comments
        self._python = json.JSONDecoder(parse_constant=self._no_constant)
        self._plain = not comments
        """True if whole values are left to Python's parser, which is much faster: some hosts' files have megabytes."""
        space = r"(?:[ \t\r\n]|//[^\r\n]*|/\*.*?\*/)*" if comments else r"[ \t\r\n]*"
        self._space = re.compile(space, re.DOTALL)

    def document(self) -> _Value | None:
        start = self._skip(0)
        if start == len(self._text):
            return None
        try:
            value = self._value(start)
        except json.JSONDecodeError:  # read again for a better message
            self._plain = False
            value = self._value(start)
        rest = self._skip(value.end)
        if rest != len(self._text):
            self._fail("nothing was expected after the end", rest)
        return value

    def members(self, container: _Value) -> list[_Member]:
        """The members of an object or a list; other values have none."""
        if isinstance(container.content, dict | list):
            return self._members(container.start, "}" if isinstance(container.content, dict) else "]")[0]
        return []

    def _value(self, start: int) -> _Value:
        close = {"{": "}", "[": "]"}.get(self._text[start : start + 1])
        if close is None or self._plain:
            content, end = self._python.raw_decode(self._text, start)
            return _Value(start, end, content)
        members, end = self._members(start, close)
        if close == "}":
            return _Value(start, end, {member.key: member.value.content for member in members})
        return _Value(start, end, [member.value.content for member in members])

    def _members(self, start: int, close: str) -> tuple[list[_Member], int]:
        """The members, and the end of their container."""
        found: list[_Member] = []
        at = self._skip(start + 1)
        while self._text[at : at + 1] != close:
            if found and found[-1].comma is None:
                self._fail(f"a comma or {close} was expected", at)
            key: Key = len(found)
            value_start = at
            if close == "}":
                if self._text[at : at + 1] != '"':
                    self._fail("a name in double quotes was expected", at)
                key, end = self._python.raw_decode(self._text, at)
                colon = self._skip(end)
                if self._text[colon : colon + 1] != ":":
                    self._fail("a colon was expected", colon)
                value_start = self._skip(colon + 1)
            value = self._value(value_start)
            after = self._skip(value.end)
            comma = after if self._text[after : after + 1] == "," else None
            found.append(_Member(key, at, value, comma))
            at = after if comma is None else self._skip(after + 1)
        if found and found[-1].comma is not None and not self._comments:
            self._fail("a comma before the end is not allowed here", found[-1].comma)
        return found, at + 1

    def _skip(self, at: int) -> int:
        """The position after white space and, where they are allowed, comments."""
        space = self._space.match(self._text, at)
        assert space is not None
        if self._text[space.end() : space.end() + 2] in ("//", "/*"):
            what = "this comment has no end" if self._comments else "comments are not allowed here"
            self._fail(what, space.end())
        return space.end()

    def _no_constant(self, name: str) -> NoReturn:
        raise json.JSONDecodeError(f"{name} is not JSON", self._text, self._text.find(name))

    def _fail(self, message: str, at: int) -> NoReturn:
        raise json.JSONDecodeError(message, self._text, at)
