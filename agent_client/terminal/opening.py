"""A conversation opened as fast as it can be: LangChain is imported while the servers start."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent_client.choices import Choices
from agent_client.servers.connected import Servers, connected
from agent_client.state import state_folder

if TYPE_CHECKING:
    from agent_client.conversation import Conversation

SESSIONS = "conversations.sqlite"
"""Name of the file that keeps named conversations."""


@dataclass
class Opened:
    """A conversation, with what it takes to begin another one."""

    conversation: "Conversation"
    thread: str
    servers: Servers
    saver: Any

    async def begin(self, choices: Choices, thread: str) -> None:
        """Go on with another model, or in another thread; servers that could not be used are tried again.

        Raises:
            AgentError: The model cannot be used, or no server.
        """
        conversations, model = await asyncio.to_thread(_load, choices)
        await self.servers.open()
        self.conversation = await conversations.begun(choices, self.servers, model, self.saver, thread)
        self.thread = thread


async def open_conversation(stack: contextlib.AsyncExitStack, choices: Choices, session: str | None) -> Opened:
    """A conversation that the stack closes.

    LangChain and a model's library take seconds to import, as servers take to start, so both happen at once. A server
    that runs already is asked first, since it may refuse.

    Raises:
        AgentError: The model cannot be used, or no server.
    """
    is_starting = any(server.is_program for server in choices.servers)
    loading = asyncio.create_task(asyncio.to_thread(_load, choices)) if is_starting else None
    try:
        servers = await stack.enter_async_context(connected(choices.servers))
        conversations, model = await (loading or asyncio.to_thread(_load, choices))
    finally:
        if loading is not None:
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)
    file, thread = None if session is None else state_folder() / SESSIONS, session or "main"
    saver = await stack.enter_async_context(conversations.kept_in(file))
    return Opened(await conversations.begun(choices, servers, model, saver, thread), thread, servers, saver)


def _load(choices: Choices) -> tuple[Any, Any]:
    """The module of conversations, and the model; to be called in a thread, so that the event loop goes on."""
    from agent_client import conversation
    from agent_client.models.loading import load_model

    return conversation, load_model(choices.model, choices.context_tokens)
