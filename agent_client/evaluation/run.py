"""An evaluation, from the asking to the report."""

import contextlib
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
    async with contextlib.AsyncExitStack() as stack:
        servers = await stack.enter_async_context(connected(choices.servers))
        progress = stack.enter_context(Progress(*BAR, console=PlainConsole(stderr=True)))
        bars = [progress.add_task(str(model), total=len(asked)) for model in models]
        for model, file, bar in zip(models, files, bars, strict=True):
            is_local = is_loopback(urlsplit(model.place).hostname or "")
            chosen = dataclasses.replace(choices, model=model)
            n_jobs = jobs or (1 if is_local else JOBS)
            await ask_all(chosen, servers, asked, file, n_jobs, partial(progress.advance, bar))
    n_errors = 0
    for model, file in zip(models, files, strict=True):
        answers = read_answers(file).values()
        n_errors += sum(each.error is not None for each in answers)
        used = ((each, each.tokens_in or 0, each.tokens_cached or 0, each.tokens_out or 0) for each in answers)
        price = prices.get(str(model))
        costs = [each.model_copy(update={"dollars": dollars(model, price, *tokens)}) for each, *tokens in used]
        write_answers(file, costs)
    grade = [word for file in files for word in ("--grade", str(file))]
    form = ["--json"] if as_json else []
    run_program(program, "--questions", str(questions), *grade, "--page", str(page), *form, shown=True)
    PlainConsole(stderr=True).print(f"The wrong answers are in {page}")
    return 1 if n_errors else 0
