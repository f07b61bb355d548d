"""`init`: a dataset.yaml proposed for a folder of files or for a database."""

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from mcp_server.cli.init_report import next_commands, print_found, print_proposal, print_result, result_as_json
from mcp_server.cli.options import AsJson
from mcp_server.cli.rendering import wide_console
from mcp_server.errors import InvalidInputError, UnwritableError
from mcp_server.files.atomic import write_atomically
from recsys_shared.plain_text import json_text, one_line
from recsys_shared.terminal import PlainConsole

if TYPE_CHECKING:
    from mcp_server.discovery.discover import Place
    from mcp_server.discovery.questions import Question
    from mcp_server.discovery.trial import Trial

FILE_NAME = "dataset.yaml"


def init(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER|URL|NAME",
            help="A folder of files, or a database: an SQLAlchemy URL, such as sqlite:///shop.db, or the NAME of the "
            "variable RECSYS_SOURCE_NAME that holds one.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The file to write; by default dataset.yaml in the folder."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing, and take the default answers.")] = False,
    name: Annotated[str | None, typer.Option(help="Name of the dataset; by default the folder's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look at your files or tables, and write a commented dataset.yaml for them.

    Finds items, users and interactions, the kinds of their columns, filters, texts and times; shows what it has found,
    asks what data cannot tell, and reads everything once by the new file before it is written. Databases are only read.

    Examples:

    recsys-mcp init my-shop/

    recsys-mcp init sqlite:///rentals.db --output rentals.yaml

    RECSYS_SOURCE_SHOP=mysql+pymysql://reader:PASSWORD@db.example.com/shop recsys-mcp init shop
    """
    from mcp_server.discovery.discover import find_place

    started = time.monotonic()
    place = find_place(os.environ.get(f"RECSYS_SOURCE_{source.upper()}", source), source)
    target = (output or (place.folder or Path.cwd()) / FILE_NAME).expanduser().absolute()
    asks = not yes and not as_json and sys.stdin.isatty() and sys.stdout.isatty()
    console = PlainConsole(stderr=True) if as_json else wide_console()
    _check_target(target, asks)
    answers = Answers(console if asks else None)
    root = _root(place, target)
    trial = _propose(place, root, name, answers, console)
    _write(target, trial.text)
    commands = next_commands(place, target, root)
    if as_json:
        print(json_text(result_as_json(trial, target, answers.given, commands), indent=1))
        return
    print_result(console, trial, target, [] if answers.asks else list(answers.given.values()), commands)
    console.print(f"That took {time.monotonic() - started:.0f} s.", style="dim")


def _root(place: "Place", target: Path) -> Path | None:
    """The folder that names of files are relative to: that of dataset.yaml where the files are inside it."""
    folder = place.folder
    if folder is None:
        return None
    return target.parent if folder.is_relative_to(target.parent) else folder


class Answers:
    """Asks on a console, or takes the defaults where there is none; remembers the answers."""

    def __init__(self, console: PlainConsole | None) -> None:
        self._console = console
        self.given: dict[str, tuple[Question, str]] = {}

    @property
    def asks(self) -> bool:
        return self._console is not None

    def __call__(self, question: "Question") -> str:
        if question.key not in self.given:
            answer = question.default if self._console is None else _ask(self._console, question)
            self.given[question.key] = (question, answer)
        return self.given[question.key][1]


def _ask(console: PlainConsole, question: "Question") -> str:
    console.print(Text.assemble(("? ", "cyan"), one_line(question.text)))
    for choice, meaning in question.choices.items():
        console.print(f"    {one_line(choice)}{f'  ({one_line(meaning, 100)})' if meaning else ''}")
    while True:
        answer = str(typer.prompt("  ", default=question.default, prompt_suffix="> ")).strip()
        if question.choices and answer not in question.choices:
            console.print(f"  please answer one of: {', '.join(question.choices)}", style="yellow")
            continue
        try:
            question.parse(answer)
        except ValueError as error:
            console.print(f"  {one_line(str(error))}", style="yellow")
            continue
        return answer


def _check_target(target: Path, asks: bool) -> None:
    """Never write over a file without asking.

    Raises:
        InvalidInputError: The file exists and is not to be replaced.
    """
    if not target.exists():
        return
    if not (asks and target.is_file() and typer.confirm(f"{target} exists. Replace it?", default=False)):
        raise InvalidInputError(f"{target} exists, and is not replaced: name another file with --output FILE")


def _propose(place: "Place", root: Path | None, name: str | None, answers: Answers, console: PlainConsole) -> "Trial":
    from mcp_server.discovery.discover import open_workspace
    from mcp_server.discovery.propose import look_for_roles, propose
    from mcp_server.discovery.trial import try_out
    from mcp_server.preparation.progress_bars import Progress

    errors = PlainConsole(stderr=True)
    with open_workspace(place, root) as workspace:
        with Progress(errors) as progress, progress.step(f"Looking at {place.name}") as step:
            tables = workspace.read(lambda each: step.update(step.done + 1, label=f"Looking at {each}"))
        found = look_for_roles(tables, answers)
        print_found(console, found)
        proposal = propose(found, name or place.name, answers)
    print_proposal(console, proposal)
    with Progress(errors) as progress, progress.step("Reading all data by the new file", 3) as step:
        return try_out(
            proposal, root, place.urls, lambda part: step.update(min(step.done + 1, 3), label=f"Reading {part}")
        )


def _write(target: Path, text: str) -> None:
    """Write the file.

    Raises:
        UnwritableError: It cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, text)
    except OSError as error:
        raise UnwritableError(f"{target} cannot be written: {error.strerror or error}") from error
