"""The meaning of a language model's errors."""

import re
import traceback

import httpx
from langchain_core import exceptions as provider

from agent_client.errors import ModelError
from agent_client.models.address import PROVIDERS, ModelAddress
from recsys_shared.plain_text import error_line, json_text

_LOST = (provider.ModelConnectionError, provider.ModelTimeoutError, ConnectionError, TimeoutError, httpx.TransportError)
_REFUSED = (provider.ModelAuthenticationError, provider.ModelPermissionDeniedError)
_LIBRARIES = {"openai", "ollama", "anthropic", "google", *(each.library for each in PROVIDERS.values())}
"""Packages in which an error is one of the model, or of what it has sent."""

_NO_TOOLS = re.compile(r"support\w*\W+(?:\w+\W+){0,4}tool|tool\w*\W+(?:\w+\W+){0,6}support|tool choice requires")
"""Words of a refusal: "does not support tools", "tool calling is not supported", vLLM's "tool choice requires ..."."""


def explain(error: BaseException, address: ModelAddress) -> ModelError | None:
    """The meaning of a failure and what to do about it, in one line; None if the failure is not the model's."""
    if isinstance(error, ModelError):
        return error
    if is_silence(error):
        said = f"has not said a word for {address.timeout:g} s: is it slow, or busy? --timeout SECONDS waits longer"
        return ModelError(f"{address} at {address.reached} {said}")
    said = _said(error)[:300] or type(error).__name__
    status = getattr(error, "status_code", None)
    lower = said.lower()
    if isinstance(error, provider.ContextOverflowError) or "context length" in lower or "context window" in lower:
        return ModelError(
            f"the conversation is too long for {address}: begin a new one, or set --context to what it takes ({said})"
        )
    if isinstance(error, _REFUSED) or status in (401, 403):
        key = f"does not accept the key in {address.key_name}" if address.key_name else "asks for a key: --key-variable"
        return ModelError(f"{address.reached} {key} ({said})")
    if isinstance(error, provider.ModelRateLimitError) or status == 429:
        return ModelError(f"{address.reached} does not answer just now (rate limit or quota): wait a while ({said})")
    if status == 404 or isinstance(error, provider.ModelNotFoundError):
        if address.provider == "ollama" and "model" in lower:
            return ModelError(f"{address.reached} has no model {address.name!r}: ollama pull {address.name}")
        return ModelError(
            f"{address.reached} knows no model {address.name!r}: correct --model, or {address.advice} ({said})"
        )
    if status == 405 or said.startswith("No generation"):
        return ModelError(f"{address.reached} does not answer as a model does: {address.advice} ({said})")
    if refuses_tools(error):
        return ModelError(f"{address} cannot call tools: choose a model that can, such as ollama:qwen2.5:7b ({said})")
    if isinstance(error, _LOST):
        return ModelError(f"{address.reached} cannot be reached, or has broken off: is it running? ({said})")
    passed = {frame.f_globals["__name__"].split(".")[0] for frame, _ in traceback.walk_tb(error.__traceback__)}
    if status is not None or isinstance(error, provider.ModelError) or passed & _LIBRARIES:
        return ModelError(f"{address} at {address.reached} has failed: {said}")
    return None


def refuses_tools(error: BaseException) -> bool:
    """True if an endpoint says that it takes no tools, or none with this model."""
    refused = isinstance(error, provider.ModelInvalidRequestError) or getattr(error, "status_code", None) == 400
    return refused and _NO_TOOLS.search(_said(error).lower()) is not None


def _said(error: BaseException) -> str:
    """The error's message, with the words of an endpoint that puts them where OpenAI's SDK does not look."""
    said, body = error_line(error), getattr(error, "body", None)
    if body and re.fullmatch(r"Error code: \d+", said):
        words = body.get("detail", body) if isinstance(body, dict) else body
        return f"{said} - {error_line(words if isinstance(words, str) else json_text(words))}"
    return said


def is_silence(error: BaseException) -> bool:
    """True if an endpoint was reached, and then said nothing for too long."""
    names = {type(error).__name__, type(error.__cause__).__name__}  # of two lines of HTTPX, and of all SDKs
    return bool(names & {"ReadTimeout", "WriteTimeout", "StreamChunkTimeoutError"})
