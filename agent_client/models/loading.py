"""Language models, loaded by their addresses."""

import os
from typing import Any

import httpx
from langchain_core.language_models import BaseChatModel

from agent_client.models.address import KEY_VARIABLE, ModelAddress

ANSWER_SECONDS = 120.0
"""Time without a word after which a model is given up."""

RETRIES = 2
"""Retries of a request that a busy or unreachable endpoint has refused, with growing pauses."""


def load_model(address: ModelAddress, context_tokens: int) -> BaseChatModel:
    """The model, which has not been asked anything yet.

    Args:
        context_tokens: Room for the conversation. Unless told otherwise, Ollama gives a model 4,096 tokens, and then
            silently forgets the beginning, with the tools in it.

    Raises:
        ModelError: The model cannot be asked: a key is missing, or a proxy cannot be used.
    """
    options = address.client_options()
    # Imported here: each takes a second, and only one is needed.
    if address.provider == "ollama":
        from agent_client.models.ollama import FullSchemaOllama

        return FullSchemaOllama(
            model=address.name,
            base_url=address.place,
            num_ctx=context_tokens,
            temperature=0,
            client_kwargs={"timeout": httpx.Timeout(ANSWER_SECONDS, connect=10), **options},
        )
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    clients: dict[str, Any] = {}
    if options:  # with the timeouts and limits of the SDK's own clients
        from openai import DefaultAsyncHttpxClient, DefaultHttpxClient

        clients = {
            "http_client": DefaultHttpxClient(**options),
            "http_async_client": DefaultAsyncHttpxClient(**options),
            "openai_proxy": None,  # OPENAI_PROXY cannot be combined with clients
        }
    return ChatOpenAI(
        model=address.name,
        base_url=address.place,
        # The client insists on a key, even for endpoints that need none.
        api_key=SecretStr(os.environ.get(KEY_VARIABLE) or "none"),
        timeout=httpx.Timeout(ANSWER_SECONDS, connect=10),
        max_retries=RETRIES,
        use_responses_api=False,  # all compatible endpoints speak chat completions
        **clients,
    )
