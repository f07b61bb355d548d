"""Changes of TOML as a text: a table, with those below it, is added, replaced or taken out; the rest stays as it is."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError
from tomlkit.items import AbstractTable, Comment, Whitespace

from mcp_server.hosts.config_file import UnchangeableError


class TomlText:
    """A TOML document; each change gives a new text.

    Raises:
        ValueError: The text is damaged; the message begins with the line and the column.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        try:
            self._document = tomlkit.parse(text)
            self.content: dict[str, Any] = self._document.unwrap()
        except ParseError as error:
            message = str(error).removesuffix(f" at line {error.line} col {error.col}")
            raise ValueError(f"line {error.line}, column {error.col + 1}: {message}") from error

    def put(self, keys: Sequence[str], table: Mapping[str, Any]) -> str:
        """The text with this table in it. It goes where the one of this name was, else to the end.

        Raises:
            UnchangeableError: The one of this name is written inside another table's lines.
        """
        parent, name = keys
        newline = "\r\n" if "\r\n" in self._text else "\n"
        parents = tomlkit.table(is_super_table=True)
        parents.append(name, dict(table))
        rendered = tomlkit.dumps({parent: parents}).replace("\n", newline)
        if name in self.content.get(parent, {}):
            before, after = self._around(keys)
            return before + rendered + after
        if not self._text.strip():
            return self._text + rendered
        return self._text + newline * (1 if self._text.endswith("\n") else 2) + rendered

    def take(self, keys: Sequence[str]) -> str:
        """The text without a table that is in it, and without the blank line before it.

        Raises:
            UnchangeableError: It is written inside another table's lines.
        """
        before, after = self._around(keys)
        lines = before.splitlines(keepends=True)
        if lines and not lines[-1].strip():
            lines.pop()
        return "".join(lines) + after

    def _around(self, keys: Sequence[str]) -> tuple[str, str]:
        """The text before a table and the text after it, in which comments after its last line are kept."""
        parent, name = keys
        tables: Any = self._document[parent]
        trailing = _trailing(tables[name])
        del tables[name]
        rest = tomlkit.dumps(self._document)
        same = takewhile(
            lambda pair: pair[0] == pair[1], zip(self._text.splitlines(True), rest.splitlines(True), strict=False)
        )
        start = sum(len(line) for line, _ in same)
        if not self._text[start:].lstrip().startswith("["):
            raise UnchangeableError(parent)
        return rest[:start], trailing + rest[start:]


def _trailing(table: Any) -> str:
    """Comments and blank lines below a table, which tell of what comes next."""
    trailing = ""
    for _, item in reversed(table.value.body if isinstance(table, AbstractTable) else []):
        if isinstance(item, AbstractTable):
            return _trailing(item) + trailing
        if not isinstance(item, Comment | Whitespace):
            break
        trailing = item.as_string() + trailing
    return trailing
