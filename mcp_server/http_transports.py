"""The SDK's HTTP transports and its bearer authentication as ASGI applications, for ``http_server`` to put together.

With ``server`` and ``client`` the only modules that know the MCP SDK.
"""

import hmac
import inspect
import secrets
from contextlib import AbstractAsyncContextManager
from typing import Any

from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_server.tokens import Tokens

SESSION_IDLE_SECONDS = 30 * 60.0
"""A session of streamable HTTP that has been silent for so long is forgotten; its client is told to begin anew."""


def security(hosts: list[str], origins: list[str]) -> TransportSecuritySettings:
    """The SDK's own check, which sees what `KnownHostsOnly` has let through."""
    return TransportSecuritySettings(enable_dns_rebinding_protection=True, allowed_hosts=hosts, allowed_origins=origins)


def _own_limit(transport: Any, most_bytes: int) -> dict[str, Any]:
    """The SDK's limit on bodies, where it has one, must not be below ours."""
    name = "max_request_body_size"
    return {name: most_bytes} if name in inspect.signature(transport).parameters else {}


NO_SESSION = PlainTextResponse("there is no such session", status_code=404)

SESSION_ID = "mcp-session-id"


def _owner(scope: Scope) -> str:
    """Whose token came with a request; "" where none is asked for."""
    return getattr(scope.get("user"), "username", "")


class OwnSessionsOnly:
    """Lets only its owner into a session. The SDK does so itself from 1.28 on.

    Nothing is kept: a client gets the ID with a signature over it and the owner.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._key = app, secrets.token_bytes(32)

    def _signed(self, name: str, owner: str) -> str:
        return f"{name}.{hmac.digest(self._key, f'{name} {owner}'.encode(), 'sha256').hex()[:31]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        owner, given = _owner(scope), Headers(scope=scope).get(SESSION_ID)
        if given is not None:
            name = given.partition(".")[0]
            if not hmac.compare_digest(self._signed(name, owner).encode(), given.encode()):
                await NO_SESSION(scope, receive, send)
                return
            scope = {**scope, "headers": list(scope["headers"])}
            MutableHeaders(scope=scope)[SESSION_ID] = name

        async def sign(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if SESSION_ID in headers:
                    headers[SESSION_ID] = self._signed(headers[SESSION_ID], owner)
            await send(message)

        await self._app(scope, receive, sign)


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
        app: ASGIApp = self._manager.handle_request
        self._app = app if stateless else OwnSessionsOnly(app)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Sessions live while this is open; it can be opened once."""
        run: AbstractAsyncContextManager[None] = self._manager.run()
        return run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class Sse:
    """SSE of a server: `stream` answers GET requests with a stream of events, `messages` takes POST requests.

    Each stream has a transport of its own, at a path of its own below `messages_path`: it goes when its stream ends,
    and only the stream's owner gets to it. The SDK sees to both itself from 1.28 on.

    Args:
        messages_path: Where `messages` will be, as clients see it.
    """

    def __init__(
        self, server: Server[Any], settings: TransportSecuritySettings, most_bytes: int, messages_path: str
    ) -> None:
        self._server, self._settings, self._messages_path = server, settings, messages_path
        self._limit = _own_limit(SseServerTransport, most_bytes)
        self._open: dict[str, tuple[str, SseServerTransport]] = {}

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = secrets.token_urlsafe(16)
        path = f"{self._messages_path}{name}"
        transport = SseServerTransport(path, security_settings=self._settings, **self._limit)
        self._open[name] = _owner(scope), transport
        try:
            async with transport.connect_sse(scope, receive, send) as (read, write):
                await self._server.run(read, write, self._server.create_initialization_options())
        finally:
            del self._open[name]

    async def messages(self, scope: Scope, receive: Receive, send: Send) -> None:
        owner, transport = self._open.get(scope["path_params"]["name"], (None, None))
        if transport is None or owner != _owner(scope):
            await NO_SESSION(scope, receive, send)
        else:
            await transport.handle_post_message(scope, receive, send)


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
