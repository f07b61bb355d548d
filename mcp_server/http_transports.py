"""The SDK's HTTP transports and its bearer authentication as ASGI applications, for ``http_server`` to put together.

With ``server`` and ``client`` the only modules that know the MCP SDK.
"""

import inspect
from contextlib import AbstractAsyncContextManager
from typing import Any

from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_server.access import Tokens

SESSION_IDLE_SECONDS = 30 * 60.0
"""A session of streamable HTTP that has been silent for so long is forgotten; its client is told to begin anew."""


def security(hosts: list[str], origins: list[str]) -> TransportSecuritySettings:
    return TransportSecuritySettings(enable_dns_rebinding_protection=True, allowed_hosts=hosts, allowed_origins=origins)


class KnownHostsOnly:
    """Answers only requests whose Host and Origin are accepted: 421 and 403 otherwise."""

    def __init__(self, app: ASGIApp, settings: TransportSecuritySettings) -> None:
        self._app, self._check = app, TransportSecurityMiddleware(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = await self._check.validate_request(Request(scope), is_post=False)
        await (refusal or self._app)(scope, receive, send)


def _own_limit(transport: Any, most_bytes: int) -> dict[str, Any]:
    """The SDK's limit on bodies, where it has one, must not be below ours."""
    name = "max_request_body_size"
    return {name: most_bytes} if name in inspect.signature(transport).parameters else {}


class StreamableHttp:
    """Streamable HTTP of a server, at one path."""

    def __init__(
        self, server: Server[Any], settings: TransportSecuritySettings, most_bytes: int, stateless: bool
    ) -> None:
        manager: Any = StreamableHTTPSessionManager
        options = _own_limit(manager, most_bytes)
        if not stateless:
            options["session_idle_timeout"] = SESSION_IDLE_SECONDS
        self._manager = manager(app=server, stateless=stateless, security_settings=settings, **options)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Sessions live while this is open; it can be opened once."""
        run: AbstractAsyncContextManager[None] = self._manager.run()
        return run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._manager.handle_request(scope, receive, send)


class Sse:
    """SSE of a server: `stream` answers GET requests with a stream of events, `messages` takes POST requests.

    Args:
        messages_path: Where `messages` will be, as clients see it.
    """

    def __init__(
        self, server: Server[Any], settings: TransportSecuritySettings, most_bytes: int, messages_path: str
    ) -> None:
        self._server = server
        transport: Any = SseServerTransport
        self._transport = transport(messages_path, security_settings=settings, **_own_limit(transport, most_bytes))

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._transport.connect_sse(scope, receive, send) as (read, write):
            await self._server.run(read, write, self._server.create_initialization_options())

    async def messages(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._transport.handle_post_message(scope, receive, send)


class _Verifier:
    """The tokens as the SDK asks for them. From 1.28 on it ties each session to who opened it."""

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
