"""The ASGI application: its paths, and what guards each of them."""

import contextlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, request_response
from starlette.types import ASGIApp

from mcp_server.errors import InvalidInputError
from mcp_server.http.auth import Tokens, authentication, with_token_only
from mcp_server.http.health import Readiness
from mcp_server.http.hosts_and_origins import KnownHostsOnly, accepted_hosts, accepted_origins
from mcp_server.http.metrics import Metrics
from mcp_server.http.middleware import problem
from mcp_server.http.refusals import Refusals
from mcp_server.http.request_bodies import CheckedBodies
from mcp_server.http.session_quotas import Sessions
from mcp_server.http.sse import Sse
from mcp_server.http.streamable_http import StreamableHttp
from mcp_server.protocol.sdk_server import build_server
from mcp_server.serving.call_runner import Calls
from mcp_server.serving.service import Service
from mcp_server.settings import Settings, Transport


@dataclass(frozen=True)
class Paths:
    """The paths of a server.

    Raises:
        InvalidInputError: The prefix is not a path.
    """

    prefix: str
    transport: Transport

    def __post_init__(self) -> None:
        prefix = self.prefix.strip("/")
        if not re.fullmatch(r"[\w.~-]*(/[\w.~-]+)*", prefix, re.ASCII):
            raise InvalidInputError(f"RECSYS_PATH_PREFIX: {self.prefix!r} is not a path such as /recommender")
        object.__setattr__(self, "prefix", f"/{prefix}" if prefix else "")

    @property
    def streamable_http(self) -> str | None:
        return f"{self.prefix}/mcp" if self.transport in ("http", "streamable-http") else None

    @property
    def sse(self) -> str | None:
        return f"{self.prefix}/sse" if self.transport in ("http", "sse") else None

    @property
    def messages(self) -> str:
        return f"{self.prefix}/messages/"

    def of(self, name: str) -> str:
        return f"{self.prefix}/{name}"

    def described(self, base: str = "") -> str:
        """ "http://127.0.0.1:8000/mcp (streamable HTTP) and http://127.0.0.1:8000/sse (SSE)"."""
        places = ((self.streamable_http, "streamable HTTP"), (self.sse, "SSE"))
        return " and ".join(f"{base}{path} ({name})" for path, name in places if path is not None)


def build_app(
    service: Service,
    calls: Calls,
    metrics: Metrics,
    refusals: Refusals,
    sessions: Sessions,
    settings: Settings,
    tokens: Tokens,
) -> ASGIApp:
    """The application: MCP, metrics, health and readiness. It starts and closes the service.

    Raises:
        InvalidInputError: A setting cannot be used.
    """
    paths = Paths(settings.path_prefix, settings.transport)
    hosts, origins = accepted_hosts(settings), accepted_origins(settings)
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True, allowed_hosts=hosts, allowed_origins=origins
    )
    most_bytes = settings.max_body_kb * 1024
    server = build_server(service, calls)
    readiness = Readiness(service.readiness)

    def guarded(app: ASGIApp) -> ASGIApp:
        checked = CheckedBodies(app, most_bytes)
        return with_token_only(checked) if tokens else checked

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        if calls.stopping:
            checks = {"server": "stopping"}
        else:
            checks = {**await readiness.checks(), "sessions": "unavailable" if sessions.full else "ok"}
        is_ready = all(found == "ok" for found in checks.values())
        content: dict[str, Any] = {"ready": is_ready, "checks": checks}
        told = not tokens or request.user.is_authenticated  # it tells something about the owner's business
        if told and not calls.stopping:
            content["freshness"] = service.freshness
        return JSONResponse(content, status_code=200 if is_ready else 503)

    async def show_metrics(request: Request) -> Response:
        page, content_type = metrics.page(request.headers.get("accept", ""))
        return Response(page, headers={"Content-Type": content_type})

    routes: list[BaseRoute] = []

    def serve(path: str, endpoint: Callable[..., Any], methods: list[str] | None) -> None:
        """Add a path with and without a slash at its end: a redirect would have to trust the Host of a request."""
        routes.extend(Route(each, endpoint, methods=methods) for each in (path, f"{path}/"))

    for name, answer in (("health", health), ("ready", ready)):
        serve(paths.of(name), answer, ["GET"])
    serve(paths.of("metrics"), guarded(request_response(show_metrics)), ["GET"])
    streamable_http = None
    if paths.streamable_http is not None:
        streamable_http = StreamableHttp(server, security, most_bytes, settings.stateless, sessions, refusals)
        serve(paths.streamable_http, guarded(streamable_http), None)
    if paths.sse is not None:
        sse = Sse(server, security, most_bytes, paths.messages, sessions, refusals)
        serve(paths.sse, guarded(sse.stream), ["GET"])
        routes.append(Route(paths.messages, guarded(sse.messages), methods=["POST"]))

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            service.start()
            service.warm()
            async with contextlib.AsyncExitStack() as stack:
                if streamable_http is not None:
                    await stack.enter_async_context(streamable_http.running())
                await stack.enter_async_context(sessions.kept())
                yield
        finally:
            await service.close()

    async def refuse(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code != 404:
            return problem(error.status_code, "not_allowed", error.detail)
        return problem(404, "not_found", f"there is nothing at this path; MCP is at {paths.described()}")

    middleware = []
    if settings.allowed_origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=[origin for origin in origins if not origin.endswith(":*")],
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["*"],  # MCP's own have names that depend on the tools
                expose_headers=["Mcp-Session-Id"],
            )
        )
    if tokens:
        middleware.append(authentication(tokens))
    app = Starlette(routes=routes, middleware=middleware, lifespan=lifespan, exception_handlers={HTTPException: refuse})
    app.router.redirect_slashes = False
    open_paths = {f"{paths.of(name)}{end}" for name in ("health", "ready") for end in ("", "/")}
    return KnownHostsOnly(app, hosts, origins, open_paths, refusals)
