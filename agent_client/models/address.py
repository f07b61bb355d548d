"""The address of a language model: provider, name, endpoint, and the options of a client that asks it."""

import os
from dataclasses import dataclass
from typing import Any

from agent_client.errors import ModelError
from recsys_shared.proxies import ProxyError, check_proxies, client_options, through_proxy

OPENAI_URL = "https://api.openai.com/"

OLLAMA_URL = "http://127.0.0.1:11434"

KEY_VARIABLE = "OPENAI_API_KEY"


@dataclass(frozen=True)
class ModelAddress:
    """A language model's provider, name and endpoint."""

    provider: str
    """openai, for everything that speaks its chat completions; or ollama."""
    name: str
    base_url: str | None = None

    @classmethod
    def parse(cls, text: str, base_url: str | None = None) -> "ModelAddress":
        """The address in a text such as "openai:gpt-4.1" or "ollama:qwen2.5:7b".

        Raises:
            ModelError: The text has another form.
        """
        provider, _, name = text.partition(":")
        if provider not in ("openai", "ollama") or not name:
            raise ModelError(f"{text!r} is not a model: write openai:NAME or ollama:NAME, such as ollama:qwen2.5:7b")
        return cls(provider, name, base_url)

    @property
    def place(self) -> str:
        if self.provider == "ollama":
            return self.base_url or os.environ.get("OLLAMA_HOST") or OLLAMA_URL
        return self.base_url or os.environ.get("OPENAI_BASE_URL") or f"{OPENAI_URL}v1"

    @property
    def reached(self) -> str:
        """The endpoint, and the proxy on the way to it."""
        return f"{self.place}{through_proxy(self.place)}"

    def __str__(self) -> str:
        return f"{self.provider}:{self.name}"

    def client_options(self) -> dict[str, Any]:
        """Options of the HTTPX client that asks this model.

        Raises:
            ModelError: The model cannot be asked: a key is missing, or a proxy cannot be used.
        """
        if self.provider == "openai" and not os.environ.get(KEY_VARIABLE) and self.place.startswith(OPENAI_URL):
            raise ModelError(f"{self} needs a key: set {KEY_VARIABLE}, or name another endpoint with --base-url")
        try:
            if self.provider == "ollama":
                check_proxies()  # the library of Ollama makes a client of its own when it is imported
            return client_options(self.place)
        except ProxyError as error:
            raise ModelError(f"{self.place} cannot be asked: {error}") from error
