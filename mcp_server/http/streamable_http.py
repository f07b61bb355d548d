"""Streamable HTTP: the SDK's transport, with quotas of sessions and streams before it.

The SDK lets only the token that opened a session into it, and answers 404 to all others.
"""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_server.http.refusals import Refusals
from mcp_server.http.session_quotas import (
    IDLE_SECONDS,
    NoPlaceError,
    Session,
    Sessions,
    no_place,
    owner_or_network,
)
from mcp_server.protocol.sdk_server import supported_options

SESSION_ID = "mcp-session-id"

REVISIONS_WITH_SESSIONS: Collection[str] | None
"""Revisions of the protocol that have sessions; None where the SDK knows no others."""

try:
    from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS as REVISIONS_WITH_SESSIONS
except ImportError:  # the SDK's line 1.x
    REVISIONS_WITH_SESSIONS = None


class StreamableHttp:
    """The transport of a server, as an ASGI application for one path."""

    def __init__(
        self,
        server: Server[Any],
        security: TransportSecuritySettings,
        most_bytes: int,
        stateless: bool,
        sessions: Sessions,
        refusals: Refusals,
    ) -> None:
        self._sessions, self._refusals = sessions, refusals
        manager: Any = StreamableHTTPSessionManager
        options = {
            "max_request_body_size": most_bytes,
            "max_sessions": None,
            "session_idle_timeout": None if stateless else IDLE_SECONDS,
        }
        self._manager = manager(
            app=server, stateless=stateless, security_settings=security, **supported_options(manager, options)
        )
        self._app: ASGIApp = self._manager.handle_request
        self._stateless = stateless
        self._open: dict[str, Session] = {}

    def running(self) -> AbstractAsyncContextManager[None]:
        """Sessions live while this is open; it can be opened once."""
        run: AbstractAsyncContextManager[None] = self._manager.run()
        return run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await self._counted(scope, receive, send)
            return
        try:
            with self._sessions.stream(owner_or_network(scope)):
                await self._counted(scope, receive, send)
        except NoPlaceError as error:
            await no_place(error, "streams", self._refusals)(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open no more sessions than there may be, and note when each is used. The SDK has one limit for all owners."""
        session_id = Headers(scope=scope).get(SESSION_ID)
        if session_id is None and scope["method"] == "POST" and not self._stateless and _opens_session(scope):
            await self._begin(scope, receive, send)
        elif session_id in self._open and self._open[session_id].belongs_to(scope):
            await self._continue(session_id, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _begin(self, scope: Scope, receive: Receive, send: Send) -> None:
        session_id: str | None = None

        async def close() -> None:
            if session_id is not None:
                self._open.pop(session_id, None)
                await self._delete(session_id, scope.get("user"))

        try:
            session = await self._sessions.open(owner_or_network(scope), close)
        except NoPlaceError as error:
            await no_place(error, "sessions", self._refusals)(scope, receive, send)
            return

        async def note_session_id(message: Message) -> None:
            nonlocal session_id
            if message["type"] == "http.response.start" and message["status"] < 400:
                session_id = Headers(raw=message["headers"]).get(SESSION_ID)
                if session_id is not None:
                    self._open[session_id] = session
            await send(message)

        try:
            await self._app(scope, receive, note_session_id)
        finally:
            if session_id is None:
                self._sessions.forget(session)
            else:
                self._sessions.finish(session)

    async def _continue(self, session_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        session, has_ended = self._open[session_id], False

        async def note_end(message: Message) -> None:
            nonlocal has_ended
            if message["type"] == "http.response.start":
                status = message["status"]
                has_ended = status == 404 or (scope["method"] == "DELETE" and status < 400)
            await send(message)

        self._sessions.begin(session)
        try:
            await self._app(scope, receive, note_end)
        finally:
            self._sessions.finish(session)
            if has_ended:
                self._open.pop(session_id, None)
                self._sessions.forget(session)

    async def _delete(self, session_id: str, user: object) -> None:
        """End a session as its client would."""

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_: Message) -> None:
            pass

        headers = [(b"host", b"localhost"), (SESSION_ID.encode(), session_id.encode())]
        request = {"type": "http", "http_version": "1.1", "scheme": "http", "path": "/", "query_string": b""}
        await self._app({**request, "method": "DELETE", "headers": headers, "user": user}, receive, send)


def _opens_session(scope: Scope) -> bool:
    """True if a POST request without a session opens one: the newest revision of the protocol has none."""
    version = Headers(scope=scope).get("mcp-protocol-version")
    return version is None or REVISIONS_WITH_SESSIONS is None or version in REVISIONS_WITH_SESSIONS
