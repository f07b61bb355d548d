"""Tables that may belong to a dataset: files with the same columns, or tables of a database, with profiles."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_server.discovery.profiles import Profile, profile_columns
from mcp_server.discovery.sql_names import plain_name
from mcp_server.discovery.words import words_of
from mcp_server.errors import DatasetError
from mcp_server.reading.bad_rows import rejected_rows
from mcp_server.reading.json_pieces import part_of
from mcp_server.reading.kinds import is_numeric, is_time
from mcp_server.reading.missing import Missing
from mcp_server.reading.pieces import Column, Piece
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import identifier, text_literal

MOST_ROWS = 3_000_000
"""Rows of a table that are looked at."""

MOST_COLUMNS = 300

LARGEST_BROKEN_SHARE = 0.5
"""Share of lines that are not rows, beyond which a file is no table."""


@dataclass(frozen=True)
class FileOrigin:
    """Files of a table, as a source declares them."""

    declared: Mapping[str, Any]
    """Keys and values of the source: ``file``, and what else it needs to be read."""

    @property
    def sql(self) -> str | None:
        """The file in a query; None where it needs more than its name to be read."""
        return text_literal(str(self.declared["file"])) if set(self.declared) == {"file"} else None

    @property
    def database(self) -> None:
        """Files are in no database."""

    def quote(self, name: str) -> str:
        """A name in a query."""
        return plain_name(name)

    def column(self, name: str) -> str:
        """A column in a query of this table alone."""
        return self.quote(name)


@dataclass(frozen=True)
class DatabaseOrigin:
    """A table of a database."""

    database: str
    """Name that the dataset gives to the database."""
    sql: str
    """The table in a query."""
    quote: Callable[[str], str]
    """Quotes the name of a column where that is needed."""
    keys: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Foreign keys: the table and the column that a column refers to."""
    is_view: bool = False
    """True for what shows rows of other tables."""

    def column(self, name: str) -> str:
        """A column in a query of this table alone."""
        return self.quote(name)


@dataclass(frozen=True)
class JoinedOrigin:
    """Two tables of the same place, joined."""

    database: str | None
    sql: str
    """The tables and their JOIN, as they stand in a query after FROM."""
    quote: Callable[[str], str]
    columns: Mapping[str, str]
    """SQL of each column."""
    parts: tuple[str, ...]
    """Names of the tables."""

    def column(self, name: str) -> str:
        """A column in a query of these tables."""
        return self.columns[name]


Origin = FileOrigin | DatabaseOrigin | JoinedOrigin


@dataclass(frozen=True)
class Table:
    """Records with the same columns."""

    name: str
    relation: str
    """Table of the session that holds its values as texts, NULL where they are unknown."""
    columns: Mapping[str, Profile]
    n_rows: int
    """Number of rows, those included that are not looked at."""
    origin: Origin
    parts: frozenset[str] = frozenset()
    """Columns that are parts of objects: a source can name them, and a query cannot."""
    more: tuple[Origin, ...] = ()
    """Further files of its rows."""

    @property
    def words(self) -> tuple[str, ...]:
        """Words of its name, without folders and endings."""
        return words_of(self.name.rpartition("/")[2].split(".")[0])


