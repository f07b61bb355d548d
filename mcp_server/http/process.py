"""The server process over a network: its sockets, its start and its stop. ``app`` is what it serves."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from mcp_server.errors import InvalidInputError
from mcp_server.http.app import Paths, build_app
from mcp_server.http.auth import Tokens
from mcp_server.http.bounded_http import BoundedHttp
from mcp_server.http.connections import Connections, affordable
from mcp_server.http.hosts_and_origins import check_exposure, in_url
from mcp_server.http.metrics import Metrics
from mcp_server.http.middleware import OpenRequests
from mcp_server.http.refusals import Refusals
from mcp_server.http.session_quotas import Sessions
from mcp_server.logs import announce
from mcp_server.protocol.handlers import COMPLETION, RESOURCE
from mcp_server.protocol.shutdown import finish, stop_signals
from mcp_server.serving.call_runner import Calls, log_call
from mcp_server.serving.service import Service
from mcp_server.settings import Settings, secrets_folder

KEEP_ALIVE_SECONDS = 75
"""Lifetime of an idle connection. Proxies in front of servers keep theirs for 60 s as a rule; with a longer time it is
never the server that closes a connection just as a request comes."""

CLOSING_SECONDS = 5
"""Time for connections to close after their requests have been ended."""

BACKLOG = 2048
"""Upper bound on connections that wait to be accepted."""


async def serve_http(settings: Settings) -> None:
    """Serve any number of clients until a signal asks to stop.

    Raises:
        RecsysError: The address cannot be listened on, or the settings cannot be used.
    """
    written = settings.tokens.get_secret_value() if settings.tokens else None
    tokens = Tokens(written, settings.tokens_file, secrets_folder())
    check_exposure(settings, tokens)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(each) for each in listen(settings.host, settings.port)]
        service = Service(settings, prepare_if_needed=True)
        metrics = Metrics([*service.tools, RESOURCE, COMPLETION])
        calls = Calls(settings.max_calls, settings.call_timeout, [log_call, metrics.record])
        metrics.watch(calls)
        requests = OpenRequests()
        refusals = Refusals(metrics.refused)
        connections = Connections(affordable(settings.max_connections))
        metrics.show("recsys_connections", "Connections that are open.", lambda: len(connections))
        sessions = Sessions(settings.max_sessions, settings.max_sessions_each, max(1, connections.most // 2))
        metrics.show("recsys_sessions", "Sessions that are open, streams of SSE included.", lambda: sessions.n_open)
        app = build_app(service, calls, metrics, refusals, sessions, settings, tokens)

        def listening() -> None:
            base = f"http://{in_url(settings.host)}:{sockets[0].getsockname()[1]}"
            paths = Paths(settings.path_prefix, settings.transport)
            needed = "a token is needed" if tokens else "no token is needed"
            urls = [f"{base}{path}" for path in (paths.streamable_http, paths.sse) if path is not None]
            announce(
                f"listening on {paths.described(base)}; {needed}",
                settings.log_format,
                urls=urls,
                token_needed=bool(tokens),
            )

        async def end() -> None:
            await finish(calls, lambda: requests.sending, settings.shutdown_timeout)
            requests.end()

        protocol = partial(BoundedHttp, connections=connections, refusals=refusals)
        process = _Process(requests.watched(app), protocol, calls, listening, end, settings.shutdown_timeout)
        await process.serve(sockets)


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen, one for each address of the host; all on the same port.

    Raises:
        InvalidInputError: The host cannot be listened on; the text says why.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise InvalidInputError(f"{host} is not an address to listen on: {error}") from error
    sockets: list[socket.socket] = []
    failure: OSError | None = None
    for family, _, _, _, address in sorted(found, key=lambda each: each[0]):
        try:
            place = (address[0], port, *address[2:])
            sockets.append(socket.create_server(place, family=family, backlog=BACKLOG))
        except OSError as error:
            failure = error
            if error.errno != errno.EADDRNOTAVAIL:  # a name may have an address that this machine lacks
                break
        else:
            port = sockets[0].getsockname()[1]
    if sockets and (failure is None or failure.errno == errno.EADDRNOTAVAIL):
        return sockets
    for each in sockets:
        each.close()
    assert failure is not None
    raise InvalidInputError(_why(failure, host, port)) from failure


def _why(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} of {host} is in use: choose another with --port (0 takes any that is free)"
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine: 127.0.0.1 is always one, 0.0.0.0 stands for all"
        case errno.EACCES:
            return f"this user may not listen on port {port}: choose one above 1023 with --port"
        case _:
            return f"{host} port {port} cannot be listened on: {error.strerror}"


class _Process(uvicorn.Server):
    """A uvicorn server that ends its streams before it stops, and returns after a signal. uvicorn itself waits for
    streams that never end, and then raises the signal again.

    Args:
        protocol: Makes the protocol of a connection.
        listening: Called when requests are accepted.
        end: Awaited when none are accepted any more; lets calls finish and ends all requests.
    """

    def __init__(
        self,
        app: ASGIApp,
        protocol: Callable[..., asyncio.Protocol],
        calls: Calls,
        listening: Callable[[], None],
        end: Callable[[], Awaitable[None]],
        shutdown_timeout: float,
    ) -> None:
        config = uvicorn.Config(
            app,
            http=cast(type[asyncio.Protocol], protocol),  # called in the same way
            lifespan="on",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=CLOSING_SECONDS,
        )
        super().__init__(config)
        self._calls, self._listening, self._end, self._shutdown_timeout = calls, listening, end, shutdown_timeout

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        def stop() -> None:
            self._calls.stop()
            self.should_exit = True

        with stop_signals(stop, self._shutdown_timeout):
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._end()
        await super().shutdown(sockets=sockets)
