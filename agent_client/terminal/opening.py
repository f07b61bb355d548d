"""A conversation opened as fast as it can be: LangChain is imported while the servers start."""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from agent_client.choices import Choices
from agent_client.servers.connected import connected
from agent_client.state import state_folder

if TYPE_CHECKING:
    from agent_client.conversation import Conversation


async def open_conversation(stack: contextlib.AsyncExitStack, choices: Choices, session: str | None) -> "Conversation":
    """A conversation that the stack closes.

    LangChain and a model's library take seconds to import, as servers take to start, so both happen at once. A server
    that runs already is asked first, since it may refuse.

    Raises:
        AgentError: The model, or a server, cannot be used.
    """
    wanted = asyncio.Event()
    if any(server.is_program for server in choices.servers):
        wanted.set()
    loading = asyncio.create_task(_loaded(choices, wanted))
    try:
        servers = await stack.enter_async_context(connected(choices.servers))
        wanted.set()
        conversations, model = await loading
    finally:
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
    file = None if session is None else state_folder() / "conversations.sqlite"
    saver = await stack.enter_async_context(conversations.kept_in(file))
    conversation: Conversation = await conversations.begun(choices, servers, model, saver, session or "main")
    return conversation


async def _loaded(choices: Choices, wanted: asyncio.Event) -> tuple[Any, Any]:
    """The module of conversations, and the model; imported in a thread, so that the event loop goes on."""

    def load() -> tuple[Any, Any]:
        from agent_client import conversation
        from agent_client.models.loading import load_model

        return conversation, load_model(choices.model, choices.context_tokens)

    await wanted.wait()
    return await asyncio.to_thread(load)
