"""The SDK's HTTP transports and its bearer authentication as ASGI applications, for ``http_server`` to put together.

With ``server``, ``callers`` and ``client`` the only modules that know the MCP SDK.
"""

import contextlib
import inspect
import secrets
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_server.http.middleware import Answer, Replayed, problem
from mcp_server.http.refusals import Refusals
from mcp_server.http.session_quotas import (
    NO_SESSION,
    CountedSessions,
    OwnSessionsOnly,
    no_place,
    owner,
    owner_or_network,
)
from mcp_server.http.sessions import IDLE_SECONDS, NoPlaceError, Session, Sessions
from mcp_server.http.tokens import Tokens

UNREAD_SECONDS = 30.0
"""How long a message waits for the client to read what it has been sent."""

WITH_SESSIONS: Collection[str] | None
"""Revisions of the protocol that have sessions; None where the SDK knows no others."""

try:
    from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS as WITH_SESSIONS
except ImportError:  # the SDK's line 1.x
    WITH_SESSIONS = None


def security(hosts: list[str], origins: list[str]) -> TransportSecuritySettings:
    """The SDK's own check, which sees what `KnownHostsOnly` has let through."""
    return TransportSecuritySettings(enable_dns_rebinding_protection=True, allowed_hosts=hosts, allowed_origins=origins)


def _own_limit(transport: Any, name: str, limit: int | None) -> dict[str, Any]:
    """A limit of the SDK, where it has one, which must not be below ours."""
    return {name: limit} if name in inspect.signature(transport).parameters else {}


def _opens_session(scope: Scope) -> bool:
    """Whether a POST request without a session opens one: in the newest generation of the protocol there are none."""
    version = Headers(scope=scope).get("mcp-protocol-version")
    return version is None or WITH_SESSIONS is None or version in WITH_SESSIONS


class StreamableHttp:
    """Streamable HTTP of a server, at one path."""

    def __init__(
        self,
        server: Server[Any],
        settings: TransportSecuritySettings,
        most_bytes: int,
        stateless: bool,
        sessions: Sessions,
        refusals: Refusals,
    ) -> None:
        self._sessions, self._refusals = sessions, refusals
        manager: Any = StreamableHTTPSessionManager
        options = {
            **_own_limit(manager, "max_request_body_size", most_bytes),
            **_own_limit(manager, "max_sessions", None),
        }
        if not stateless:
            options["session_idle_timeout"] = IDLE_SECONDS
        self._manager = manager(app=server, stateless=stateless, security_settings=settings, **options)
        app: ASGIApp = self._manager.handle_request
        self._app = app if stateless else OwnSessionsOnly(CountedSessions(app, _opens_session, sessions, refusals))

    def running(self) -> AbstractAsyncContextManager[None]:
        """Sessions live while this is open; it can be opened once."""
        run: AbstractAsyncContextManager[None] = self._manager.run()
        return run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._sessions.stream(owner_or_network(scope)))
            except NoPlaceError as error:
                await no_place(error, "streams", self._refusals)(scope, receive, send)
                return
            await self._app(scope, receive, send)


class _Stream:
    """An open stream of SSE.

    Args:
        owner: See `owner` of ``http_sessions``.
    """

    def __init__(self, owner: str, transport: SseServerTransport, session: Session) -> None:
        self.owner, self.transport, self.session = owner, transport, session
        self.was_read = anyio.Event()
        """Set while its client reads what it is sent."""
        self.was_read.set()


class Sse:
    """SSE of a server: `stream` answers GET requests with a stream of events, `messages` takes POST requests.

    Each stream has a transport of its own, at a path of its own below `messages_path`: it goes when its stream ends,
    and only the stream's owner gets to it. The SDK sees to both itself from 1.28 on.

    Args:
        messages_path: Where `messages` will be, as clients see it.
    """

    def __init__(
        self,
        server: Server[Any],
        settings: TransportSecuritySettings,
        most_bytes: int,
        messages_path: str,
        sessions: Sessions,
        refusals: Refusals,
    ) -> None:
        self._server, self._settings, self._messages_path = server, settings, messages_path
        self._limit = _own_limit(SseServerTransport, "max_request_body_size", most_bytes)
        self._sessions, self._refusals = sessions, refusals
        self._open: dict[str, _Stream] = {}

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        life, whose = anyio.CancelScope(), owner_or_network(scope)

        async def close() -> None:
            life.cancel()

        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._sessions.stream(whose))
                session = await self._sessions.open(whose, close)
            except NoPlaceError as error:
                await no_place(error, "streams", self._refusals)(scope, receive, send)
                return
            stack.callback(self._sessions.forget, session)
            answer = Answer(send)
            with life:
                await self._stream(session, scope, receive, answer)
            await answer.end()

    async def _stream(self, session: Session, scope: Scope, receive: Receive, answer: Answer) -> None:
        name = secrets.token_urlsafe(16)
        path = f"{self._messages_path}{name}"
        transport = SseServerTransport(path, security_settings=self._settings, **self._limit)
        stream = _Stream(owner(scope), transport, session)

        async def send(message: Message) -> None:
            stream.was_read = anyio.Event()
            try:
                await answer(message)
            finally:
                stream.was_read.set()

        self._open[name] = stream
        try:
            async with transport.connect_sse(scope, receive, send) as (read, write):
                self._sessions.finish(session)  # what opened it; from the first message on it is used
                await self._server.run(read, write, self._server.create_initialization_options())
        finally:
            del self._open[name]

    async def messages(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = self._open.get(scope["path_params"]["name"])
        if stream is None or stream.owner != owner(scope):
            await NO_SESSION(scope, receive, send)
            return
        body = (await receive())["body"]
        if not stream.session.used:
            self._sessions.begin(stream.session)
        with anyio.move_on_after(UNREAD_SECONDS) as patience:
            await stream.was_read.wait()
        if patience.cancelled_caught:
            await problem(429, "unread", "the stream of events of this session is not read")(scope, receive, send)
            return
        answer = Answer(send)
        try:
            await stream.transport.handle_post_message(scope, Replayed(body, receive), answer)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):  # the stream ended before its turn came
            if not answer.begun:
                await NO_SESSION(scope, receive, send)


class _Verifier:
    """The tokens as the SDK asks for them."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def verify_token(self, token: str) -> AccessToken | None:
        owner = self._tokens.owner(token)
        # The name stands in for the token as well, so that no log of the SDK can show the token.
        return None if owner is None else AccessToken(token=owner, client_id=owner, scopes=[])


def authentication(tokens: Tokens) -> Middleware:
    """Finds out who asks; refuses nobody."""
    return Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(_Verifier(tokens)))


def with_token_only(app: ASGIApp) -> ASGIApp:
    """Answers 401 to whoever presents no accepted token."""
    return RequireAuthMiddleware(app, required_scopes=[])
