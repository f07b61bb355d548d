"""A dataset in memory: typed items and users, interactions as arrays, and the items that are the same.

Everything behind this module names items and users by their position (``idx``): 0 to n-1 in the order of their IDs.
The dataset's own IDs are for people and assistants.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.ids import LARGEST_INTEGER, LONGEST_ID
from mcp_server.dataset.readers import LocatedFile, Row, digest_files, locate_sources, read_rows
from mcp_server.dataset.spec import DatasetSpec, ItemSpec, UserSpec, load_spec
from mcp_server.errors import MOST_CHARACTERS, DatasetError, quoted
from mcp_server.types import BoolArray, DoubleArray, Id, IntArray
from recsys_shared.plain_text import cut

LATEST_TIMESTAMP = 60_000_000_000
"""Latest time, in seconds since 1970: the year 3871. Milliseconds of our time are beyond it."""

NO_TIME = np.iinfo(np.int64).min
"""Stands for the time of an interaction that has none."""

Value = str | float | int | bool | list[str] | None


class Records(Protocol):
    """Items or users, in the order of their positions."""

    ids: list[Id]
    """IDs, which rise."""

    def __len__(self) -> int: ...

    def rows(self, fields: Sequence[str]) -> Iterator[tuple[Value, ...]]:
        """The values of some fields, record by record. Unknown ones are None, or [] where there may be many."""


@dataclass(frozen=True)
class Interactions:
    """What users have done with items: each pair of user and item once, its interactions combined.

    Pairs are in the order of the sources, by the last interaction of each. All arrays: (n_pairs,).
    """

    user: IntArray
    """User positions."""
    item: IntArray
    """Item positions."""
    value: DoubleArray | None
    """The latest rating, the sum of the counts, or the sum of the weights of the events; None for likes."""
    n_events: IntArray | None
    """For events, the number of those with a weight above 0; None for other feedback."""
    timestamp: IntArray | None
    """The latest time, in seconds since 1970; NO_TIME where it is not known. None where the dataset has no times."""
    liked: BoolArray
    """True where the user likes the item."""

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True)
class Dataset:
    """All records of a dataset."""

    spec: DatasetSpec
    items: Records
    canonical: IntArray
    """(n_items,): position of the first item that is the same as this one; its own where it has no twin."""
    available: BoolArray | None
    """(n_items,): False for items that are not to be recommended; None where all are available."""
    users: Records
    interactions: Interactions
    n_dropped: int
    """Interactions left out because they name an unknown item or user."""
    notes: list[str]
    """Sentences for the owner about what was left out or read in a way that may surprise."""


@dataclass(frozen=True)
class DatasetFiles:
    """A specification with its files found and fingerprinted, before anything is parsed."""

    spec: DatasetSpec
    files: dict[str, list[LocatedFile]] = field(repr=False)
    fingerprint: str
    """SHA-256 of the specification and of all files."""

    @classmethod
    def find(cls, spec_path: Path, data_folder: Path | None) -> "DatasetFiles":
        """Read a specification and find its files.

        Raises:
            DatasetError: The specification is wrong, or a file is missing.
        """
        spec = load_spec(spec_path)
        files = locate_sources(spec, spec_path.parent, data_folder)
        digest = hashlib.sha256(spec.model_dump_json(exclude={"model"}).encode())
        for part in files.values():
            digest.update(digest_files(part).encode())
        return cls(spec, files, digest.hexdigest())


def read_dataset(found: DatasetFiles, advance: Callable[[str], None] = lambda step: None) -> Dataset:
    """Parse and check all files.

    Args:
        advance: Called with the name of each step when it begins.

    Raises:
        DatasetError: A value, ID or line is not what the specification says; the text names the place.
    """
    spec = found.spec
    advance("items")
    items = _read_entities(found.files["items"], spec.items, spec)
    if not items:
        raise DatasetError(f"dataset {spec.name} has no items")
    item_ids = sorted(items)
    advance("users")
    users = _read_entities(found.files["users"], spec.users, spec)
    advance("interactions")
    raw = _read_interactions(found)
    if not found.files["users"]:
        users = {row[0]: {} for row in raw}
    user_ids = sorted(users)
    item_records = [items[identifier] for identifier in item_ids]
    interactions, n_dropped = _index_interactions(raw, user_ids, item_ids, spec)
    return Dataset(
        spec,
        _ListedRecords(item_ids, item_records),
        _find_twins(item_records, spec.items.same_item),
        None,
        _ListedRecords(user_ids, [users[identifier] for identifier in user_ids]),
        interactions,
        n_dropped,
        [],
    )


class _ListedRecords:
    def __init__(self, ids: list[Id], records: list[dict[str, Value]]) -> None:
        self.ids, self._records = ids, records

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, fields: Sequence[str]) -> Iterator[tuple[Value, ...]]:
        return (tuple(record[field] for field in fields) for record in self._records)


def _read_entities(
    files: Iterable[LocatedFile], entity: ItemSpec | UserSpec, spec: DatasetSpec
) -> dict[Any, dict[str, Value]]:
    """Records by ID, joined over the files. Where two files know a field, the first one counts."""
    missing = frozenset(spec.missing or [""])
    raw: dict[Any, dict[str, object]] = {}
    for file in files:
        for number, row in read_rows(file):
            identifier = _identifier(row, entity.id, entity.id_type, file, number)
            known = raw.setdefault(identifier, {})
            for column, value in row.items():
                if known.get(column) is None and not _is_missing(value, missing):
                    known[column] = value
    records = {}
    for identifier, row in raw.items():
        try:
            records[identifier] = {f.name: convert_value(row.get(f.column), f, missing) for f in entity.fields}
        except ValueError as error:
            raise DatasetError(f"{spec.name}, {entity.id} {identifier}: {error}") from error
    return records


def _identifier(row: Row, column: str, id_type: str, file: LocatedFile, number: int) -> Id:
    value = row.get(column)
    if value is None or value == "":
        raise DatasetError(f"{file.path}, line {number}: there is no {column}")
    text = str(value)
    if id_type == "string":
        if len(text) > LONGEST_ID:
            raise DatasetError(
                f"{file.path}, line {number}: {column} has {len(text):,} characters; IDs have at most {LONGEST_ID}"
            )
        return text
    try:
        identifier = int(text)
    except ValueError:
        raise DatasetError(f"{file.path}, line {number}: {column} {quoted(value)} is not a whole number") from None
    if not -LARGEST_INTEGER - 1 <= identifier <= LARGEST_INTEGER:
        raise DatasetError(f"{file.path}, line {number}: {column} {quoted(value)} has more than 64 bits")
    return identifier


def _is_missing(value: object, missing: frozenset[str]) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in missing)


def convert_value(value: object, spec: FieldSpec, missing: frozenset[str]) -> Value:
    """The typed value of a field; None or an empty list where it is unknown.

    Raises:
        ValueError: The value is not of the field's kind.
    """
    if spec.many:
        if value is None:
            return []
        parts = value if isinstance(value, list) else str(value).split(spec.separator or ",")
        names = [str(part).strip() for part in parts if part is not None]
        names = [spec.values.get(name, name) for name in names if name and name not in missing]
        return list(dict.fromkeys(names))
    if _is_missing(value, missing):
        return None
    if spec.bands:
        number = _number(value, spec)
        return next((name for name, (low, high) in spec.bands.items() if low <= number <= high), None)
    if spec.kind == "number":
        if spec.part is not None:
            return _date_part(str(value), spec.part)
        number = _number(value, spec)
        if spec.integer:
            if number != int(number) or abs(number) >= LARGEST_INTEGER:
                raise ValueError(f"field {spec.name}: {quoted(value)} is not a whole number of at most 64 bits")
            return int(number)
        return number
    text = str(value).strip()
    return spec.values.get(text, text)


def _number(value: object, spec: FieldSpec) -> float:
    try:
        number = float(str(value))
    except ValueError:
        raise ValueError(f"field {spec.name}: {quoted(value)} is not a number") from None
    if not np.isfinite(number):
        raise ValueError(f"field {spec.name}: {quoted(value)} is not a finite number")
    return number


def _date_part(date: str, part: str) -> int | None:
    """Year or month of an ISO date; None where the date is not that precise."""
    pieces = date.split("-")
    position = 0 if part == "year" else 1
    if len(pieces) <= position:
        return None
    if not pieces[position].isdigit() or (part == "month" and not 1 <= int(pieces[position]) <= 12):
        raise ValueError(f"{quoted(date)} is not a date like 1995, 1995-11 or 1995-11-22")
    return int(pieces[position])


def _find_twins(items: Sequence[dict[str, Value]], keys: Sequence[Sequence[str]]) -> IntArray:
    """(n_items,): for each item the first item that is the same, by any of the keys."""
    canonical = np.arange(len(items), dtype=np.int64)
    for key in keys:
        first: dict[str, int] = {}
        for position, item in enumerate(items):
            values = [item[name] for name in key]
            if any(value is None or value == [] for value in values):
                continue
            other = first.setdefault(json.dumps(values), position)
            a, b = sorted((int(canonical[other]), int(canonical[position])))
            if a != b:
                canonical[canonical == b] = a
    return canonical


def _read_interactions(found: DatasetFiles) -> list[tuple[Any, Any, float, int]]:
    spec = found.spec
    columns = spec.interactions
    rows = []
    for file in found.files["interactions"]:
        for number, row in read_rows(file):
            user = _identifier(row, columns.user, spec.users.id_type, file, number)
            item = _identifier(row, columns.item, spec.items.id_type, file, number)
            try:
                rating = _rating(row[columns.rating], columns.rating_range) if columns.rating else 1.0
                timestamp = _timestamp(row[columns.timestamp]) if columns.timestamp else 0
            except (KeyError, ValueError, OverflowError) as error:
                raise DatasetError(
                    f"{file.path}, line {number}: rating or timestamp: {cut(str(error), MOST_CHARACTERS)}"
                ) from None
            rows.append((user, item, rating, timestamp))
    if not rows:
        raise DatasetError(f"dataset {spec.name} has no {spec.nouns.interactions}")
    return rows


def _rating(value: object, allowed: tuple[float, float] | None) -> float:
    rating = float(str(value))
    low, high = allowed or (-np.inf, np.inf)
    if not np.isfinite(rating) or not low <= rating <= high:
        raise ValueError(f"{quoted(value)} is not {'a number' if allowed is None else f'from {low:g} to {high:g}'}")
    return rating


def _timestamp(value: object) -> int:
    seconds = int(float(str(value)))
    if abs(seconds) > LATEST_TIMESTAMP:
        raise ValueError(f"{quoted(value)} is not a number of seconds since 1970; are these milliseconds?")
    return seconds


def _index_interactions(
    raw: list[tuple[Any, Any, float, int]], user_ids: list[Any], item_ids: list[Any], spec: DatasetSpec
) -> tuple[Interactions, int]:
    user_idx = {identifier: position for position, identifier in enumerate(user_ids)}
    item_idx = {identifier: position for position, identifier in enumerate(item_ids)}
    known = [
        (user_idx[user], time, number, item_idx[item], rating)
        for number, (user, item, rating, time) in enumerate(raw)
        if user in user_idx and item in item_idx
    ]
    pairs = {(row[0], row[3]): row for row in sorted(known)}
    rows = sorted(pairs.values(), key=lambda row: row[2])
    threshold = spec.interactions.like_threshold
    interactions = Interactions(
        user=np.array([row[0] for row in rows], dtype=np.int64),
        item=np.array([row[3] for row in rows], dtype=np.int64),
        value=np.array([row[4] for row in rows], dtype=np.float64) if spec.interactions.rating else None,
        n_events=None,
        timestamp=np.array([row[1] for row in rows], dtype=np.int64) if spec.interactions.timestamp else None,
        liked=np.array([threshold is None or row[4] >= threshold for row in rows], dtype=bool),
    )
    return interactions, len(raw) - len(known)
