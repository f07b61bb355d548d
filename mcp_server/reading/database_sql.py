"""Queries that a dataset has run in a database of the user: one SELECT each, without comments.

The connection allows reading only, and the account decides which tables. What both leave open is refused here: writing
results into files of the server, and functions that read its files, reach other servers, or run a text as SQL, in
which anything could hide.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from mcp_server.errors import DatasetError, quoted

Dialect = Literal["mysql", "postgresql", "sqlite"]

REFUSED_FUNCTIONS = re.compile(
    r"load_file|load_extension|get_lock|release_lock|release_all_locks|sys_eval|sys_exec|sys_get|sys_set"
    r"|pg_(?!typeof$|size_pretty$|column_size$).*|lo_.*|dblink.*|set_config|ts_stat|ts_rewrite|crosstab.*|connectby.*"
    r"|xpath_table|(?:query|table|cursor|schema|database)_to_xml.*",
    re.IGNORECASE,
)
"""Names of functions, whole."""

LOCKS = frozenset({("for", "update"), ("for", "share"), ("for", "no"), ("for", "key"), ("lock", "in")})
"""Pairs of words that begin a clause by which a SELECT locks rows."""

_MYSQL = r"""
    (?P<refused>/\*M?!)
  | (?P<comment>/\*.*?\*/ | --(?=\s|\Z)[^\n]* | \#[^\n]*)
  | (?P<text>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*")
  | (?P<name>`(?:[^`]|``)*`)
"""

_POSTGRESQL = r"""
    (?P<refused>[uU]&")
  | (?P<comment>--[^\n]*)
  | (?P<text>[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
  | (?P<name>"(?:[^"]|"")*")
"""

_OTHERS = r"""
  | (?P<word>[^\W\d][\w$]*)
  | (?P<space>\s+)
  | (?P<number>\d[\w.]*)
  | (?P<unended>['"`] | /\*)
  | (?P<sign>.)
"""

_TOKENS: dict[Dialect, re.Pattern[str]] = {
    "mysql": re.compile(_MYSQL + _OTHERS, re.VERBOSE | re.DOTALL),
    "postgresql": re.compile(_POSTGRESQL + _OTHERS, re.VERBOSE | re.DOTALL),
}

_COMMENT_MARK = re.compile(r"/\*|\*/")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def check_query(query: str, dialect: Dialect, where: str) -> str:
    """Check a query, as far as the connection does not.

    Args:
        where: The query, for messages.

    Returns:
        The query without comments.

    Raises:
        DatasetError: It is not one SELECT, or does more than read tables.
    """
    if "\0" in query:
        raise DatasetError(f"{where}: an SQL query cannot have a NUL character")
    if dialect == "sqlite":  # which has no files of a server, and asks us about each thing that a query does
        return query
    tokens = [token for token in _tokens(query, dialect, where) if token.kind != "space"]
    while tokens and tokens[-1].text == ";":
        tokens.pop()
    _check_is_select(tokens, where)
    _check_words(tokens, where)
    return "".join(token.text for token in _tokens(query, dialect, where)).lstrip().rstrip("; \t\r\n")


def _check_is_select(tokens: Sequence[_Token], where: str) -> None:
    first = next((token for token in tokens if token.text != "("), None)
    if first is None or first.kind != "word" or first.text.lower() not in ("select", "with"):
        raise DatasetError(f"{where}: a query begins with SELECT or WITH; it may only read")
    if any(token.text == ";" for token in tokens):
        raise DatasetError(f"{where}: one statement was expected, and there is a ; within it")


def _check_words(tokens: Sequence[_Token], where: str) -> None:
    following = [*tokens[1:], _Token("end", "")]
    for token, after in zip(tokens, following, strict=True):
        word = token.text.strip('`"').lower()
        if token.kind == "word" and (word == "into" or (word, after.text.lower()) in LOCKS):
            raise DatasetError(f"{where}: {token.text.upper()} {after.text} cannot be used; a query may only read")
        if token.kind in ("word", "name") and after.text == "(" and REFUSED_FUNCTIONS.fullmatch(word):
            raise DatasetError(f"{where}: the function {quoted(word)} cannot be used; a query may only read tables")


def _tokens(query: str, dialect: Dialect, where: str) -> Iterator[_Token]:
    """The parts of a query; a comment is a space."""
    position, pattern = 0, _TOKENS[dialect]
    while position < len(query):
        if dialect == "postgresql" and query.startswith("/*", position):
            position = _end_of_nested_comment(query, position, where)
            yield _Token("space", " ")
            continue
        found = pattern.match(query, position)
        assert found is not None  # any character is a sign
        kind = found.lastgroup if found.lastgroup != "tag" else "text"
        if kind == "refused":
            raise DatasetError(f"{where}: {found[0]} cannot be used; a query may only read tables")
        if kind == "unended":
            raise DatasetError(f"{where}: there is no end to the quotation or comment that begins with {found[0]}")
        position = found.end()
        yield _Token("space", " ") if kind == "comment" else _Token(str(kind), found[0])


def _end_of_nested_comment(query: str, begin: int, where: str) -> int:
    depth = 0
    for mark in _COMMENT_MARK.finditer(query, begin):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    raise DatasetError(f"{where}: there is no end to the quotation or comment that begins with /*")
