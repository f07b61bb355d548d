"""Items and users: the rows of all their sources, joined by ID, as a table of the session.

Where several sources know a field, the first one counts. Several rows of one source with the same ID are one record:
their names in a field with ``many`` are collected, and all else must agree.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.records import Value
from mcp_server.dataset.spec import ItemSpec, UserSpec
from mcp_server.errors import DatasetError, quoted
from mcp_server.reading.bad_rows import SKIP, BadRows, Check, any_bad, find_bad_rows, rejected_rows
from mcp_server.reading.kinds import (
    Forms,
    Names,
    Steps,
    field_steps,
    identifier_steps,
    in_steps,
    is_time,
    needs_numbers,
    needs_times,
)
from mcp_server.reading.missing import Missing
from mcp_server.reading.numbers import FORMS, NumberForms
from mcp_server.reading.pieces import TEXT, Piece
from mcp_server.reading.relations import BROKEN, BROKEN_ROW, Relation, missing_column, relate
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import identifier, text_literal
from mcp_server.reading.time_forms import TimeForms, refuse_unclear
from mcp_server.types import Id


class TableRecords:
    """The records of a table of the session, as ``Records``."""

    def __init__(self, session: Session, table: str, ids: list[Id]) -> None:
        self._session, self._table, self.ids = session, table, ids

    @classmethod
    def of_table(cls, session: Session, table: str) -> "TableRecords":
        """All records of a table, which has their positions and IDs."""
        return cls(session, table, [each for (each,) in session.rows(f"SELECT id FROM {table} ORDER BY idx", table)])

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, fields: Sequence[str]) -> Iterator[tuple[Value, ...]]:
        chosen = ", ".join(map(identifier, fields)) or "NULL"
        found = self._session.rows(f"SELECT {chosen} FROM {self._table} ORDER BY idx", self._table)
        return found if fields else (() for _ in found)


@dataclass(frozen=True)
class EntityReader:
    """Reads items or users.

    Args:
        name: "items" or "users", which is also the name of the table that is made.
    """

    session: Session
    name: str
    entity: ItemSpec | UserSpec
    missing: Missing
    bad_rows: BadRows
    notes: list[str]
    """Sentences for the owner, which reading adds to."""

    def read(self, sources: Sequence[Sequence[Piece]]) -> TableRecords:
        """Make the table: idx, id and the fields, by the order of the IDs.

        Args:
            sources: The pieces of each source.

        Raises:
            DatasetError: A column is missing, or a row cannot be used.
        """
        fields = self.entity.fields
        pieces = [piece for source in sources for piece in source]
        relations = {
            id(piece): relate(piece, [self.entity.id, *(field.column for field in fields)], self.session)
            for piece in pieces
        }
        for piece in pieces:
            if self.entity.id not in relations[id(piece)].columns:
                raise missing_column(self.entity.id, f"{self.name}: id", [piece], self.session)
        for field in fields:
            if not any(field.column in relation.columns for relation in relations.values()):
                raise missing_column(field.column, f"{self.name}: field {field.name!r}", pieces, self.session)
        self._stage(sources, relations)
        self._join()
        return TableRecords.of_table(self.session, self.name)

    def _stage(self, sources: Sequence[Sequence[Piece]], relations: dict[int, Relation]) -> None:
        """Fill the table of rows: id, source, and the fields."""
        types = [f"{identifier(field.name)} {_type_of(field)}" for field in self.entity.fields]
        id_type = "BIGINT" if self.entity.id_type == "integer" else "VARCHAR"
        columns = ", ".join([f"id {id_type}", "source INTEGER", "bad BOOLEAN", *types])
        self.session.run(f"CREATE TABLE {self.name}_rows ({columns})", self.name)
        for number, source in enumerate(sources):
            for piece in source:
                self._stage_piece(relations[id(piece)], number)

    def _stage_piece(self, relation: Relation, number: int) -> None:
        piece, session = relation.piece, self.session
        made = self._steps(relation)
        named = {name: (Names.numbered(position), steps) for position, (name, steps) in enumerate(made.items())}
        checks = [Check("row", BROKEN, BROKEN_ROW, "a JSON object")] if piece.broken is not None else []
        columns = {"": self.entity.id, **{field.name: field.column for field in self.entity.fields}}
        for name, (names, steps) in named.items():
            checks.append(Check(columns[name], steps.bad, names.given, steps.expected))
        chosen = [named[""][0].value, str(number), any_bad(checks)]
        chosen += [named[field.name][0].value if field.name in named else "NULL" for field in self.entity.fields]

        def stepwise(path: Path | None) -> str:
            return in_steps(relation.of(path), list(named.values()))

        for path in piece.in_order:
            session.run(f"INSERT INTO {self.name}_rows SELECT {', '.join(chosen)} FROM {stepwise(path)}", piece.name)
        n_rejected, rejected = rejected_rows(piece, session)
        [n_rows] = session.row(f"SELECT count(*) FROM {self.name}_rows WHERE source = {number}", piece.name)
        self.bad_rows.add(n_rejected, rejected, n_rows + n_rejected, piece.name)
        [n_bad] = session.row(f"SELECT count(*) FROM {self.name}_rows WHERE bad", piece.name)
        if n_bad:
            self.bad_rows.add(n_bad, find_bad_rows(piece, session, stepwise, checks), n_rows, piece.name)
            session.run(f"DELETE FROM {self.name}_rows WHERE bad", piece.name)
        for field in self.entity.fields:
            if field.bands and field.name in named:
                self._note_outside(field, named[field.name][0], stepwise(None), piece.name)

    def _note_outside(self, field: FieldSpec, names: Names, rows: str, name: str) -> None:
        """Note numbers that are in none of the bands of a field."""
        outside = (
            f"SELECT {names.given} AS given FROM {rows} WHERE {names.middle} IS NOT NULL AND {names.value} IS NULL"
        )
        n, example = self.session.row(f"SELECT count(*), min(given) FROM ({outside})", name)
        if n:
            values = "value is" if n == 1 else "values are"
            self.notes.append(
                f"{n:,} {values} outside of all bands of {field.name}, such as {quoted(example)}, and so unknown."
            )

    def _steps(self, relation: Relation) -> dict[str, Steps]:
        """The ID, under the empty name, and the fields that a piece has."""
        fields = [field for field in self.entity.fields if field.column in relation.columns]
        forms = self._forms(relation, fields)
        names = Names.numbered(0)
        identified = identifier_steps(relation.columns[self.entity.id], self.entity.id_type, self.missing, names)
        steps = {"": identified}
        for number, field in enumerate(fields, start=1):
            column, decided = relation.columns[field.column], forms.get(field.name, Forms())
            steps[field.name] = field_steps(column, field, self.missing, decided, Names.numbered(number))
        return steps

    def _forms(self, relation: Relation, fields: Sequence[FieldSpec]) -> dict[str, Forms]:
        """The forms that the values of columns of numbers and dates have, which they decide together."""
        asked: list[tuple[FieldSpec, str, list[str]]] = []
        unusual = self._unusual_numbers(relation, fields)
        for field in fields:
            column = relation.columns[field.column]
            value = self.missing.known(column.text, of_number=True)
            if field in unusual:
                asked.append((field, value, NumberForms.aggregates(f"v{len(asked)}")))
            elif needs_times(field) and field.format is None and not is_time(column.type):
                asked.append((field, value, TimeForms.aggregates(f"v{len(asked)}")))
        if not asked:
            return {}
        aggregates = ", ".join(aggregate for _, _, each in asked for aggregate in each)
        values = ", ".join(f"{value} AS v{number}" for number, (_, value, _) in enumerate(asked))
        row = self.session.row(
            f"SELECT {aggregates} FROM (SELECT {values} FROM {relation.of(None)})", relation.piece.name
        )
        decided, start = {}, 0
        for field, value, each in asked:
            found = row[start : start + len(each)]
            start += len(each)
            decide = self._decimal if needs_numbers(field) else self._times
            decided[field.name] = decide(relation, field, value, found)
        return decided

    def _unusual_numbers(self, relation: Relation, fields: Sequence[FieldSpec]) -> list[FieldSpec]:
        """Fields of numbers with values that a cast does not take, or that may have a point between thousands. Only of
        these a closer look, which takes time, can decide anything.
        """
        texts = [field for field in fields if needs_numbers(field) and relation.columns[field.column].type == TEXT]
        if not texts:
            return []
        known = [self.missing.known(relation.columns[field.column].text, of_number=True) for field in texts]
        dotted = text_literal(FORMS["dotted"])
        differ = ", ".join(
            f"count({value}) > count(TRY_CAST({value} AS DOUBLE)) OR bool_or(regexp_matches({value}, {dotted}))"
            for value in known
        )
        found = self.session.row(f"SELECT {differ} FROM {relation.of(None)}", relation.piece.name)
        return [field for field, is_unusual in zip(texts, found, strict=True) if is_unusual]

    def _decimal(self, relation: Relation, field: FieldSpec, value: str, found: Sequence[Any]) -> Forms:
        forms, place = NumberForms(*found), f"{relation.piece.name}: {field.column}"
        if len(forms.currencies) > 1:
            self.notes.append(f"{place} has numbers in several currencies ({', '.join(forms.currencies)}), which are "
                              "compared as if they were one.")  # fmt: skip
        is_json = relation.piece.broken is not None
        return Forms(decimal=field.decimal or forms.decimal_mark(place, whole=field.integer, is_json=is_json))

    def _times(self, relation: Relation, field: FieldSpec, value: str, found: Sequence[Any]) -> Forms:
        forms, place = TimeForms.of_row(found), f"{relation.piece.name}: {field.column}"
        if forms.n_others:
            refuse_unclear(self.session, f"(SELECT {value} AS v FROM {relation.of(None)})", place, "format")
        unit = forms.unit(place, "format")
        if forms.is_of_first_year:
            raise DatasetError(
                f"{place}: if {forms.number} is in seconds since 1970, it is a time close to 1970: declare format: s "
                "if that is meant, or the form that it has"
            )
        return Forms(unit=unit)

    def _join(self) -> None:
        """Make the table of records from the table of rows."""
        rows, fields = f"{self.name}_rows", self.entity.fields
        [repeated] = self.session.row(f"SELECT count(*) > count(DISTINCT id) FROM {rows}", self.name)
        names = [identifier(field.name) for field in fields]
        if repeated:
            self._check_repetitions()
            joined = [f"first({name} ORDER BY place) FILTER ({name} IS NOT NULL) AS {name}" for name in names]
            collected = [
                f"list({name} ORDER BY rowid) FILTER ({name} IS NOT NULL) AS {name}"
                if field.many
                else f"first({name} ORDER BY rowid) FILTER ({name} IS NOT NULL) AS {name}"
                for field, name in zip(fields, names, strict=True)
            ]
            per_source = f"SELECT {', '.join(['id', 'source AS place', *collected])} FROM {rows} GROUP BY id, source"
            flat = [
                f"nullif(flatten({name}), []) AS {name}" if field.many else name
                for field, name in zip(fields, names, strict=True)
            ]
            per_source = f"SELECT {', '.join(['id', 'place', *flat])} FROM ({per_source})"
            records = f"SELECT {', '.join(['id', *joined])} FROM ({per_source}) GROUP BY id"
        else:
            records = f"SELECT {', '.join(['id', *names])} FROM {rows}"
        shown = [
            f"coalesce({_once(name)}, []) AS {name}" if field.many else name
            for field, name in zip(fields, names, strict=True)
        ]
        self.session.run(
            f"CREATE TABLE {self.name} AS SELECT row_number() OVER (ORDER BY id) - 1 AS idx, id"
            f"{''.join(', ' + each for each in shown)} FROM ({records})",
            self.name,
        )
        self.session.run(f"DROP TABLE {rows}", self.name)

    def _check_repetitions(self) -> None:
        """Refuse rows of one source that have the same ID and differ in what there can be only one of."""
        single = [field for field in self.entity.fields if not field.many]
        if not single:
            return
        rows = f"{self.name}_rows"
        differs = {field.name: f"count(DISTINCT {identifier(field.name)}) > 1" for field in single}
        repeated = f"SELECT * FROM {rows} WHERE id IN (SELECT id FROM {rows} GROUP BY id, source HAVING count(*) > 1)"
        chosen = ", ".join(
            f"{differs[field.name]}, list(DISTINCT CAST({identifier(field.name)} AS VARCHAR))[:3]" for field in single
        )
        any_differs = " OR ".join(differs.values())
        statement = f"SELECT id, count(*), {chosen} FROM ({repeated}) GROUP BY id, source HAVING {any_differs}"
        examples, n = [], 0
        for found_id, n_rows, *values in self.session.rows(f"{statement} ORDER BY id", self.name):
            n += 1
            position = next(place for place in range(len(single)) if values[2 * place])
            field, found = single[position], values[2 * position + 1]
            hint = "; declare many: true to keep all names" if field.kind == "category" else ""
            examples.append(
                f"{self.name}: {n_rows} rows have the {self.entity.id} {quoted(found_id)} and differ in {field.column} "
                f"({', '.join(quoted(value) for value in sorted(map(str, found)))}){hint}"
            )
            if len(examples) > 5:
                examples.pop()
        if n and self.bad_rows.policy == "fail":
            more = f" ({n:,} such IDs in all)" if n > len(examples) else ""
            raise DatasetError(f"{'; '.join(examples)}{more}. Mend the rows, {SKIP}: the first one then counts")
        if n:
            ids = f"{n:,} {'ID' if n == 1 else 'IDs'} of {self.name}"
            self.notes.append(f"Rows of {ids} differ; the first one of each counts, such as: {'; '.join(examples)}.")


def _once(names: str) -> str:
    """SQL for a list without repetitions, in the order in which the names come first."""
    return f"list_filter({names}, lambda name, place: list_position({names}, name) = place)"


def _type_of(field: FieldSpec) -> str:
    if field.many:
        return "VARCHAR[]"
    if field.kind == "number" and (field.integer or field.part is not None):
        return "BIGINT"
    return {"number": "DOUBLE", "boolean": "BOOLEAN"}.get(field.kind, "VARCHAR")
