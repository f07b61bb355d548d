"""The catalogue's questions and answers: the one module with queries over its tables.

Takes and gives positions (``idx``) where numbers do, and the dataset's own IDs where people read them.
All statements have bound parameters only.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, or_, select

from mcp_server.cache import Bounded
from mcp_server.catalog.database import Database
from mcp_server.catalog.popularity import Popular, most_popular
from mcp_server.catalog.schema import CatalogTables
from mcp_server.catalog.vocabulary import NameMatch, Vocabulary, fold
from mcp_server.dataset.records import Id, IntArray
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.catalog.twins import Twins
from mcp_server.errors import InvalidInputError

T = TypeVar("T")

BATCH = 1_000
"""Bound parameters in one IN list; databases limit them."""

LIKED_PER_ITEM = 10
"""Rows that counting reads for an item, by guess: decides whether it is a small query or a large one."""

POPULARITY_SECONDS = 60.0
"""How long counts of interactions are kept: they scan the table, and hardly change in a minute."""

CACHED = 100_000
"""So many names and positions of items and users are kept, about 20 MB at most."""

Bounds = tuple[tuple[str, float], ...]
"""Limits of a number: pairs of gt, gte, lt, lte or eq and a value."""

_COMPARISONS: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    "eq": lambda column, value: column == value,
}


@dataclass(frozen=True)
class TermCondition:
    """Items that have names: of each of ``alternatives`` at least one, or of any of them at all."""

    alternatives: tuple[tuple[int, ...], ...]
    """For each name asked for, the numbers of the terms that it was taken for."""
    match_any: bool


@dataclass(frozen=True)
class NumberCondition:
    """Items whose field is within bounds; an item without the number is not."""

    field: str
    bounds: Bounds


Condition = TermCondition | NumberCondition


@dataclass(frozen=True)
class ItemSelection:
    """Items that conditions have selected."""

    idx: IntArray
    """(n,): positions."""
    ids: tuple[Id, ...]
    """Their IDs, in the same order."""


@dataclass(frozen=True)
class Counts:
    """Interactions by some users."""

    per_item: IntArray
    """(n_items,)"""
    n_users: int
    """How many users there are in the groups."""


@dataclass(frozen=True)
class ItemName:
    """An item as lists show it."""

    id: Id
    title: str | None


@dataclass(frozen=True)
class HistoryEntry:
    """One interaction of a user."""

    id: Id
    title: str | None
    canonical: int
    rating: float | None
    timestamp: int | None


class Catalog:
    """Queries over one dataset's tables.

    Args:
        id_ranges: For messages: what IDs look like, of "items" and "users".
    """

    def __init__(self, database: Database, spec: DatasetSpec, id_ranges: Mapping[str, str]) -> None:
        self._database = database
        self._spec = spec
        self._tables = CatalogTables(spec)
        self._id_ranges = id_ranges
        self._vocabularies: dict[str, Vocabulary] = {}
        self._popularity: Bounded[frozenset[tuple[str, str]], tuple[float, Counts]] = Bounded(256)
        # Items do not change while a catalogue is served, and users keep their positions.
        self._names: Bounded[int, ItemName] = Bounded(CACHED)
        self._item_idx: Bounded[Id, int] = Bounded(CACHED)
        self._user_idx: Bounded[Id, int] = Bounded(CACHED)
        self._matching: Bounded[tuple[Condition, ...], ItemSelection] = Bounded(256)
        self._metadata_queries: Bounded[tuple[str, ...], _MetadataQuery] = Bounded(256)
        self.n_items, self.n_users, self.twins, self.untitled, self._unrated = database.run(self._read_layout)
        self._prepare_statements()

    def _read_layout(self, connection: Connection) -> tuple[int, int, Twins, IntArray, IntArray]:
        items = self._tables.items.c
        n_items = connection.scalar(select(func.count()).select_from(self._tables.items)) or 0
        n_users = connection.scalar(select(func.count()).select_from(self._tables.users)) or 0
        canonical = np.arange(n_items, dtype=np.int64)
        for idx, first in connection.execute(select(items.idx, items.canonical).where(items.idx != items.canonical)):
            canonical[idx] = first
        untitled = connection.scalars(select(items.idx).where(self._tables.title.is_(None))).all()
        unrated = connection.scalars(select(items.idx).where(items.n_interactions == 0)).all()
        return n_items, n_users, Twins(canonical), np.array(untitled, np.int64), np.array(unrated, np.int64)

    def _prepare_statements(self) -> None:
        """Statements that are asked often are built once."""
        users, items, interactions = (self._tables.users.c, self._tables.items.c, self._tables.interactions.c)
        self._select_user_idx = select(users.idx).where(users.id == bindparam("id"))
        self._select_user = select(self._tables.users).where(users.id == bindparam("id"))
        self._select_item_idx = select(items.id, items.idx).where(items.id.in_(bindparam("ids", expanding=True)))
        self._select_names = select(items.idx, items.id, self._tables.title).where(
            items.idx.in_(bindparam("idx", expanding=True))
        )
        newest_first = (interactions.timestamp.desc(), interactions.interaction.desc())
        self._select_history = (
            select(interactions.item).where(interactions.user == bindparam("user")).order_by(*newest_first)
        )
        self._select_recent = (
            select(items.id, self._tables.title, items.canonical, interactions.rating, interactions.timestamp)
            .join(self._tables.items, items.idx == interactions.item)
            .where(interactions.user == bindparam("user"))
            .order_by(*newest_first)
        )
        self._count_history = select(func.count()).where(interactions.user == bindparam("user"))
        threshold = self._spec.interactions.like_threshold
        liked = () if threshold is None else (interactions.rating >= threshold,)
        likers = (interactions.item.in_(bindparam("idx", expanding=True)), *liked)
        self._select_likers = select(interactions.user).distinct().where(*likers)
        self._count_likers = select(func.count(interactions.user.distinct())).where(*likers)

    # What lists leave out

    def unrankable(self, history: IntArray | None) -> IntArray:
        """Items that are not to be recommended: without a title or interactions, or known from a history."""
        parts = [self.untitled, self._unrated]
        if history is not None:
            parts.append(self.twins.with_twins(history))
        return np.concatenate(parts)

    def popular(self, counts: IntArray, candidates: IntArray | None, k: int) -> Popular:
        """The popular items among some candidates (all with a title where None), by counts of interactions."""
        chosen = np.arange(self.n_items) if candidates is None else candidates
        if len(self.untitled):
            chosen = np.setdiff1d(chosen, self.untitled)
        return most_popular(counts, chosen, self.twins, k)

    # Users

    async def user_idx(self, user: Id) -> int:
        """Position of a user.

        Raises:
            InvalidInputError: There is no such user.
        """
        if user not in self._user_idx:
            found = await self._database.read(lambda c: c.scalar(self._select_user_idx, {"id": user}))
            if found is None:
                raise self._unknown_user(user)
            self._user_idx[user] = int(found)
        return self._user_idx[user]

    async def user(self, user: Id) -> dict[str, Any]:
        """All fields of a user.

        Raises:
            InvalidInputError: There is no such user.
        """
        row = await self._database.read(lambda c: c.execute(self._select_user, {"id": user}).first())
        if row is None:
            raise self._unknown_user(user)
        return dict(row._mapping)

    def _unknown_user(self, user: Id) -> InvalidInputError:
        return InvalidInputError(
            f"{self._spec.nouns.user} {user!r} is not in {self._spec.name}: {self._id_ranges['users']}"
        )

    async def history(self, user_idx: int) -> IntArray:
        """(n,): the items that a user interacted with, newest first, each once."""
        found = await self._database.read(lambda c: c.scalars(self._select_history, {"user": user_idx}).all())
        return np.fromiter(dict.fromkeys(found), dtype=np.int64)

    async def recent(self, user_idx: int, k: int) -> tuple[list[HistoryEntry], int]:
        """A user's newest k items, each named once, and the number of all interactions."""

        def query(connection: Connection) -> tuple[list[HistoryEntry], int]:
            parameters = {"user": user_idx}
            total = connection.scalar(self._count_history, parameters) or 0
            entries: dict[int, HistoryEntry] = {}
            for row in connection.execute(self._select_recent, parameters):
                entries.setdefault(row.canonical, HistoryEntry(*row))
                if len(entries) == k:
                    break
            return list(entries.values()), total

        return await self._database.read(query)

    # Items

    async def item_idx(self, items: Iterable[Id]) -> IntArray:
        """(n,): positions of items, in the order given, each once.

        Raises:
            InvalidInputError: Some of the items are not in the catalogue.
        """
        asked = list(dict.fromkeys(items))
        found = {item: self._item_idx[item] for item in asked if item in self._item_idx}
        missing = [item for item in asked if item not in found]

        def query(connection: Connection) -> None:
            for batch in _batches(missing):
                found.update((row.id, row.idx) for row in connection.execute(self._select_item_idx, {"ids": batch}))

        if missing:
            await self._run_by_size(query, len(missing))
            self._item_idx.update(found)
        unknown = [item for item in missing if item not in found]
        if unknown:
            shown = ", ".join(repr(item) for item in unknown[:5])
            more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
            nouns = self._spec.nouns
            verb = f"{nouns.item} {shown} is" if len(unknown) == 1 else f"{nouns.items} {shown}{more} are"
            raise InvalidInputError(f"{verb} not in {self._spec.name}: {self._id_ranges['items']}")
        return np.array([found[item] for item in asked], dtype=np.int64)

    async def names(self, idx: Sequence[int] | IntArray) -> list[ItemName]:
        """IDs and titles of items, in the order given."""
        asked = [int(position) for position in idx]
        found = {position: self._names[position] for position in asked if position in self._names}
        missing = [position for position in asked if position not in found]

        def query(connection: Connection) -> None:
            for batch in _batches(missing):
                rows = connection.execute(self._select_names, {"idx": batch})
                found.update((position, ItemName(identifier, title)) for position, identifier, title in rows)

        if missing:
            await self._run_by_size(query, len(missing))
            for position in missing:
                self._names[position] = found[position]
        return [found[position] for position in asked]

    async def metadata(self, idx: Sequence[int] | IntArray, fields: Sequence[str]) -> list[dict[str, Any]]:
        """The fields asked for, of each item in the order given; "id" always. Unknown is None or []."""
        key = tuple(fields)
        if key not in self._metadata_queries:
            self._metadata_queries[key] = _MetadataQuery(self._tables, self._spec, fields)
        query = self._metadata_queries[key]
        asked = [int(position) for position in idx]
        return await self._database.read(lambda connection: query.run(connection, asked))

    # Names

    async def match_names(self, field: str, names: Sequence[str]) -> list[NameMatch]:
        """Find the terms that each name means, exactly or nearly (see ``vocabulary``)."""
        spec = self._spec.item_field(field)
        aliases = {fold(alias): name for alias, name in spec.aliases.items()} if spec else {}
        asked = [aliases.get(fold(name), name) for name in names]
        terms = self._tables.terms.c
        folded = [fold(name) for name in asked]
        renamed = {after for before, after in zip(map(fold, names), folded, strict=True) if before != after}

        def query(connection: Connection) -> dict[str, list[tuple[int, str]]]:
            exact: dict[str, list[tuple[int, str]]] = {}
            for batch in _batches(folded):
                statement = select(terms.folded, terms.term, terms.name).where(
                    terms.field == field, terms.folded.in_(batch)
                )
                for key, term, name in connection.execute(statement):
                    exact.setdefault(key, []).append((term, name))
            return exact

        exact = await self._run_by_size(query, len(folded))
        matches = []
        for name, key in zip(asked, folded, strict=True):
            if found := exact.get(key):
                terms_found, names_found = zip(*found, strict=True)
                matches.append(NameMatch(list(terms_found), list(names_found), key in renamed, []))
            else:
                matches.append((await self._vocabulary(field)).nearest(name))
        return matches

    async def _vocabulary(self, field: str) -> Vocabulary:
        if field not in self._vocabularies:
            terms = self._tables.terms.c
            statement = select(terms.term, terms.name).where(terms.field == field).order_by(terms.n_items.desc())
            rows = await self._database.scan(lambda connection: connection.execute(statement).all())
            self._vocabularies[field] = Vocabulary([row.term for row in rows], [row.name for row in rows])
        return self._vocabularies[field]

    # Sets of items

    async def matching(self, conditions: Sequence[Condition]) -> ItemSelection:
        """The items for which all conditions hold, those with most interactions first."""
        key = tuple(conditions)
        if key not in self._matching:
            items = self._tables.items.c
            statement = (
                select(items.idx, items.id)
                .where(and_(*(self._clause(condition) for condition in conditions)))
                .order_by(items.n_interactions.desc(), items.idx)
            )
            rows = await self._database.read(lambda connection: connection.execute(statement).all())
            idx, ids = zip(*rows, strict=True) if rows else ((), ())
            self._matching[key] = ItemSelection(np.array(idx, dtype=np.int64), ids)
        return self._matching[key]

    def _clause(self, condition: Condition) -> ColumnElement[bool]:
        items, links = self._tables.items.c, self._tables.item_terms.c
        if isinstance(condition, NumberCondition):
            column = items[condition.field]
            return and_(*(_COMPARISONS[name](column, value) for name, value in condition.bounds))
        clauses = [
            items.idx.in_(select(links.item).where(links.term.in_(list(terms))))
            for terms in condition.alternatives
        ]
        return or_(*clauses) if condition.match_any else and_(*clauses)

    async def n_likers(self, idx: IntArray) -> int:
        """How many users like at least one of the items."""

        def query(connection: Connection) -> int:
            if len(idx) <= BATCH:
                return connection.scalar(self._count_likers, {"idx": idx.tolist()}) or 0
            likers: set[int] = set()
            for batch in _batches(idx.tolist()):
                likers.update(connection.scalars(self._select_likers, {"idx": batch}))
            return len(likers)

        return await self._run_by_size(query, LIKED_PER_ITEM * len(idx))

    async def popularity(self, groups: Mapping[str, Sequence[str]]) -> Counts:
        """Interactions of each item, by the users of some groups.

        Args:
            groups: Names by user field; a user must have one of the names in every field.
        """
        key = frozenset((field, name) for field, names in groups.items() for name in names)
        counted, counts = self._popularity.get(key, (0.0, None))
        if counts is None or time.monotonic() - counted > POPULARITY_SECONDS:
            counts = await self._database.scan(lambda connection: self._count(connection, groups))
            self._popularity[key] = (time.monotonic(), counts)
        return counts

    def _count(self, connection: Connection, groups: Mapping[str, Sequence[str]]) -> Counts:
        interactions, users = self._tables.interactions, self._tables.users
        statement = select(interactions.c.item, func.count()).group_by(interactions.c.item)
        if groups:
            members = [users.c[field].in_(list(names)) for field, names in groups.items()]
            statement = statement.join(users, users.c.idx == interactions.c.user).where(*members)
            n_users = connection.scalar(select(func.count()).select_from(users).where(*members)) or 0
        else:
            n_users = self.n_users
        per_item = np.zeros(self.n_items, dtype=np.int64)
        for item, count in connection.execute(statement):
            per_item[item] = count
        return Counts(per_item, n_users)

    def close(self) -> None:
        self._database.close()

    async def _run_by_size(self, query: Callable[[Connection], T], size: int) -> T:
        """Run a query over many keys beside the event loop, one over few here."""
        return await (self._database.scan(query) if size > BATCH else self._database.read(query))


