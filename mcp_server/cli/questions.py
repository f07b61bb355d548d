"""`questions`: questions with their truth, and the grading of an assistant's answers."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcp_server.cli.dataset_files import find_dataset_files
from mcp_server.cli.options import AsJson, Data, Dataset, EnvFile, Sources, make_settings
from mcp_server.cli.rendering import wide_console
from mcp_server.errors import InvalidInputError, quoted
from mcp_server.settings import Settings
from recsys_shared.plain_text import json_text, one_line
from recsys_shared.terminal import PlainConsole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_server.preparation.progress_bars import Progress
    from mcp_server.questions.ledger import Ledger
    from mcp_server.questions.report import GradingReport
    from mcp_server.questions.truth import Question
    from mcp_server.questions.writing import Family

LONGEST_SHOWN = 200
"""Characters of a wrong answer that the table shows."""


def questions(
    grade: Annotated[
        Path | None,
        typer.Option(
            metavar="ANSWERS",
            help="Grade the answers of this file of JSON lines instead: id, answer (the text), and where they are "
            "known items, users, names or number (which count in place of the text) and calls.",
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="File to write the questions to. [stdout]")] = None,
    family: Annotated[
        list[str] | None,
        typer.Option(
            help="Only the questions of a family: lookup, filter, exclusion, counting, popular, history, liking, "
            "statistics, recommendation, two_users, search, similar, audience, negative, languages or follow_up. "
            "Repeat it for more."
        ),
    ] = None,
    n: Annotated[
        int | None, typer.Option("--n", min=1, help="At most so many questions, of all families in turn. [all]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another number gives other questions.")] = 0,
    as_json: AsJson = False,
    dataset: Dataset = None,
    data: Data = None,
    source: Sources = None,
    env_file: EnvFile = None,
) -> None:
    """Write questions about the catalogue with their truth, to measure any assistant that uses the tools.

    Each line has an ID, the family, the question (or the turns of a conversation, of which the last is to be
    answered), its truth, and the calls of tools that a good answer takes. The truth is computed from the dataset
    itself, by none of the code that answers tools. Give the assistant only the question; write what it says to a file,
    a line for each: `{"id": "lookup-01-1a2b3c", "answer": "It is **Taxi Driver** (ID 23).", "calls": 1}`.

    With --grade these are counted, right and all by family; the dataset, the seed, --family and --n must be those that
    the questions were written with.

    Example: recsys-mcp questions --output questions.jsonl; ...; recsys-mcp questions --grade answers.jsonl
    """
    settings = make_settings(dataset=dataset, data=data, sources=source, env_file=env_file)
    _questions(settings, grade, output, family or [], n, seed, as_json)


def _questions(
    settings: Settings,
    grade: Path | None,
    output: Path | None,
    family: list[str],
    n: int | None,
    seed: int,
    as_json: bool,
) -> None:
    from mcp_server.files.atomic import write_atomically
    from mcp_server.preparation.progress_bars import Progress
    from mcp_server.questions.ledger import Ledger
    from mcp_server.reading.dataset import open_dataset

    families = _families(family)
    if grade is not None and output is not None:
        raise InvalidInputError("--output is for questions; with --grade the report is printed, so leave it out")
    console = PlainConsole(stderr=True)
    with Progress(console) as progress, contextlib.ExitStack() as opened:
        files = find_dataset_files(settings, progress)
        with progress.step("Reading the dataset"):
            ledger = Ledger(opened.enter_context(open_dataset(files)))
        written = _write(ledger, families, n, seed, progress)
        report = None if grade is None else _grade(ledger, written, grade, seed)
    if report is not None:
        _print(report, as_json)
        return
    lines = "".join(f"{json_text(question.as_line())}\n" for question in written)
    if output is None:
        print(lines, end="")
    else:
        write_atomically(output, lines)
        console.print(f"{len(written):,} questions are in {output}")


def _families(names: list[str]) -> "Sequence[Family]":
    from mcp_server.questions.writing import FAMILIES

    known = [each.name for each in FAMILIES]
    for name in names:
        if name not in known:
            raise InvalidInputError(f"--family: there is no family {quoted(name)}. There are: {', '.join(known)}")
    return [each for each in FAMILIES if not names or each.name in names]


def _write(
    ledger: "Ledger", families: "Sequence[Family]", n: int | None, seed: int, progress: "Progress"
) -> "list[Question]":
    """Write the questions, and say which families the catalogue has none of."""
    from mcp_server.questions.sentences import find_sentences
    from mcp_server.questions.writing import choose, write_questions

    written: list[Question] = []
    with progress.step("Writing questions", total=len(families) + 1) as step:
        sentences = find_sentences(ledger, seed)
        step.advance()
        for family in families:
            of_family = write_questions(ledger, sentences, family, seed)
            if not of_family:
                progress.say(f"The catalogue has nothing to ask about for the family {family.name}.")
            written += of_family
            step.advance()
    if not written:
        raise InvalidInputError("the catalogue has nothing to ask about: no question could be written")
    return written if n is None else choose(written, n)


def _grade(ledger: "Ledger", written: "Sequence[Question]", file: Path, seed: int) -> "GradingReport":
    from mcp_server.questions.answers import read_answers
    from mcp_server.questions.grading import Grader
    from mcp_server.questions.report import GradingReport

    answers, grader = read_answers(file, {question.id for question in written}), Grader(ledger)
    verdicts = [grader.grade(question, answers.get(question.id)) for question in written]
    return GradingReport.of(ledger.spec.name, seed, verdicts)


def _print(report: "GradingReport", as_json: bool) -> None:
    if as_json:
        print(json_text(report.model_dump(), indent=1))
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("family", header_style="dim")
    for name in ("right", "questions", "share", "unanswered", "median calls", "most calls"):
        table.add_column(name, justify="right", header_style="dim")
    for count in [*report.families, report.total]:
        calls = ["-" if each is None else f"{each:g}" for each in (count.median_calls, count.most_calls)]
        numbers = [f"{count.right:,}", f"{count.questions:,}", f"{count.share:g}%", f"{count.unanswered:,}", *calls]
        table.add_row(count.family, *numbers, style="bold" if count is report.total else None)
    console = wide_console()
    console.print(table)
    for wrong in report.wrong:
        console.print(f"\n{wrong.id}: {one_line(wrong.question, LONGEST_SHOWN)}\n  {one_line(wrong.why)}")
        if wrong.answer:
            console.print(f"  the answer: {one_line(wrong.answer, LONGEST_SHOWN)}")
