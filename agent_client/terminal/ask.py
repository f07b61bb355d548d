"""One question, for people and for scripts: the answer goes to stdout, all else to stderr."""

import contextlib
from dataclasses import asdict
from typing import Any

from agent_client.choices import Choices
from agent_client.events import Answered, CallEnded
from agent_client.terminal.answer_view import formatted, warning_of
from agent_client.terminal.call_lines import call_line
from agent_client.terminal.opening import open_conversation
from recsys_shared.plain_text import json_text, several_lines
from recsys_shared.terminal import PlainConsole


async def run_ask(choices: Choices, question: str, as_json: bool, session: str | None) -> int:
    """Ask one question; the exit code is 0 where it was answered, and 1 where the limit of steps was reached first."""
    console, aside = PlainConsole(), PlainConsole(stderr=True)
    async with contextlib.AsyncExitStack() as stack:
        conversation = await open_conversation(stack, choices, session)
        async for event in conversation.ask(question):
            if isinstance(event, CallEnded) and not as_json:
                aside.print(call_line(event))
            if isinstance(event, Answered):
                answer = event
    if as_json:
        print(json_text(_as_json(answer), indent=1))
    elif console.is_terminal:
        console.print(formatted(answer.text))
    else:
        print(several_lines(answer.text))
    if (warning := warning_of(answer)) and not as_json:
        aside.print(warning, style="yellow")
    return 0 if answer.complete else 1


def _as_json(answer: Answered) -> dict[str, Any]:
    calls = []
    for call in answer.calls:
        fields = asdict(call)
        text, structured, failed = fields.pop("text"), fields.pop("structured"), fields.pop("failed")
        outcome = {"error": text} if failed else {"result": text if structured is None else structured}
        calls.append({**fields, "seconds": round(call.seconds, 3), **outcome})
    return {"answer": answer.text, "calls": calls, "unsupported": answer.unsupported, "complete": answer.complete}
