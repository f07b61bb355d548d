"""A person's choices for a conversation, which can be refused before LangChain is imported: that takes seconds."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent_client.models.address import ModelAddress
from agent_client.servers.address import ServerAddress

MAX_STEPS = 12
"""Rounds of tool calls before the model has to answer."""

CONTEXT_TOKENS = 32_000
"""Tokens of a conversation, by a rough count; the system prompt and the list of tools come on top."""


@dataclass(frozen=True)
class Choices:
    """A model, servers, prompts and limits."""

    model: ModelAddress
    servers: Sequence[ServerAddress]
    added_prompt: str = ""
    """Words added to the servers' own."""
    own_prompt: str | None = None
    """The whole system prompt, in place of all others."""
    max_steps: int = MAX_STEPS
    context_tokens: int = CONTEXT_TOKENS

    def check(self) -> None:
        """Check what can be checked without a request.

        Raises:
            AgentError: The model, or a server, cannot be used.
        """
        self.model.client_options()
        if len(self.servers) == 1:  # of several, those are used that can be
            self.servers[0].client_options()
