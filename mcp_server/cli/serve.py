"""`serve`: the tools for one host over stdin and stdout, or for any number of clients over a network."""

import sys

import anyio

from mcp_server.settings import Settings


def run_serve(settings: Settings) -> None:
    if settings.transport == "stdio":
        anyio.run(_serve_stdio, settings)
        return
    from mcp_server.http.process import serve_http  # a host that starts the server over stdio should not wait for it

    anyio.run(serve_http, settings, backend_options={"use_uvloop": sys.platform != "win32"})


async def _serve_stdio(settings: Settings) -> None:
    from mcp_server.protocol.stdio import serve_stdio
    from mcp_server.serving.call_runner import Calls
    from mcp_server.serving.service import Service

    calls = Calls(settings.max_calls, settings.call_timeout)
    await serve_stdio(Service(settings, prepare_if_needed=True), calls, settings.shutdown_timeout)
