"""Items and users: the rows of all their sources, joined by ID, as a table of the session.

Where several sources know a field, the first one counts. Several rows of one source with the same ID are one record:
their names in a field with ``many`` are collected, and all else must agree.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    needs_numbers,
    needs_times,
)
from mcp_server.reading.missing import Missing
from mcp_server.reading.numbers import NumberForms
from mcp_server.reading.pieces import TEXT, Piece
from mcp_server.reading.relations import BROKEN, BROKEN_ROW, Relation, missing_column, relate
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import identifier, text_literal
from mcp_server.reading.times import ISO, TimeForms
from mcp_server.types import Id


class TableRecords:
    """The records of a table of the session, as ``Records``."""

    def __init__(self, session: Session, table: str, ids: list[Id]) -> None:
        self._session, self._table, self.ids = session, table, ids

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
                raise missing_column(self.entity.id, f"{self.name}: id", [piece])
        for field in fields:
            if not any(field.column in relation.columns for relation in relations.values()):
                raise missing_column(field.column, f"{self.name}: field {field.name!r}", pieces)
        self._stage(sources, relations)
        self._join()
        ids = [identifier for (identifier,) in self.session.rows(f"SELECT id FROM {self.name} ORDER BY idx", self.name)]
        return TableRecords(self.session, self.name, ids)

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

        session.run(f"INSERT INTO {self.name}_rows SELECT {', '.join(chosen)} FROM {stepwise(None)}", piece.name)
        n_rejected, rejected = rejected_rows(piece, session, len(piece.columns))
        [n_rows] = session.row(f"SELECT count(*) FROM {self.name}_rows WHERE source = {number}", piece.name)
        self.bad_rows.add(n_rejected, rejected, n_rows + n_rejected, piece.name)
        [n_bad] = session.row(f"SELECT count(*) FROM {self.name}_rows WHERE bad", piece.name)
        if n_bad:
            self.bad_rows.add(n_bad, find_bad_rows(piece, session, stepwise, checks), n_rows, piece.name)
            session.run(f"DELETE FROM {self.name}_rows WHERE bad", piece.name)

    def _steps(self, relation: Relation) -> dict[str, Steps]:
        """The ID, under the empty name, and the fields that a piece has."""
        fields = [field for field in self.entity.fields if field.column in relation.columns]
        forms = self._forms(relation, fields)
        identified = identifier_steps(relation.columns[self.entity.id], self.entity.id_type, Names.numbered(0))
        steps = {"": identified}
        for number, field in enumerate(fields, start=1):
            column, decided = relation.columns[field.column], forms.get(field.name, Forms())
            steps[field.name] = field_steps(column, field, self.missing, decided, Names.numbered(number))
        return steps

    def _forms(self, relation: Relation, fields: Sequence[FieldSpec]) -> dict[str, Forms]:
        """What the values of text columns of numbers and dates decide together."""
        asked: list[tuple[FieldSpec, list[str]]] = []
        values = []
        for field in fields:
            column, name = relation.columns[field.column], f"v{len(asked)}"
            if column.type == TEXT and (needs_numbers(field) or needs_times(field)):
                values.append(f"{self.missing.known(column.text, of_number=True)} AS {name}")
                forms = NumberForms if needs_numbers(field) else TimeForms
                asked.append((field, forms.aggregates(name)))
        relation_of_values = f"(SELECT {', '.join(values)} FROM {relation.of(None)})"
        asked = self._unusual(asked, relation_of_values)
        if not asked:
            return {}
        aggregates = ", ".join(aggregate for _, each in asked for aggregate in each)
        row = self.session.row(f"SELECT {aggregates} FROM {relation_of_values}", relation.piece.name)
        decided, start = {}, 0
        for field, each in asked:
            found = row[start : start + len(each)]
            start += len(each)
            place = f"{relation.piece.name}: {field.column}"
            if needs_numbers(field):
                mark = field.decimal or NumberForms(*found).decimal_mark(place, whole=field.integer)
                decided[field.name] = Forms(decimal=mark)
            elif field.format is None:
                times = TimeForms.of_row(found)
                times.check(place, "format")
                decided[field.name] = Forms(unit=times.unit(place, "format"))
        return decided

    def _unusual(self, asked: list[tuple[FieldSpec, list[str]]], values: str) -> list[tuple[FieldSpec, list[str]]]:
        """Those fields of which some values are neither plain numbers nor ISO dates."""
        if not asked:
            return []
        plain = [
            f"count(v{place}) > count(TRY_CAST(v{place} AS DOUBLE))"
            if needs_numbers(field)
            else f"count(v{place}) > count(*) FILTER (regexp_matches(v{place}, {text_literal(ISO)}))"
            for place, (field, _) in enumerate(asked)
        ]
        found = self.session.row(f"SELECT {', '.join(plain)} FROM {values}", self.name)
        return [each for each, is_unusual in zip(asked, found, strict=True) if is_unusual]

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
        self.bad_rows.n += n
        self.bad_rows.examples += examples[: 5 - len(self.bad_rows.examples)]


def _once(names: str) -> str:
    """SQL for a list without repetitions, in the order in which the names come first."""
    return f"list_filter({names}, lambda name, place: list_position({names}, name) = place)"


def _type_of(field: FieldSpec) -> str:
    if field.many:
        return "VARCHAR[]"
    if field.kind == "number" and (field.integer or field.part is not None):
        return "BIGINT"
    return {"number": "DOUBLE", "boolean": "BOOLEAN"}.get(field.kind, "VARCHAR")
