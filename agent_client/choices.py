"""What a person has chosen for a conversation; it can be refused before LangChain is imported, which takes seconds."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent_client.limits import CONTEXT_TOKENS, MAX_STEPS
from agent_client.model_address import ModelAddress
from agent_client.server_address import ServerAddress


@dataclass(frozen=True)
class Choices:
    """What a person has chosen for a conversation."""

    model: ModelAddress
    servers: Sequence[ServerAddress]
    added_prompt: str = ""
    """Put after what the servers say."""
    own_prompt: str | None = None
    """In place of all that."""
    max_steps: int = MAX_STEPS
    context_tokens: int = CONTEXT_TOKENS

    def check(self) -> None:
        """Look at what can be seen without asking anybody.

        Raises:
            AgentError: The model, or a server, cannot be used.
        """
        self.model.client_options()
        for server in self.servers:
            server.client_options()
