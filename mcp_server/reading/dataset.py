"""A dataset, read whole: its tables in a scratch folder, its interactions in memory."""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mcp_server.dataset.records import Dataset, Records
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.errors import DatasetError
from mcp_server.reading.bad_rows import BadRows
from mcp_server.reading.entities import EntityReader, TableRecords
from mcp_server.reading.files import PARTS, DatasetFiles
from mcp_server.reading.html_text import plain_text
from mcp_server.reading.interactions import ROWS, InteractionReader
from mcp_server.reading.isolation import has_sql, open_isolated
from mcp_server.reading.missing import Missing
from mcp_server.reading.opening import open_pieces
from mcp_server.reading.pieces import Piece
from mcp_server.reading.remarks import remark_on_interactions, remark_on_names
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import parse_expression
from mcp_server.types import BoolArray, IntArray


@contextmanager
def open_dataset(
    found: DatasetFiles, advance: Callable[[str], None] = lambda step: None, scratch: Path | None = None
) -> Iterator[Dataset]:
    """Read and check all sources of a dataset. Its records can be read while it is open.

    Args:
        advance: Called with the name of each step when it begins.
        scratch: An existing folder for temporary files; by default the system's.

    Raises:
        DatasetError: A value, ID or row is not what the specification says; the text names the place.
        UnwritableError: There is no room for temporary files.
    """
    with TemporaryDirectory(prefix="recsys-mcp-", dir=scratch) as name:
        folder = Path(name)
        opened = open_isolated(found, folder, advance) if has_sql(found.spec) else read_into(folder, found, advance)
        with opened as dataset:
            yield dataset


@contextmanager
def read_into(folder: Path, found: DatasetFiles, advance: Callable[[str], None]) -> Iterator[Dataset]:
    """Read and check all sources of a dataset, in this process.

    Args:
        folder: An empty folder, for the tables.
    """
    copies = folder / "copies"
    copies.mkdir()
    with contextlib.closing(_open_session(folder, copies, found)) as session:
        yield _Reader(found, session, copies).read(advance)


def _open_session(folder: Path, copies: Path, found: DatasetFiles) -> Session:
    session = Session(folder, found.paths, [copies])
    session.add_function("plain_text", plain_text)
    session.lock()
    return session


class _Reader:
    def __init__(self, found: DatasetFiles, session: Session, copies: Path) -> None:
        self._found, self._session, self._copies = found, session, copies
        self._spec: DatasetSpec = found.spec
        self._missing = Missing.declared(found.spec.missing)

    def read(self, advance: Callable[[str], None]) -> Dataset:
        spec, session, notes = self._spec, self._session, list[str]()
        pieces = self._pieces()
        advance("items")
        items, left_out = self._entities("items", pieces["items"])
        notes += left_out
        if not len(items):
            raise DatasetError(f"dataset {spec.name} has no items")
        advance("users")
        if self._found.sources["users"]:
            users, left_out = self._entities("users", pieces["users"])
            notes += left_out
        advance("interactions")
        bad_rows = BadRows(spec.on_bad_row)
        reader = InteractionReader(session, spec, self._missing, bad_rows)
        reader.stage(pieces["interactions"])
        notes += bad_rows.note(spec.nouns.interactions)
        if not self._found.sources["users"]:
            users = self._users_of_interactions()
        interactions, n_dropped, found = reader.index()
        notes += [*found, *remark_on_interactions(interactions, spec)]
        available, unknown = self._available()
        return Dataset(
            spec,
            items,
            find_twins(items, spec.items.same_item),
            available,
            users,
            interactions,
            n_dropped,
            [*notes, *unknown],
        )

    def _pieces(self) -> dict[str, list[list[Piece]]]:
        numbers = iter(range(1_000_000))
        return {
            part: [
                open_pieces(source, self._session, self._copies, next(numbers)) for source in self._found.sources[part]
            ]
            for part in PARTS
        }

    def _entities(self, name: str, sources: Sequence[Sequence[Piece]]) -> tuple[TableRecords, list[str]]:
        entity = self._spec.items if name == "items" else self._spec.users
        bad_rows = BadRows(self._spec.on_bad_row)
        notes: list[str] = []
        records = EntityReader(self._session, name, entity, self._missing, bad_rows, notes).read(sources)
        nouns = self._spec.nouns
        left_out = bad_rows.note(nouns.items if name == "items" else nouns.users)
        return records, [*left_out, *notes, *remark_on_names(self._session, name, entity.fields)]

    def _users_of_interactions(self) -> TableRecords:
        """The users who occur in the interactions, for a dataset without sources of users."""
        session = self._session
        session.run(
            "CREATE TABLE users AS SELECT row_number() OVER (ORDER BY user_id) - 1 AS idx, user_id AS id "
            f"FROM (SELECT DISTINCT user_id FROM {ROWS})",
            "users",
        )
        return TableRecords.of_table(session, "users")

    def _available(self) -> tuple[BoolArray | None, list[str]]:
        """Which items are available, and a note on those of which it is not known."""
        spec = self._spec
        if spec.items.available is None:
            return None, []
        condition = parse_expression(spec.items.available, "items: available")
        for name in condition.columns:
            if spec.item_field(name) is None:
                fields = ", ".join(field.name for field in spec.items.fields)
                raise DatasetError(f"items: available: there is no field {name!r}; there are {fields}")
        found = self._session.run(
            f"SELECT CAST({condition.sql} AS BOOLEAN) AS available FROM items ORDER BY idx", "items: available"
        ).fetchnumpy()["available"]
        n_unknown = int(np.count_nonzero(np.ma.getmaskarray(found)))
        available: BoolArray = np.ma.filled(found, False).astype(bool)
        nouns, shown, notes = spec.nouns, spec.items.available, []
        if n_unknown:
            noun, verb = (nouns.item, "it counts") if n_unknown == 1 else (nouns.items, "they count")
            notes.append(f"It is not known of {n_unknown:,} {noun} whether {shown}: {verb} as not available.")
        if not available.any():
            notes.append(f"No {nouns.item} is available ({shown}), so none can be recommended.")
        return available, notes


def find_twins(items: Records, keys: Sequence[Sequence[str]]) -> IntArray:
    """(n_items,): for each item the first item that is the same, by any of the keys."""
    first_of = list(range(len(items)))

    def first(position: int) -> int:
        while first_of[position] != position:
            first_of[position] = first_of[first_of[position]]
            position = first_of[position]
        return position

    for key in keys:
        known: dict[str, int] = {}
        for position, values in enumerate(items.rows(key)):
            if any(value is None or value == [] for value in values):
                continue
            earlier, later = sorted((first(known.setdefault(json.dumps(values), position)), first(position)))
            first_of[later] = earlier
    return np.array([first(position) for position in range(len(items))], dtype=np.int64)
