"""The report of `init`: the tables that it found, what it makes of them, and what to do next."""

import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from recsys_shared.plain_text import one_line
from recsys_shared.terminal import PlainConsole

if TYPE_CHECKING:
    from mcp_server.discovery.discover import Place
    from mcp_server.discovery.proposal import Proposal
    from mcp_server.discovery.propose import Found
    from mcp_server.discovery.questions import Question
    from mcp_server.discovery.trial import Trial

LONGEST_CELL = 60


def print_found(console: PlainConsole, found: "Found") -> None:
    """The tables, and what each of them seems to be."""
    from mcp_server.discovery.propose import describe_roles

    roles = {table.name: (role, key) for role, table, key in reversed(describe_roles(found.roles))}
    table = _table("table", "rows", "columns", "it seems to hold")
    for each in found.tables.found:
        role, key = roles.get(each.name, ("", ""))
        columns = one_line(", ".join(each.columns), LONGEST_CELL)
        table.add_row(each.name, f"{each.n_rows:,}", columns, f"{role}, by {key}" if role else "-")
    console.print(table)
    for name, why in found.tables.ignored.items():
        console.print(Text.assemble((f"  {one_line(name)} is not used: {one_line(why, 200)}", "dim")))
    console.print()


def print_proposal(console: PlainConsole, proposal: "Proposal") -> None:
    """The fields, with examples."""
    table = _table(f"field of {proposal.nouns['items']}", "kind", "filter", "why")
    for field in proposal.items.fields:
        kind = f"{field.kind}{' (many)' if field.declared.get('many') else ''}"
        kind = f"{kind}, title" if field.name == proposal.items.title else kind
        table.add_row(
            field.name, kind, "yes" if field.declared.get("filter") else "", one_line(field.why, LONGEST_CELL)
        )
    parts: list[RenderableType] = [table]
    if proposal.users.fields:
        of_users = _table(f"field of {proposal.nouns['users']}", "kind", "group", "why")
        for field in proposal.users.fields:
            group = "yes" if field.name in proposal.users.groups else ""
            of_users.add_row(field.name, field.kind, group, one_line(field.why, LONGEST_CELL))
        parts += ["", of_users]
    keys = proposal.interactions.keys
    said = ", ".join(f"{key} {value}" for key, value in keys.items() if key not in ("user", "item"))
    parts += ["", Text.assemble((f"{proposal.nouns['interactions']}: ", "bold"), one_line(said))]
    console.print(Padding(Group(*parts), (0, 0, 1, 0)))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, header_style="bold", justify="right" if column == "rows" else "left")
    return table


def print_result(
    console: PlainConsole,
    trial: "Trial",
    target: Path,
    defaults: Sequence[tuple["Question", str]],
    commands: Sequence[str],
) -> None:
    """Tell what was read, which answers were taken, and what to do next.

    Args:
        defaults: Questions that nobody was asked, with the answers that were taken.
    """
    nouns = trial.proposal.nouns
    counts = (
        f"{trial.n_items:,} {nouns['items']}, {trial.n_users:,} {nouns['users']}, "
        f"{trial.n_interactions:,} {nouns['interactions']}"
    )
    say = partial(console.print, soft_wrap=True)
    say(Text.assemble((one_line(str(target)), "bold"), f" is written. All data was read by it: {counts}."))
    for note in trial.notes:
        say(f"  {one_line(note, 400)}", style="yellow")
    for each in trial.proposal.left_out:
        say(f"  {one_line(each.name)} is not used: {one_line(each.why)}.", style="yellow")
    if defaults:
        say("Nobody was asked. These answers were taken, and can be changed in the file:")
    for question, answer in defaults:
        say(f"  {one_line(question.text)} {one_line(answer)}")
    say("\nNext:", style="bold")
    for command in commands:
        say(f"  {command}")


def next_commands(place: "Place", target: Path, root: Path | None) -> list[str]:
    """Commands that check, prepare and serve the dataset. Passwords are masked."""
    options = f"--dataset {shlex.quote(str(target))}"
    if root is not None and root != target.parent:
        options += f" --data {shlex.quote(str(root))}"
    first = []
    for name in place.urls:
        if ":***@" in place.shown:
            first.append(f"export RECSYS_SOURCE_{name.upper()}={shlex.quote(place.shown)}   # with the password")
        else:
            options += f" --source {shlex.quote(f'{name}={place.shown}')}"
    return [*first, *(f"recsys-mcp {command} {options}" for command in ("doctor", "prepare", "serve", "install HOST"))]


def result_as_json(
    trial: "Trial", target: Path, answers: Mapping[str, tuple["Question", str]], commands: Sequence[str]
) -> dict[str, Any]:
    """The result for programs."""
    proposal = trial.proposal
    fields = [{"name": field.name, "kind": field.kind, "why": field.why} for field in proposal.items.fields]
    return {
        "file": str(target),
        "items": trial.n_items,
        "users": trial.n_users,
        "interactions": trial.n_interactions,
        "feedback": proposal.interactions.keys["feedback"],
        "fields": fields,
        "notes": trial.notes,
        "left_out": [{"name": each.name, "why": each.why} for each in proposal.left_out],
        "answers": [{"question": question.text, "answer": answer} for question, answer in answers.values()],
        "next": list(commands),
    }
