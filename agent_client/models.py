"""Language models, loaded, and what their errors mean. Which there are is in `model_address`."""

import asyncio
import os
import re
from typing import Any

import httpx
from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)
from langchain_core.language_models import BaseChatModel

from agent_client.errors import ModelError
from agent_client.model_address import KEY_VARIABLE, ModelAddress

_NO_TOOLS = re.compile(r"support\w*\W+(?:\w+\W+){0,4}tool|tool\w*\W+(?:\w+\W+){0,6}support|tool choice requires")
"""In a refusal: "does not support tools", "tool calling is not supported", vLLM's "tool choice requires ..."."""

ANSWER_SECONDS = 120.0
"""A model that says nothing for so long is given up."""

RETRIES = 2
"""Of requests that a busy or unreachable endpoint has refused; with pauses that grow."""


def load_model(address: ModelAddress, context_tokens: int) -> BaseChatModel:
    """The model, not yet asked anything.

    Args:
        context_tokens: Room for the conversation. Ollama gives a model 4,096 unless told, and then forgets the
            beginning, the tools with it, without a word.

    Raises:
        ModelError: It cannot be asked: a key is missing, or a proxy cannot be used.
    """
    options = address.client_options()
    # Imported here: each takes a second, and only one is needed.
    if address.provider == "ollama":
        from agent_client.ollama import FullSchemaOllama

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
    if options:  # with the times and limits that the SDK's own clients have
        from openai import DefaultAsyncHttpxClient, DefaultHttpxClient

        clients = {
            "http_client": DefaultHttpxClient(**options),
            "http_async_client": DefaultAsyncHttpxClient(**options),
            "openai_proxy": None,  # from OPENAI_PROXY, which does not go with clients
        }
    return ChatOpenAI(
        model=address.name,
        base_url=address.place,
        # Endpoints of one's own ask for no key, and the client insists on one.
        api_key=SecretStr(os.environ.get(KEY_VARIABLE) or "none"),
        timeout=httpx.Timeout(ANSWER_SECONDS, connect=10),
        max_retries=RETRIES,
        use_responses_api=False,  # what all compatible endpoints speak is chat completions
        **clients,
    )


def explain(error: BaseException, address: ModelAddress) -> ModelError | None:
    """What a failure of the model means and what to do, in one line; None if it is not the model's."""
    said = " ".join(str(error).split())[:300] or type(error).__name__
    status = getattr(error, "status_code", None)
    lower = said.lower()
    if isinstance(error, ContextOverflowError) or "context length" in lower or "context window" in lower:
        return ModelError(
            f"the conversation is too long for {address}: begin a new one, or set --context to what it takes ({said})"
        )
    if isinstance(error, ModelAuthenticationError | ModelPermissionDeniedError) or status in (401, 403):
        return ModelError(f"{address.reached} does not accept the key in {KEY_VARIABLE} ({said})")
    if isinstance(error, ModelRateLimitError) or status == 429:
        return ModelError(f"{address.reached} answers no more just now (rate limit or quota): wait a while ({said})")
    if status == 404 or isinstance(error, ModelNotFoundError):
        if address.provider == "ollama":
            return ModelError(f"{address.reached} has no model {address.name!r}: ollama pull {address.name}")
        return ModelError(f"{address.reached} knows no model {address.name!r}: check --model and --base-url ({said})")
    if _NO_TOOLS.search(lower) and (isinstance(error, ModelInvalidRequestError) or status == 400):
        return ModelError(f"{address} cannot call tools: choose a model that can, such as ollama:qwen2.5:7b ({said})")
    if _is_lost(error):
        return ModelError(f"{address.reached} cannot be reached, or has broken off: is it running? ({said})")
    if status is not None or type(error).__module__.split(".")[0] in ("openai", "ollama", "langchain_openai"):
        return ModelError(f"{address} at {address.reached} has failed: {said}")
    return None


def _is_lost(error: BaseException) -> bool:
    lost = (ModelConnectionError, ModelTimeoutError, ConnectionError, httpx.TransportError, asyncio.TimeoutError)
    if isinstance(error, lost):
        return True
    name = type(error).__name__  # openai.APIConnectionError, without importing openai for Ollama's users
    return name in ("APIConnectionError", "APITimeoutError", "StreamChunkTimeoutError")
