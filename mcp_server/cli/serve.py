"""`serve`: the tools for one host over stdin and stdout, or for any number of clients over a network."""

import sys
from typing import Annotated

import typer

from mcp_server.cli.options import Data, Dataset, EnvFile, Sources, State, make_settings
from mcp_server.errors import InvalidInputError
from mcp_server.settings import Settings


def serve(
    transport: Annotated[
        str | None,
        typer.Option(
            metavar="stdio|sse|streamable-http|http",
            help="How clients connect; http is streamable HTTP at /mcp with SSE at /sse beside it. "
            "[RECSYS_TRANSPORT; stdio]",
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; 0.0.0.0 is every address of this machine. [RECSYS_HOST; 127.0.0.1]"),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes any free port. [RECSYS_PORT; 8000]")
    ] = None,
    path_prefix: Annotated[
        str | None, typer.Option(help="Prefix of every path, such as /recommender. [RECSYS_PATH_PREFIX]")
    ] = None,
    stateless: Annotated[
        bool | None,
        typer.Option(
            "--stateless",
            help="Streamable HTTP without sessions, so that any replica can answer any request. [RECSYS_STATELESS]",
        ),
    ] = None,
    allow_anonymous: Annotated[
        bool | None,
        typer.Option(
            "--allow-anonymous",
            help="Listen beyond this machine even though no tokens are set. [RECSYS_ALLOW_ANONYMOUS]",
        ),
    ] = None,
    tools: Annotated[
        str | None,
        typer.Option(
            metavar="all|eight",
            help="All tools, or eight, without those that find users and give statistics. [RECSYS_TOOLS; all]",
        ),
    ] = None,
    dataset: Dataset = None,
    state: State = None,
    data: Data = None,
    source: Sources = None,
    env_file: EnvFile = None,
) -> None:
    """Serve the tools to an MCP host over stdin and stdout, or to many clients over HTTP.

    If nothing has been prepared, the server prepares in the background. On SIGTERM or Ctrl+C it lets running calls
    finish.

    Over HTTP there are also /health, /ready and /metrics.

    Clients need a bearer token from RECSYS_TOKENS or RECSYS_TOKENS_FILE if one is set; listening beyond this machine
    requires one.

    RECSYS_ALLOWED_HOSTS names the hosts under which clients reach the server, besides localhost.

    Examples:

    recsys-mcp serve --transport http

    RECSYS_TOKENS_FILE=tokens RECSYS_ALLOWED_HOSTS=films.example.com recsys-mcp serve --transport http --host 0.0.0.0
    """
    import anyio

    over_http = {
        "host": host,
        "port": port,
        "path_prefix": path_prefix,
        "stateless": stateless,
        "allow_anonymous": allow_anonymous,
    }
    settings = make_settings(
        transport=transport,
        tools=tools,
        dataset=dataset,
        state=state,
        data=data,
        sources=source,
        env_file=env_file,
        **over_http,
    )
    if settings.transport == "stdio":
        if given := [name for name, value in over_http.items() if value is not None]:
            raise InvalidInputError(f"--{given[0].replace('_', '-')} has no meaning over stdio: add --transport http")
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
