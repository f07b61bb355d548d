"""Terms of the catalogue for names as people write them: by aliases, exact names, then the vocabulary."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, select

from mcp_server.catalog.schema import NAME_LENGTH, CatalogTables
from mcp_server.catalog.vocabulary import NameMatch, Vocabulary, fold
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.sql.cache import BoundedCache
from mcp_server.sql.database import Database
from mcp_server.sql.key_lookup import KEYS, Lookup, by_rows

Terms = list[tuple[int, str]]
"""Terms, by number and name."""

REMEMBERED = 10_000
"""Names of each field that are kept in memory."""


class NameIndex:
    """The names of all fields. An exact name is one indexed query; a field's vocabulary is read when first needed, and
    looked through beside the event loop.
    """

    def __init__(self, database: Database, tables: CatalogTables, spec: DatasetSpec) -> None:
        self._database, self._terms = database, tables.terms.c
        self._aliases = {
            field.name: {fold(alias): name for alias, name in field.aliases.items()} for field in spec.items.fields
        }
        self._exact: dict[str, Lookup[str, Terms]] = {
            field.name: Lookup(database, by_rows(self._exact_terms(field.name), _by_folded_name), REMEMBERED)
            for field in spec.items.fields
        }
        self._asked: BoundedCache[tuple[str, str], list[int]] = BoundedCache(REMEMBERED)
        self._vocabularies: dict[str, Vocabulary] = {}

    def _exact_terms(self, field: str) -> Select[Any]:
        columns = self._terms.folded, self._terms.term, self._terms.name
        return select(*columns).where(self._terms.field == field, self._terms.folded.in_(KEYS))

    async def exact(self, field: str, name: str) -> list[int]:
        """Terms that have a name, but for case, accents and punctuation."""
        folded = fold(name)
        if len(folded) > NAME_LENGTH:
            return []
        terms = self._asked.get((field, folded))
        if terms is None:  # most texts that are searched are no names, which is remembered, too
            found = await self._exact[field].find([folded])
            terms = self._asked[field, folded] = [term for term, _ in found.get(folded, [])]
        return terms

    async def match(self, field: str, names: Sequence[str]) -> list[NameMatch]:
        """The terms that each name means, exactly or nearly (see ``vocabulary``)."""
        aliases = self._aliases[field]
        meant = [aliases.get(fold(name), name) for name in names]
        exact = await self._exact[field].find({fold(name) for name in meant})
        matches = []
        for name, other in zip(names, meant, strict=True):
            if terms := exact.get(fold(other)):
                renamed = fold(name) != fold(other)
                matches.append(NameMatch([term for term, _ in terms], [found for _, found in terms], renamed, []))
            else:
                matches.append(await asyncio.to_thread((await self._vocabulary(field)).nearest, other))
        return matches

    async def beginning_with(self, field: str, typed: str) -> list[str]:
        """Names that begin with the typed text, then names with a later word that does; the most frequent first."""
        return await asyncio.to_thread((await self._vocabulary(field)).beginning_with, typed)

    async def _vocabulary(self, field: str) -> Vocabulary:
        if field not in self._vocabularies:
            statement = (
                select(self._terms.term, self._terms.name)
                .where(self._terms.field == field)
                .order_by(self._terms.n_items.desc())
            )
            rows = await self._database.scan(lambda connection: connection.execute(statement).all())
            terms, names = zip(*rows, strict=True) if rows else ((), ())
            self._vocabularies[field] = await asyncio.to_thread(Vocabulary, terms, names)
        return self._vocabularies[field]


def _by_folded_name(rows: Iterable[Any]) -> Iterable[tuple[str, Terms]]:
    found: dict[str, Terms] = {}
    for folded, term, name in rows:
        found.setdefault(folded, []).append((term, name))
    return found.items()
