"""An evaluation, from the asking to the report."""

import dataclasses
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent_client.choices import Choices
from agent_client.evaluation.asking import ask_all, read_answers, write_answers
from agent_client.evaluation.prices import Price, dollars
from agent_client.evaluation.questions import read_questions, run_program
from agent_client.servers.connected import connected
from recsys_shared.proxies import is_loopback
from recsys_shared.terminal import PlainConsole

JOBS = 4
"""Conversations at a time; one with a model on this machine."""

BAR = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


async def evaluate(
    choices: Choices,
    questions: Path,
    jobs: int | None,
    prices: Mapping[str, Price],
    program: str | None,
    as_json: bool,
) -> int:
    """Ask all models, one after another, and report beside the file of questions; what is answered is not asked again.

    Returns:
        The exit code: 1 where a question brought an error.
    """
    asked, page, models = read_questions(questions), questions.with_name("report.html"), choices.models
    files = [questions.with_name(f"{re.sub(r'[^A-Za-z0-9._-]+', '-', str(model))}.jsonl") for model in models]
    async with connected(choices.servers) as servers:
        with Progress(*BAR, console=PlainConsole(stderr=True)) as progress:
            bars = [progress.add_task(str(model), total=len(asked)) for model in models]
            for model, file, bar in zip(models, files, bars, strict=True):
                is_local = is_loopback(urlsplit(model.place).hostname or "")
                chosen = dataclasses.replace(choices, model=model)
                n_jobs = jobs or (1 if is_local else JOBS)
                await ask_all(chosen, servers, asked, file, n_jobs, partial(progress.advance, bar))
    n_errors = 0
    for model, file in zip(models, files, strict=True):
        answers, price = read_answers(file).values(), prices.get(str(model))
        n_errors += sum(each.error is not None for each in answers)
        write_answers(file, (each.model_copy(update={"dollars": dollars(model, price, each)}) for each in answers))
    grade = [word for file in files for word in ("--grade", str(file))]
    form = ["--json"] if as_json else []
    run_program(program, "--questions", str(questions), *grade, "--page", str(page), *form, shown=True)
    PlainConsole(stderr=True).print(f"The report, with all wrong answers, is {page}", soft_wrap=True)
    return 1 if n_errors else 0
