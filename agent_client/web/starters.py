"""Questions that a page offers to begin with."""

import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

from mcp import ClientSession, McpError
from mcp.types import Prompt, PromptReference

from agent_client.servers.session import ASSISTANT_PROMPT

MOST_STARTERS = 5

Starter = tuple[str, str]
"""A label and its question."""

GENERAL_STARTERS: list[Starter] = json.loads(Path(__file__).with_name("starters.json").read_text("utf-8"))
"""Questions that are offered where no server proposes any."""


async def starters_of(session: ClientSession) -> AsyncIterator[Starter]:
    """Questions made of a server's prompts: those without arguments as they are, the others with values that the
    server itself proposes for their arguments.
    """
    capabilities = session.get_server_capabilities()
    if capabilities is None or capabilities.prompts is None:
        return
    n_found = 0
    for prompt in (await session.list_prompts()).prompts:
        if prompt.name != ASSISTANT_PROMPT and n_found < MOST_STARTERS:
            with contextlib.suppress(McpError):
                if (starter := await _starter(session, prompt)) is not None:
                    n_found += 1
                    yield starter


async def _starter(session: ClientSession, prompt: Prompt) -> Starter | None:
    values: dict[str, str] = {}
    for name in [argument.name for argument in prompt.arguments or [] if argument.required]:
        reference = PromptReference(type="ref/prompt", name=prompt.name)
        proposed = (await session.complete(reference, {"name": name, "value": ""})).completion.values
        values[name] = next(iter(proposed), "")
    messages = (await session.get_prompt(prompt.name, values)).messages
    text = "\n\n".join(getattr(message.content, "text", "") for message in messages).strip()
    if not values:
        return (prompt.title or prompt.name, text) if text else None
    question = first_question(text)
    return (question, question) if all(value and value in question for value in values.values()) else None


def first_question(text: str) -> str:
    """The question at the beginning of a prompt, without the steps to its answer; empty where it has names that are
    not people's words.
    """
    sentence = re.split(r"(?<=[.?!])\s", text, maxsplit=1)[0]
    question = sentence if sentence.endswith("?") else f"{sentence.split(': ')[0].rstrip('.')}."
    return "" if "_" in question else question
