"""SSE: the SDK's transport, with quotas of streams before it.

The SDK lets only the token that opened a stream send messages to it, and answers 404 to all others.
"""

import contextlib
import re
from typing import Any
from uuid import UUID

import anyio
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from mcp_server.http.middleware import TrackedResponse, problem
from mcp_server.http.refusals import Refusals
from mcp_server.http.session_quotas import NoPlaceError, Session, Sessions, no_place, owner_or_network
from mcp_server.protocol.sdk_server import supported_options

UNREAD_SECONDS = 30.0
"""Time that a message waits for the client to read what it has been sent."""

SESSION_ID = re.compile(rb"session_id=([0-9a-f]{32})")
"""The ID of a stream in its first event, which tells the client where to send messages."""


class _Stream:
    """An open stream of events."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.was_read = anyio.Event()
        """Set while its client reads what it is sent."""
        self.was_read.set()


class Sse:
    """The transport of a server: `stream` answers GET requests with a stream of events, `messages` takes POST requests.

    Args:
        messages_path: Where `messages` will be, as clients see it.
    """

    def __init__(
        self,
        server: Server[Any],
        security: TransportSecuritySettings,
        most_bytes: int,
        messages_path: str,
        sessions: Sessions,
        refusals: Refusals,
    ) -> None:
        limit = supported_options(SseServerTransport, {"max_request_body_size": most_bytes})
        self._transport = SseServerTransport(messages_path, security_settings=security, **limit)
        self._server, self._sessions, self._refusals = server, sessions, refusals
        self._open: dict[str | None, _Stream] = {}

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        life, owner = anyio.CancelScope(), owner_or_network(scope)

        async def close() -> None:
            life.cancel()

        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._sessions.stream(owner))
                session = await self._sessions.open(owner, close)
            except NoPlaceError as error:
                await no_place(error, "streams", self._refusals)(scope, receive, send)
                return
            stack.callback(self._sessions.forget, session)
            response = TrackedResponse(send)
            with life:
                await self._serve(_Stream(session), scope, receive, response)
            await response.end()

    async def _serve(self, stream: _Stream, scope: Scope, receive: Receive, response: TrackedResponse) -> None:
        session_id: str | None = None

        async def send(message: Message) -> None:
            nonlocal session_id
            if session_id is None and (found := SESSION_ID.search(message.get("body", b""))):
                session_id = found[1].decode("ascii")
                self._open[session_id] = stream
            stream.was_read = anyio.Event()
            try:
                await response(message)
            finally:
                stream.was_read.set()

        try:
            async with self._transport.connect_sse(scope, receive, send) as (read, write):
                self._sessions.finish(stream.session)  # its opening; it counts as used from the first message on
                await self._server.run(read, write, self._server.create_initialization_options())
        finally:
            if session_id is not None:
                del self._open[session_id]

    async def messages(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = self._open.get(_session_id(scope))
        if stream is not None and stream.session.belongs_to(scope):
            if not stream.session.used:
                self._sessions.begin(stream.session)
            with anyio.move_on_after(UNREAD_SECONDS) as patience:
                await stream.was_read.wait()
            if patience.cancelled_caught:
                await problem(429, "unread", "the stream of events of this session is not read")(scope, receive, send)
                return
        with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):  # the stream ended meanwhile
            await self._transport.handle_post_message(scope, receive, send)


def _session_id(scope: Scope) -> str | None:
    """The ID that a message is sent to, in the one spelling that is compared: the SDK takes dashes and capitals too."""
    try:
        return UUID(hex=Request(scope).query_params.get("session_id", "")).hex
    except ValueError:
        return None
