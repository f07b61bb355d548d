"""A person's choices for a conversation, which can be refused before LangChain is imported: that takes seconds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent_client.models.address import ModelAddress
from agent_client.servers.address import ServerAddress

MAX_STEPS = 12
"""Rounds of tool calls before the model has to answer."""

CONTEXT_TOKENS = 32_000
"""Tokens of a conversation, by a rough count; the system prompt and the list of tools come on top."""


@dataclass(frozen=True)
class Choices:
    """Models, servers, prompts and limits."""

    model: ModelAddress
    """The one that is asked."""
    servers: Sequence[ServerAddress]
    added_prompt: str = ""
    """Words added to the servers' own."""
    own_prompt: str | None = None
    """The whole system prompt, in place of all others."""
    max_steps: int = MAX_STEPS
    context_tokens: int = CONTEXT_TOKENS
    plan: bool | None = None
    """True where the model writes plans in place of tool calls; None where it may come to that if its calls fail."""
    models: Sequence[ModelAddress] = ()
    """All that may be asked in its place, and itself."""

    def __post_init__(self) -> None:
        if self.model not in self.models:
            object.__setattr__(self, "models", (self.model, *self.models))

    def asking(self, name: str) -> "Choices":
        """The same with one of `models`, or a new one at its provider's endpoint; a ModelError if it is no name."""
        for model in self.models:
            if name in (str(model), model.name):
                return replace(self, model=model)
        new = ModelAddress.parse(name)
        model = replace(self.model, provider=new.provider, name=new.name)
        if new.provider != self.model.provider:
            model = replace(model, base_url=None, key_variable=None)
        return replace(self, model=model)

    def check(self) -> None:
        """Check what can be checked without a request; an AgentError if a model, or the server, cannot be used."""
        for model in self.models:
            model.client_options()
        if len(self.servers) == 1:  # of several, those are used that can be
            self.servers[0].client_options()
