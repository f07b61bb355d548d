"""Bodies of requests that the SDK's transports would not answer, answered before they see them: what is no message of
the protocol, and a request with the ID of another that is still open.
"""

import contextlib
from collections.abc import AsyncIterator

import anyio
import anyio.to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_server.errors import quoted
from mcp_server.http.middleware import Replayed
from mcp_server.http.session_quotas import SESSION_ID
from mcp_server.protocol.message_checks import INVALID_REQUEST, Message, NoMessageError, read_message

SHORT = 50_000
"""Bytes that are looked at without leaving the event loop."""

ENDING_SECONDS = 1.0
"""In which a request that has been answered ends."""


class MessagesOnly:
    """Answers 400, with an error of JSON-RPC, to a POST request whose body is no message (see ``messages``)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: dict[tuple[str, str], anyio.Event] = {}
        """The end of each request that is open, by its session and its ID."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        try:
            message = read_message(body) if len(body) < SHORT else await anyio.to_thread.run_sync(read_message, body)
            async with self._of_its_own_id(Headers(scope=scope).get(SESSION_ID), message):
                await self._app(scope, Replayed(body, receive), send)
        except NoMessageError as error:
            await JSONResponse(error.answer, status_code=400)(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _of_its_own_id(self, session: str | None, message: Message) -> AsyncIterator[None]:
        """The SDK finds the stream of an answer by the session and the ID's digits or letters; another request with
        them would take the first one's stream away, and its client would wait for ever. So the next one waits until
        the first has ended, which it does a moment after its answer has gone out.

        Raises:
            NoMessageError: The ID is another request's.
        """
        if session is None or "id" not in message or "method" not in message:
            yield
            return
        key = session, str(message["id"])
        with anyio.move_on_after(ENDING_SECONDS) as patience:
            while key in self._open:
                await self._open[key].wait()
        if patience.cancelled_caught:
            text = f"another request with the id {quoted(message['id'])} is still open: take an id of its own"
            raise NoMessageError(message["id"], INVALID_REQUEST, text)
        self._open[key] = anyio.Event()
        try:
            yield
        finally:
            self._open.pop(key).set()
