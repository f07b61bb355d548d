"""Language models, loaded by their addresses."""

import os
from importlib import import_module
from typing import Any

import httpx
from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from agent_client.models.address import ModelAddress
from agent_client.models.http import asking, hooks

CONNECT_SECONDS = 10

RETRIES = 2
"""Retries of a request that a busy or unreachable endpoint has refused, with growing pauses."""

AZURE_VERSION = "2024-10-21"
"""Version of Azure's API; OPENAI_API_VERSION names another one."""


def load_model(address: ModelAddress, context_tokens: int) -> BaseChatModel:
    """The model, which has not been asked anything yet.

    Args:
        context_tokens: Room for the conversation. Unless told otherwise, Ollama gives a model 4,096 tokens, and then
            silently forgets the beginning, with the tools in it.

    Raises:
        ModelError: The model cannot be asked; see `ModelAddress.client_options`.
    """
    loaded: BaseChatModel = _LOADERS[address.provider](address, address.client_options(), context_tokens)
    return loaded


def _ollama(address: ModelAddress, options: dict[str, Any], context_tokens: int) -> BaseChatModel:
    from agent_client.models.ollama import FullSchemaOllama

    if address.key:
        options = {**options, "headers": {"Authorization": f"Bearer {address.key}"}}
    return FullSchemaOllama(
        model=address.name,
        base_url=address.place,
        num_ctx=context_tokens,
        temperature=address.temperature or 0,
        client_kwargs={"timeout": httpx.Timeout(address.timeout, connect=CONNECT_SECONDS), **options},
        async_client_kwargs={"event_hooks": hooks(address)},
    )


def _openai(address: ModelAddress, options: dict[str, Any], _: int) -> BaseChatModel:
    from langchain_openai import AzureChatOpenAI, ChatOpenAI
    from openai import DefaultAsyncHttpxClient, DefaultHttpxClient

    common: dict[str, Any] = {
        "model": address.name,
        # The client insists on a key, even for endpoints that need none.
        "api_key": SecretStr(address.key or "none"),
        "temperature": address.temperature,
        "timeout": httpx.Timeout(address.timeout, connect=CONNECT_SECONDS),
        "stream_chunk_timeout": address.timeout,
        "max_retries": RETRIES,
        "use_responses_api": False,  # all compatible endpoints speak chat completions
        # With the limits of the SDK's own clients.
        "http_client": DefaultHttpxClient(**options),
        "http_async_client": asking(DefaultAsyncHttpxClient, address, options),
        "openai_proxy": None,  # OPENAI_PROXY cannot be combined with clients
    }
    if address.provider == "azure":
        version = os.environ.get("OPENAI_API_VERSION") or AZURE_VERSION
        return AzureChatOpenAI(
            azure_deployment=address.name, azure_endpoint=address.place, api_version=version, **common
        )
    return ChatOpenAI(base_url=address.place, **common)


def _anthropic(address: ModelAddress, options: dict[str, Any], _: int) -> Any:
    anthropic = import_module("anthropic")
    common = {"api_key": address.key, "base_url": address.place}
    model = import_module("langchain_anthropic").ChatAnthropic(
        model=address.name, temperature=address.temperature, **common
    )
    timeout = anthropic.Timeout(address.timeout, connect=CONNECT_SECONDS)
    client = asking(anthropic.DefaultAsyncHttpxClient, address, options, anthropic.AnthropicError)
    # The class cannot be given a client, so this one lies where it would keep its own.
    vars(model)["_async_client"] = anthropic.AsyncAnthropic(
        max_retries=RETRIES, timeout=timeout, http_client=client, **common
    )
    return model


def _google(address: ModelAddress, options: dict[str, Any], _: int) -> Any:
    common = {"api_key": address.key, "vertexai": False}
    model = import_module("langchain_google_genai").ChatGoogleGenerativeAI(
        model=address.name,
        temperature=address.temperature,
        timeout=address.timeout,
        max_retries=1 + RETRIES,  # it counts the first request, too
        **common,
    )
    http = {"base_url": address.place, "httpx_async_client": asking(httpx.AsyncClient, address, options)}
    model.client = import_module("google.genai").Client(http_options=http, **common)
    return model


_LOADERS = {"openai": _openai, "azure": _openai, "ollama": _ollama, "anthropic": _anthropic, "google": _google}
"""By provider. Each imports its library itself, since that takes a second."""