@dataclass
class Tables:
    """All tables that were found, and what is none."""

    session: Session
    found: list[Table] = field(default_factory=list)
    ignored: dict[str, str] = field(default_factory=dict)
    """Reasons why files or tables cannot be used, by their names."""

    def add(self, piece: Piece, name: str, origin: Origin, n_rows: int | None = None) -> None:
        """Look at the rows of a piece. A file that is no table is noted as ignored.

        Args:
            n_rows: Number of rows, if the piece does not hold all.
        """
        relation = f"table_{len(self.found)}"
        try:
            columns = dict(_columns_of(piece, self.session))
            n_read = self._load(piece, columns, relation)
            if not n_read:
                self.ignored[name] = "it has no rows"
                return
            types = {column: found.type for column, found in columns.items()}
            profiles = profile_columns(self.session, relation, types, name, n_read)
        except DatasetError as error:
            self.ignored[name] = str(error)
            return
        n_all = n_rows if n_rows is not None else self._count(piece, n_read)
        parts = frozenset(column for column in columns if column not in piece.columns)
        self.found.append(Table(name, relation, profiles, n_all, origin, parts))

    def _load(self, piece: Piece, columns: Mapping[str, Column], relation: str) -> int:
        missing = Missing.declared(None)
        chosen = [f"nullif({missing.known(column.text)}, '') AS {identifier(name)}" for name, column in columns.items()]
        is_row = f"NOT ({piece.broken[0]})" if piece.broken is not None else "true"
        self.session.run(
            f"CREATE OR REPLACE TABLE {relation} AS SELECT {', '.join(chosen)} "
            f"FROM ({piece.scan(piece.paths, False)}) WHERE {is_row} LIMIT {MOST_ROWS}",
            piece.name,
        )
        [n_read] = self.session.row(f"SELECT count(*) FROM {relation}", piece.name)
        n_broken = self.count_rejected(piece)
        if n_broken > LARGEST_BROKEN_SHARE * (n_broken + n_read):
            raise DatasetError("most of its lines are not rows of a table")
        return int(n_read)

    def count_rejected(self, piece: Piece) -> int:
        """The number of lines of a piece that are not rows."""
        scanned = piece.scan(piece.paths, False)
        if piece.broken is not None:
            statement = f"SELECT count(*) FROM ({scanned}) WHERE {piece.broken[0]}"
            return int(self.session.row(statement, piece.name)[0])
        if piece.rejects is None:
            return 0
        first = next(iter(piece.columns.values())).sql
        self.session.run(f"SELECT count({first}) FROM ({scanned})", piece.name).fetchall()
        return rejected_rows(piece, self.session)[0]

    def _count(self, piece: Piece, n_read: int) -> int:
        if n_read < MOST_ROWS:
            return n_read
        return int(self.session.row(f"SELECT count(*) FROM ({piece.scan(piece.paths, False)})", piece.name)[0])


def _columns_of(piece: Piece, session: Session) -> Iterable[tuple[str, Column]]:
    """The columns of a piece that have a name; objects are divided into their parts."""
    names = [name for name in piece.columns if name and not name.startswith("Unnamed:")]
    if len(names) > MOST_COLUMNS:
        raise DatasetError(f"it has {len(names):,} columns, and at most {MOST_COLUMNS} are looked at")
    for name in names:
        column = piece.columns[name].plain
        parts = _parts_of(piece, column, session)
        if not parts:
            yield name, column
        for part in parts:
            yield f"{name}.{part}", part_of(column, [part])


def _parts_of(piece: Piece, column: Column, session: Session) -> list[str]:
    """The keys of a column that holds objects; none for other columns, and for objects that rarely share a key."""
    if is_numeric(column.type) or is_time(column.type) or column.type.endswith("[]"):
        return []
    rows = f"(SELECT {column.text} AS v FROM ({piece.scan(piece.paths, False)}) LIMIT 2000)"
    objects = f"(SELECT v FROM {rows} WHERE starts_with(v, '{{') AND json_valid(v) AND json_type(v) = 'OBJECT')"
    [n_known, n_objects] = session.row(f"SELECT count(nullif(v, '')), (SELECT count(*) FROM {objects}) FROM {rows}",
                                       piece.name)  # fmt: skip
    if not n_objects or n_objects < n_known:
        return []
    keys = f"SELECT key, count(*) AS n FROM (SELECT unnest(json_keys(v)) AS key FROM {objects}) GROUP BY key"
    found = session.rows(f"SELECT key FROM ({keys}) WHERE n > {n_objects} / 5 ORDER BY key", piece.name)
    return [key for (key,) in found if key and "." not in key]
