"""Conversations with a model and servers of their own, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from agent_client.choices import Choices
from agent_client.conversation import Conversation, begun
from agent_client.models.loading import load_model
from agent_client.servers.connected import connected


@asynccontextmanager
async def opened(
    choices: Choices, checkpointer: BaseCheckpointSaver[Any], thread: str = "main"
) -> AsyncIterator[Conversation]:
    """A conversation; an AgentError if its model or its servers cannot be used."""
    model = load_model(choices.model, choices.context_tokens)
    async with connected(choices.servers) as servers:
        yield await begun(choices, servers, model, checkpointer, thread)
