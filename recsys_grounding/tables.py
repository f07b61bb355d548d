"""Tables of an answer as text: each row as an entry of a list."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from recsys_grounding.evidence import Evidence
from recsys_grounding.words import bare, pattern, word
from recsys_shared.names import NAME_KEYS

Rows = Sequence[Sequence[str]]
"""The cells of a table by rows, of which the first has the headings."""


def entries(rows: Rows, evidence: Evidence) -> Iterator[list[str]]:
    """The rows as "**name** (ID n); heading: cell; heading: cell"; a list for each of several tables side by side."""
    starts = [place for place, n_known in enumerate(_n_known(rows, evidence)) if 2 * n_known > len(rows) - 1]
    parts = [slice(begin, end) for begin, end in pairwise([*starts, len(rows[0])])]
    beside = [rows[0][part][1:] for part in parts]
    if len(parts) > 1 and beside[0] and all(each == beside[0] for each in beside):
        for part in parts:
            yield from entries([row[part] for row in rows], evidence)
        return
    roles = [_role(cell) for cell in rows[0]]
    in_first_column = roles[0] != "name" and any(_role(row[0]) == "name" for row in rows[1:])
    if "name" not in roles[1:] and (in_first_column or any(evidence.named(bare(cell)) for cell in rows[0][1:])):
        rows = [list(column) for column in zip(*rows, strict=False)]  # a column for each item
        roles = [_role(cell) for cell in rows[0]]
    roles = _with_names_and_ids(roles, rows, evidence)
    headings = [pattern.unit.sub("", heading) for heading in rows[0]]
    yield [_entry(roles, headings, row, evidence) for row in rows[1:]]


def _n_known(rows: Rows, evidence: Evidence) -> list[int]:
    """The number of cells with the name of an item, by column."""
    columns = zip(*rows, strict=False)
    return [sum(bool(evidence.named(bare(cell))) for cell in cells) for _, *cells in columns]


def _role(heading: str) -> str:
    key = re.sub(r"\W+", "_", heading.strip(" *_`"))
    if pattern.identifier_column.search(key):
        return "user" if word.users.match(key.replace("_", " ")) else "id"
    return "name" if NAME_KEYS.search(key) or pattern.noun_column.fullmatch(key.replace("_", " ")) else ""


def _with_names_and_ids(roles: list[str], rows: Rows, evidence: Evidence) -> list[str]:
    """The roles of the columns: one has the names, and where no heading tells of IDs, the cells do."""
    n_known = _n_known(rows, evidence)
    named = [place for place, role in enumerate(roles[: len(n_known)]) if role == "name"]
    able = named or ([] if "user" in roles else [*range(len(n_known))])
    best = max(able, key=lambda place: n_known[place], default=-1)
    roles = ["" if role == "name" else role for role in roles]
    if best >= 0 and (named or 2 * n_known[best] >= len(rows) - 1):
        roles[best] = "name"
    if "id" in roles or len(rows) <= 2:
        return roles
    values = zip(*rows[1:], strict=False)
    are_ids = (2 * sum(bool(evidence.with_id(cell)) for cell in each) > len(each) for each in values)
    return [role or ("id" if is_id else "") for role, is_id in zip(roles, are_ids, strict=False)]


def _entry(roles: Sequence[str], headings: Sequence[str], row: Sequence[str], evidence: Evidence) -> str:
    cells = list(zip(roles, headings, (re.sub(r"[*_]{2}", "", cell) for cell in row), strict=False))
    cell = next((cell for role, _, cell in cells if role == "name"), "")
    name = bare(cell) if evidence.named(bare(cell)) or re.search(r"[^\W\d]", bare(cell)) else ""
    entry = cell if pattern.ids.search(name) else f"**{name}** {cell.partition(name)[2]}" if name else ""
    ids = [f"(ID {cell})" for role, _, cell in cells if role == "id" and pattern.one_id.fullmatch(cell)]
    others = [f"{heading}: {cell}" for role, heading, cell in cells if not role]
    return "; ".join([f"{entry} {' '.join(ids)}", *others])
