"""The HTTP client that asks a model: it tells what no model would answer, and asks once only where nothing comes."""

from collections.abc import Awaitable, Callable
from typing import Any

from agent_client.errors import ModelError
from agent_client.models.address import ModelAddress
from agent_client.models.failures import explain, is_silence
from recsys_shared.plain_text import error_line


def hooks(address: ModelAddress) -> dict[str, list[Callable[[Any], Awaitable[None]]]]:
    """Event hooks of an HTTPX client that raise ModelError where an endpoint answers, but not as a model does."""

    async def check(response: Any) -> None:
        kind = response.headers.get("content-type", "").partition(";")[0].lower()
        streams = b'"stream":true' in response.request.content.replace(b" ", b"")
        if response.is_success and (kind == "text/html" or (kind == "application/json" and streams)):
            said = error_line((await response.aread()).decode(errors="replace"))[:100]
            what = "a web page" if kind == "text/html" else "JSON in place of a stream"
            raise ModelError(f"{address.reached} answers with {what}, not as a model does: {address.advice} ({said})")

    return {"response": [check]}


def asking(client: Any, address: ModelAddress, options: dict[str, Any], sdk_error: Any = Exception) -> Any:
    """A client, of this class, for a provider's SDK, which would ask a model again that has only been slow.

    Args:
        sdk_error: The class of errors that the SDK passes on as they are.
    """
    told = type("ToldError", (ModelError, sdk_error), {})

    async def send(self: Any, request: Any, **how: Any) -> Any:
        try:
            return await client.send(self, request, **how)
        except Exception as error:
            if isinstance(error, ModelError) or is_silence(error):
                raise told(str(explain(error, address))) from None
            raise

    return type("PatientClient", (client,), {"send": send})(event_hooks=hooks(address), **options)
