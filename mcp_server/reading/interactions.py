"""Interactions: the rows of their sources, checked and joined with items and users."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcp_server.dataset.records import Interactions
from mcp_server.dataset.spec import DatasetSpec, InteractionSpec
from mcp_server.errors import DatasetError, quoted
from mcp_server.reading.bad_rows import BadRows, Check, any_bad, find_bad_rows, rejected_rows
from mcp_server.reading.feedback import check_ratings
from mcp_server.reading.interaction_steps import InteractionSteps, Plan
from mcp_server.reading.kinds import in_steps
from mcp_server.reading.missing import Missing
from mcp_server.reading.pairs import combine
from mcp_server.reading.pieces import Piece
from mcp_server.reading.positions import positioned_rows
from mcp_server.reading.relations import BROKEN, BROKEN_ROW, Relation, missing_column, relate
from mcp_server.reading.session import Session
from mcp_server.types import ShortIntArray

ROWS = "interactions_rows"

N_EXAMPLES = 3


@dataclass(frozen=True)
class InteractionReader:
    """Reads interactions. The session has the tables "items" and, where the dataset has sources of users, "users"."""

    session: Session
    spec: DatasetSpec
    missing: Missing
    bad_rows: BadRows

    def stage(self, sources: Sequence[Sequence[Piece]]) -> None:
        """Fill the table of rows.

        Raises:
            DatasetError: A column is missing, or a row cannot be used.
        """
        declared: InteractionSpec = self.spec.interactions
        self.session.run(
            f"CREATE TABLE {ROWS} (user_id {_sql_type(self.spec.users.id_type)}, "
            f"item_id {_sql_type(self.spec.items.id_type)}, value DOUBLE, time BIGINT, piece INTEGER, bad BOOLEAN)",
            "interactions",
        )
        wanted = [name for name in (declared.user, declared.item, declared.rating, declared.timestamp) if name]
        for number, piece in enumerate(piece for source in sources for piece in source):
            relation = relate(piece, wanted, self.session)
            for name in wanted:
                if name not in relation.columns:
                    raise missing_column(name, "interactions", [piece], self.session)
            self._stage_piece(relation, number)

    def _stage_piece(self, relation: Relation, number: int) -> None:
        piece, session = relation.piece, self.session
        steps = InteractionSteps(self.spec, relation, session, self.missing)
        plan = steps.quick() or steps.thorough()
        n_bad = self._insert(relation, plan, number)
        if n_bad and not plan.is_thorough:
            session.run(f"DELETE FROM {ROWS} WHERE piece = {number}", piece.name)
            plan = steps.thorough()
            n_bad = self._insert(relation, plan, number)
        n_rejected, rejected = rejected_rows(piece, session)
        [n_rows] = session.row(f"SELECT count(*) FROM {ROWS} WHERE piece = {number}", piece.name)
        self.bad_rows.add(n_rejected, rejected, n_rows + n_rejected, piece.name)
        if n_bad:
            checks = _checks(plan, relation)

            def stepwise(path: Path) -> str:
                return in_steps(relation.of(path), plan.conversions)

            self.bad_rows.add(n_bad, find_bad_rows(piece, session, stepwise, checks), n_rows, piece.name)
            session.run(f"DELETE FROM {ROWS} WHERE bad", piece.name)

    def _insert(self, relation: Relation, plan: Plan, number: int) -> int:
        """Add the rows of a piece, and count the bad ones."""
        chosen = f"{', '.join(plan.results)}, {number}, {any_bad(_checks(plan, relation))}"
        for path in relation.piece.in_order:
            rows = in_steps(relation.of(path), plan.conversions)
            self.session.run(f"INSERT INTO {ROWS} SELECT {chosen} FROM {rows}", relation.piece.name)
        [n_bad] = self.session.row(f"SELECT count(*) FROM {ROWS} WHERE bad AND piece = {number}", relation.piece.name)
        return int(n_bad)

    def index(self) -> tuple[Interactions, int, list[str]]:
        """Join the rows with items and users, and combine them to pairs.

        Returns:
            The interactions, the number of rows left out because they name an unknown item or user, and notes.

        Raises:
            DatasetError: No row names a known item and user, or the values are not what is declared.
        """
        declared = self.spec.interactions
        user, item, value, time = positioned_rows(self.session, ROWS, with_times=declared.timestamp is not None)
        known = (user >= 0) & (item >= 0)
        n_dropped = int(np.count_nonzero(~known))
        notes = self._unknown(user, item, n_dropped)
        if n_dropped:
            user, item, value = user[known], item[known], value[known]
            time = None if time is None else time[known]
        check_ratings(declared, value)
        interactions, n_repeated = combine(user, item, value, time, declared)
        self.session.run(f"DROP TABLE {ROWS}", "interactions")
        return interactions, n_dropped, [*notes, *self._repetitions(n_repeated)]

    def _unknown(self, user: ShortIntArray, item: ShortIntArray, n_dropped: int) -> list[str]:
        """A note on the rows that name unknown items or users."""
        if not n_dropped:
            return []
        nouns, parts = self.spec.nouns, []
        for positions, table, column, noun in (
            (item, "items", "item_id", nouns.item),
            (user, "users", "user_id", nouns.user),
        ):
            if n := int(np.count_nonzero(positions < 0)):
                unknown = self.session.rows(
                    f"SELECT DISTINCT {column} FROM {ROWS} WHERE {column} NOT IN (SELECT id FROM {table}) "
                    f"ORDER BY 1 LIMIT {N_EXAMPLES}",
                    "interactions",
                )
                shown = ", ".join(quoted(identifier) for (identifier,) in unknown)
                parts.append(f"{n:,} {'names' if n == 1 else 'name'} an unknown {noun} (such as {shown})")
        if n_dropped == len(user):
            raise DatasetError(
                f"none of the {n_dropped:,} {nouns.interactions} names a known {nouns.item} and {nouns.user}: "
                f"{'; '.join(parts)}. Do the {nouns.interactions} have the IDs of the column "
                f"{quoted(self.spec.items.id)} of the {nouns.items}?"
            )
        total = f"{n_dropped:,} of {len(user):,} {nouns.interactions}"
        return [f"{total} {'was' if n_dropped == 1 else 'were'} left out: {'; '.join(parts)}."]

    def _repetitions(self, n_repeated: int) -> list[str]:
        if not n_repeated:
            return []
        latest = "the latest one" if self.spec.interactions.timestamp else "the last one in the order of the rows"
        rule = {
            "ratings": f"{latest} counts",
            "counts": "the counts of a pair are added up",
            "events": "the weights of a pair are added up",
            "likes": "each pair counts once",
        }[self.spec.interactions.kind]
        nouns = self.spec.nouns
        one, verb = (nouns.interaction, "repeats") if n_repeated == 1 else (nouns.interactions, "repeat")
        return [f"{n_repeated:,} {one} {verb} a pair of {nouns.user} and {nouns.item}: {rule}."]


def _checks(plan: Plan, relation: Relation) -> list[Check]:
    if relation.piece.broken is None:
        return plan.checks
    return [Check("row", BROKEN, BROKEN_ROW, "a JSON object"), *plan.checks]


def _sql_type(id_type: str) -> str:
    return "BIGINT" if id_type == "integer" else "VARCHAR"
