"""The asking: every question in a conversation of its own with the real agent, several at a time. Answers are kept in a
file of JSON lines as they come, so that a run that was ended goes on.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import ValidationError

from agent_client.choices import Choices
from agent_client.conversation import begun
from agent_client.errors import AgentError
from agent_client.events import Answered
from agent_client.models.loading import load_model
from agent_client.servers.connected import Servers
from recsys_shared.answers import Answer, Step
from recsys_shared.plain_text import json_text

MOST_FAILURES = 5
"""Questions in a row that a model may fail by an error before the evaluation ends."""

USELESS = (401, 403, 404)
"""HTTP statuses of a wrong key or name, by which every further question would fail, too."""


def read_answers(file: Path) -> dict[str, Answer]:
    """The answers so far, by their questions. A line that a killed run has cut off is none."""
    found: dict[str, Answer] = {}
    for line in file.read_text(encoding="utf-8", errors="replace").split("\n") if file.exists() else []:
        with suppress(ValidationError):
            answer = Answer.model_validate_json(line)
            found[answer.id] = answer
    return found


def write_answers(file: Path, answers: Iterable[Answer]) -> None:
    """Replace the file at once, so that a run that is killed leaves the old one or the new one."""
    new = file.with_suffix(".new")
    new.write_text("".join(map(_line, answers)), encoding="utf-8")
    new.replace(file)


def _line(answer: Answer) -> str:
    return f"{json_text(answer.model_dump(exclude_defaults=True))}\n"


async def ask_all(
    choices: Choices,
    servers: Servers,
    questions: Mapping[str, list[str]],
    file: Path,
    jobs: int,
    done: Callable[[int], Any],
) -> None:
    """Ask a model what has no answer in its file yet, or an error.

    Args:
        jobs: Conversations at a time.
        done: Called with the number of questions that are done, at first and after each.

    Raises:
        AgentError: No further question would be answered, or the file is that of other questions or another setting.
    """
    model = load_model(choices.model, choices.context_tokens)
    if "stream_usage" in type(model).model_fields:  # OpenAI's client asks other endpoints for no counts by itself
        model = model.model_copy(update={"stream_usage": True})
    settings = await _settings(choices, servers, model, questions)
    known = {each.id: each for each in read_answers(file).values() if each.error is None}
    model_name, n_failures = str(choices.model), 0
    if n_other := sum((each.by, each.setting) != (model_name, settings.get(each.id)) for each in known.values()):
        raise AgentError(
            f"{file} has {n_other} answers to other questions, or given with another prompt, other tools or limits: "
            "give another --out, or delete this file"
        )
    write_answers(file, known.values())
    left = iter([each for each in questions if each not in known])
    done(len(known))

    async def work() -> None:
        nonlocal n_failures
        for identifier in left:
            common = {"id": identifier, "by": model_name, "setting": settings[identifier]}
            answer, failure = await _answer(choices, servers, model, questions[identifier], common)
            n_failures = n_failures + 1 if failure else 0
            if failure and getattr(failure.__cause__, "status_code", None) in USELESS:
                raise failure
            if failure and n_failures == MOST_FAILURES:
                raise AgentError(f"{MOST_FAILURES} questions in a row have failed; the last one: {failure}")
            with file.open("a", encoding="utf-8") as stream:
                stream.write(_line(answer))
            done(1)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(jobs):
                group.create_task(work())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def _settings(
    choices: Choices, servers: Servers, model: BaseChatModel, questions: Mapping[str, list[str]]
) -> dict[str, str]:
    """A digest for each question of what its answer hangs on."""
    conversation = await begun(choices, servers, model, InMemorySaver())
    tools = [[tool.name, tool.description, tool.args_schema] for tool in conversation.tools]
    limits = [choices.max_steps, choices.context_tokens, choices.plan, choices.model.temperature]
    common = json_text([conversation.system_prompt, tools, limits], default=str)
    return {each: hashlib.sha256(f"{common}{turns}".encode()).hexdigest()[:12] for each, turns in questions.items()}


async def _answer(
    choices: Choices, servers: Servers, model: BaseChatModel, turns: Sequence[str], common: dict[str, str]
) -> tuple[Answer, AgentError | None]:
    usage, started = UsageMetadataCallbackHandler(), time.perf_counter()
    answered, failure = list[Answered](), None
    conversation = await begun(choices, servers, model.model_copy(update={"callbacks": [usage]}), InMemorySaver())
    try:
        for turn in turns:
            answered += [event async for event in conversation.ask(turn) if isinstance(event, Answered)]
    except AgentError as error:
        failure = error
    calls, used = [call for each in answered for call in each.calls], list(usage.usage_metadata.values())
    unsupported = [f"Check: {name}" for each in answered[-1:] for name in each.unsupported]
    answer = Answer(
        **common,
        answer=answered[-1].text if failure is None else "",
        error=None if failure is None else str(failure),
        calls=len(calls),
        steps=[Step(tool=c.tool, arguments=c.arguments, error=c.text if c.failed else None) for c in calls],
        seconds=round(time.perf_counter() - started, 2),
        tokens_in=sum(each["input_tokens"] for each in used) if used else None,
        tokens_cached=sum(each.get("input_token_details", {}).get("cache_read", 0) for each in used),
        tokens_out=sum(each["output_tokens"] for each in used) if used else None,
        remarks=[*unsupported, *(note for each in answered for note in each.notes)],
    )
    return answer, failure
