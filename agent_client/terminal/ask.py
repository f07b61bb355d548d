"""One question, for people and for scripts: the answer goes to stdout, all else to stderr."""

import contextlib
from typing import Any

from rich.live import Live

from agent_client.choices import Choices
from agent_client.events import Answered
from agent_client.terminal.answer_view import AnswerView, formatted, print_warnings
from agent_client.terminal.opening import open_conversation
from recsys_shared.plain_text import json_text, several_lines
from recsys_shared.terminal import PlainConsole


async def run_ask(choices: Choices, question: str, as_json: bool, session: str | None) -> int:
    """Ask one question; the exit code is 0 where it was answered, and 1 where there is no whole answer."""
    console, aside = PlainConsole(), PlainConsole(stderr=True)
    view = AnswerView(PlainConsole(quiet=True) if as_json else aside, streams=False)
    view.wait_for("starting the servers")
    async with contextlib.AsyncExitStack() as stack:
        with Live(view, console=aside, transient=True) as live:
            conversation = (await open_conversation(stack, choices, session)).conversation
            view.wait_for("thinking")
            live.refresh()
            async for event in conversation.ask(question):
                if isinstance(event, Answered):
                    answer = event
                else:
                    view.show(event)
            view.end_thought()
    if as_json:
        print(json_text({**_as_json(answer), "thoughts": view.thoughts}, indent=1))
    else:
        if console.is_terminal:
            console.print(formatted(answer.text))
        else:
            print(several_lines(answer.text))
        print_warnings(aside, answer)
    return 0 if answer.complete else 1


def _as_json(answer: Answered) -> dict[str, Any]:
    calls = []
    for call in answer.calls:
        result = call.text if call.structured is None else call.structured
        outcome = {"error": call.text} if call.failed else {"result": result}
        about = {"id": call.id, "tool": call.tool, "arguments": call.arguments, "seconds": round(call.seconds, 3)}
        calls.append({**about, **outcome})
    warnings = {"unsupported": answer.unsupported, "notes": answer.notes}
    return {"answer": answer.text, "calls": calls, **warnings, "complete": answer.complete}