class _MetadataQuery:
    """Reads one choice of fields; built once, asked often."""

    def __init__(self, tables: CatalogTables, spec: DatasetSpec, fields: Sequence[str]) -> None:
        items, terms, links = tables.items.c, tables.terms.c, tables.item_terms.c
        asked = bindparam("idx", expanding=True)
        self._fields = list(fields)
        self._plain = [name for name in fields if name in items]
        self._many = {field.name: field.many for field in spec.categories if field.name in fields}
        self._columns = select(items.idx, items.id, *(items[name] for name in self._plain)).where(items.idx.in_(asked))
        self._terms = (
            select(links.item, terms.field, terms.name)
            .join(tables.terms, terms.term == links.term)
            .where(links.item.in_(asked), terms.field.in_(list(self._many)))
            .order_by(links.item, links.position)
        )

    def run(self, connection: Connection, idx: list[int]) -> list[dict[str, Any]]:
        records: dict[int, dict[str, Any]] = {}
        for position, identifier, *values in connection.execute(self._columns, {"idx": idx}):
            unknown = {name: [] if many else None for name, many in self._many.items()}
            records[position] = {"id": identifier, **unknown, **dict(zip(self._plain, values, strict=True))}
        if self._many:
            for position, field, name in connection.execute(self._terms, {"idx": idx}):
                if self._many[field]:
                    records[position][field].append(name)
                else:
                    records[position][field] = name
        return [{name: records[position][name] for name in ["id", *self._fields]} for position in idx]


def _batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]
