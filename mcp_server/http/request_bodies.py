"""Bodies of POST requests, checked before the SDK's transports see them: they are bounded, and each is one message of
the protocol whose ID no other open request has.
"""

import contextlib
from collections.abc import AsyncIterator

import anyio
import anyio.to_thread
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_server.errors import quoted
from mcp_server.http.middleware import problem
from mcp_server.http.streamable_http import SESSION_ID
from mcp_server.protocol.message_checks import INVALID_REQUEST, InvalidMessageError, JsonObject, read_message

BODY_SECONDS = 30.0
"""Time that a client may take to send the body of a request."""

SHORT = 50_000
"""Bytes up to which a body is parsed in the event loop; longer ones are parsed in a thread."""

ENDING_SECONDS = 1.0
"""Time within which a request that has been answered ends."""


class CheckedBodies:
    """Reads the body of a POST request, however it is sent, before the application sees it. Answers 413 to one that is
    too long, 408 to one that does not come, and 400 with an error of JSON-RPC to one that is not a message.
    """

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app, self._most_bytes = app, most_bytes
        self._open: dict[tuple[str, str], anyio.Event] = {}
        """The end of each request that is open, by its session and its ID."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            with anyio.fail_after(BODY_SECONDS):
                body = await self._read(headers.get("content-length", ""), receive)
        except TimeoutError:
            await problem(408, "request_timeout", f"the body did not come in {BODY_SECONDS:g} s")(scope, receive, send)
            return
        except ClientDisconnect:
            return
        if body is None:
            text = f"the body of a request may have {self._most_bytes:,} bytes at most"
            await problem(413, "request_too_large", text)(scope, receive, send)
            return
        try:
            message = read_message(body) if len(body) < SHORT else await anyio.to_thread.run_sync(read_message, body)
            async with self._with_unique_id(headers.get(SESSION_ID), message):
                await self._app(scope, ReplayedBody(body, receive), send)
        except InvalidMessageError as error:
            await JSONResponse(error.answer, status_code=400)(scope, receive, send)

    async def _read(self, declared: str, receive: Receive) -> bytes | None:
        """The whole body; None where it is too long.

        Args:
            declared: The Content-Length header.
        """
        if declared.isdigit() and int(declared) > self._most_bytes:
            return None
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            if len(body) > self._most_bytes:
                return None
            if not message.get("more_body", False):
                return bytes(body)

    @contextlib.asynccontextmanager
    async def _with_unique_id(self, session: str | None, message: JsonObject) -> AsyncIterator[None]:
        """The SDK finds the stream of an answer by the session and the ID's digits or letters; another request with
        them would take the first one's stream away, and its client would wait for ever. So the next one waits until
        the first has ended, which it does a moment after its answer has gone out.

        Raises:
            InvalidMessageError: Another request with this ID is still open.
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
            raise InvalidMessageError(message["id"], INVALID_REQUEST, text)
        self._open[key] = anyio.Event()
        try:
            yield
        finally:
            self._open.pop(key).set()


class ReplayedBody:
    """Receives a body that has been read already, and then whatever else comes."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}
