"""`questions`: questions with their truth, and the grading of an assistant's answers."""

import contextlib
import importlib.util
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

    from rich.table import Table

    from mcp_server.preparation.progress_bars import Progress
    from mcp_server.questions.ledger import Ledger
    from mcp_server.questions.report import GradingReport
    from mcp_server.questions.truth import Question
    from mcp_server.questions.writing import Family

LONGEST_SHOWN = 200
"""Characters of a wrong answer that the table shows."""


def questions(
    grade: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="ANSWERS",
            help="Grade the answers of this file of JSON lines instead: id, answer (the text), and where they are "
            "known items, users, names or number (which count in place of the text) and calls. Repeat it to compare "
            "several assistants.",
        ),
    ] = None,
    asked: Annotated[
        Path | None,
        typer.Option(
            "--questions",
            metavar="QUESTIONS",
            help="With --grade: the file of the questions that were asked, in place of --seed, --family and --n.",
        ),
    ] = None,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --grade: an HTML page to write the report to, too.")
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

    With --grade these are counted, right and all by family. The dataset must be the one that the questions were written
    with, and so must the seed, --family and --n, unless the file of questions is given by --questions.

    Example: recsys-mcp questions --output questions.jsonl; ...; recsys-mcp questions --grade answers.jsonl
    """
    settings = make_settings(dataset=dataset, data=data, sources=source, env_file=env_file)
    _questions(settings, grade or [], asked, page, output, family or [], n, seed, as_json)


def _questions(
    settings: Settings,
    grade: list[Path],
    asked: Path | None,
    page: Path | None,
    output: Path | None,
    family: list[str],
    n: int | None,
    seed: int,
    as_json: bool,
) -> None:
    if importlib.util.find_spec("duckdb") is None:
        raise InvalidInputError("questions are made of the dataset's files: pip install 'recsys-mcp[train]'")
    from mcp_server.files.atomic import write_atomically
    from mcp_server.preparation.progress_bars import Progress
    from mcp_server.questions.answers import read_questions
    from mcp_server.questions.ledger import Ledger
    from mcp_server.reading.dataset import open_dataset

    families = _families(family)
    if grade and output is not None:
        raise InvalidInputError("--output is for questions; with --grade the report is printed, so leave it out")
    if page is not None and not grade:
        raise InvalidInputError("--page goes with --grade: it is the page of a report")
    if asked is not None and (not grade or family or n is not None or seed):
        raise InvalidInputError("--questions goes with --grade, and takes the place of --seed, --family and --n")
    questions = None if asked is None else read_questions(asked)
    console = PlainConsole(stderr=True)
    with Progress(console) as progress, contextlib.ExitStack() as opened:
        files = find_dataset_files(settings, progress)
        with progress.step("Reading the dataset"):
            ledger = Ledger(opened.enter_context(open_dataset(files)))
        written = questions or _write(ledger, families, n, seed, progress)
        reports = [_grade(ledger, written, file, None if asked is not None else seed) for file in grade]
    if reports:
        if page is not None:
            from mcp_server.questions.page import make_page

            write_atomically(page, make_page(reports))
        _print(reports, as_json)
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


def _grade(ledger: "Ledger", written: "Sequence[Question]", file: Path, seed: int | None) -> "GradingReport":
    from mcp_server.questions.answers import read_answers
    from mcp_server.questions.grading import Grader
    from mcp_server.questions.report import GradingReport

    answers, grader = read_answers(file, {question.id for question in written}), Grader(ledger)
    verdicts = [grader.grade(question, answers.get(question.id)) for question in written]
    return GradingReport.of(ledger.spec.name, seed, file.stem, verdicts)


def _print(reports: "Sequence[GradingReport]", as_json: bool) -> None:
    if as_json:
        dumped = [report.model_dump() for report in reports]
        print(json_text(dumped if len(dumped) > 1 else dumped[0], indent=1))
        return
    console = wide_console()
    if len(reports) > 1 or reports[0].total.median_seconds is not None:
        console.print(_comparison(reports), "", sep="\n")
    if len(reports) > 1:
        console.print(_by_family(reports))
        return
    console.print(_counts(reports[0]))
    for wrong in reports[0].wrong:
        console.print(f"\n{wrong.id}: {one_line(wrong.question, LONGEST_SHOWN)}\n  {one_line(wrong.why)}")
        if wrong.answer:
            console.print(f"  the answer: {one_line(wrong.answer, LONGEST_SHOWN)}")


def _table(first: str, *heads: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first, header_style="dim")
    for head in heads:
        table.add_column(head, justify="right", header_style="dim")
    return table


def _counts(report: "GradingReport") -> "Table":
    """The answers of one assistant, by family."""
    table = _table("family", "right", "questions", "share", "unanswered", "median calls", "most calls")
    for count in [*report.families, report.total]:
        calls = [_figure(count.median_calls), _figure(count.most_calls)]
        numbers = [f"{count.right:,}", f"{count.questions:,}", f"{count.share:g}%", f"{count.unanswered:,}", *calls]
        table.add_row(count.family, *numbers, style="bold" if count is report.total else None)
    return table


def _comparison(reports: "Sequence[GradingReport]") -> "Table":
    """All answers of several assistants."""
    heads = ("right", "95%", "calls", "most", "failed", "tokens in", "out", "cost", "seconds", "errors")
    table = _table("assistant", *heads)
    for report in reports:
        total = report.total
        low, high = total.interval
        table.add_row(
            report.assistant,
            f"{total.share:g}%",
            f"{low:.0f} to {high:.0f}%",
            _figure(total.median_calls),
            _figure(total.most_calls),
            f"{total.failed_calls:,}",
            _figure(total.tokens_in, ",.0f"),
            _figure(total.tokens_out, ",.0f"),
            _figure(total.dollars, ".4f", "$"),
            _figure(total.median_seconds, ".1f"),
            f"{total.errors:,}",
        )
    return table


def _by_family(reports: "Sequence[GradingReport]") -> "Table":
    table = _table("right of", *(report.assistant for report in reports))
    for counts in zip(*(report.families for report in reports), strict=True):
        table.add_row(counts[0].family, *(f"{count.right} / {count.questions}" for count in counts))
    return table


def _figure(value: float | None, form: str = "g", unit: str = "") -> str:
    return "-" if value is None else f"{unit}{value:{form}}"
