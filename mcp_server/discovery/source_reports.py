"""Reports on the sources of a dataset: their rows, repeated IDs, and columns that nothing uses."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mcp_server.dataset.spec import DatasetSpec
from mcp_server.errors import DatasetError
from mcp_server.reading.files import PARTS, DatasetFiles, LocatedFile
from mcp_server.reading.opening import open_pieces
from mcp_server.reading.pieces import Piece
from mcp_server.reading.relations import relate
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import is_expression, parse_expression


@dataclass(frozen=True)
class SourceReport:
    """A source, or the files of it that have the same columns."""

    part: str
    """items, users or interactions."""
    name: str
    n_rows: int
    n_bytes: int
    """Bytes of its files; 0 for queries."""
    n_repeated: int
    """Rows beyond the first of an ID; 0 for interactions."""
    unused: list[str]
    """Columns that the dataset does not use."""


def report_sources(files: DatasetFiles) -> list[SourceReport]:
    """Look at all sources.

    Raises:
        DatasetError: One cannot be read.
    """
    with TemporaryDirectory(prefix="recsys-mcp-") as name:
        copies = Path(name) / "copies"
        copies.mkdir()
        with contextlib.closing(Session(Path(name), files.paths, [copies])) as session:
            session.lock()
            return list(_reports(files, session, copies))


def _reports(files: DatasetFiles, session: Session, copies: Path) -> Iterator[SourceReport]:
    number = 0
    for part in PARTS:
        for located in files.sources[part]:
            for piece in open_pieces(located, session, copies, number):
                n_rows, n_repeated = _count(piece, part, files.spec, session)
                paths = piece.paths if isinstance(located, LocatedFile) else ()
                used = _used(piece, part, files.spec)
                yield SourceReport(
                    part=part,
                    name=_short(piece, isinstance(located, LocatedFile)),
                    n_rows=n_rows,
                    n_bytes=sum(piece.shown.get(path, path).stat().st_size for path in paths),
                    n_repeated=n_repeated,
                    unused=[column for column in piece.columns if column and column not in used],
                )
            number += 1


def _short(piece: Piece, is_file: bool) -> str:
    """The name of a file without its folder, or that of a query."""
    if not is_file:
        return piece.name
    first = piece.shown.get(piece.paths[0], piece.paths[0])
    return first.name if len(piece.paths) == 1 else f"{first.name} and {len(piece.paths) - 1} more"


def _count(piece: Piece, part: str, spec: DatasetSpec, session: Session) -> tuple[int, int]:
    """The number of rows, and of those beyond the first of an ID."""
    key = {"items": spec.items.id, "users": spec.users.id}.get(part)
    if key is None:
        [n_rows] = session.row(f"SELECT count(*) FROM ({piece.scan(piece.paths, False)})", piece.name)
        return int(n_rows), 0
    relation = relate(piece, [key], session)
    if key not in relation.columns:
        return 0, 0  # reading the dataset tells what is wrong
    text = relation.columns[key].text
    n_rows, n_ids = session.row(f"SELECT count({text}), count(DISTINCT {text}) FROM {relation.of(None)}", piece.name)
    return int(n_rows), int(n_rows - n_ids)


def _used(piece: Piece, part: str, spec: DatasetSpec) -> set[str]:
    """Columns of a piece that the dataset uses, expressions included."""
    declared = spec.interactions
    names: dict[str, Iterable[str | None]] = {
        "items": [spec.items.id, *(field.column for field in spec.items.fields)],
        "users": [spec.users.id, *(field.column for field in spec.users.fields)],
        "interactions": [declared.user, declared.item, declared.rating, declared.timestamp],
    }
    used: set[str] = set()
    for name in [*names[part], piece.where]:
        if name is None or name in piece.columns:
            used |= {name} if name else set()
        elif is_expression(name):
            with contextlib.suppress(DatasetError):  # reading the dataset tells what is wrong
                used |= set(parse_expression(name, "source").columns)
        else:
            used.add(name.split(".")[0])
    return used
