"""An MCP server of the same SDK with one tool that answers a word: the baseline of start-up, memory and load.

`python -m benchmarks.noop_server` serves over stdin and stdout; with `http`, it prints the port that it listens on, and
serves streamable HTTP at /mcp and SSE at /sse until it is ended.
"""

import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import anyio
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

TOOL = {"name": "noop", "description": "Does nothing.", "inputSchema": {"type": "object", "properties": {}}}
ANSWER = {"content": [{"type": "text", "text": "done"}], "isError": False}


def build() -> Server[Any]:
    if hasattr(Server, "list_tools"):  # SDK 1.x
        server: Any = Server("noop")

        async def tools(_: Any) -> Any:
            return types.ServerResult(types.ListToolsResult.model_validate({"tools": [TOOL]}))

        async def call(_: Any) -> Any:
            return types.ServerResult(types.CallToolResult.model_validate(ANSWER))

        server.request_handlers[types.ListToolsRequest] = tools
        server.request_handlers[types.CallToolRequest] = call
        return server

    async def list_tools(_: object, __: object) -> types.ListToolsResult:
        return types.ListToolsResult.model_validate({"tools": [TOOL]})

    async def call_tool(_: object, __: object) -> types.CallToolResult:
        return types.CallToolResult.model_validate(ANSWER)

    return Server("noop", on_list_tools=list_tools, on_call_tool=call_tool)


async def serve_stdio() -> None:
    server = build()
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def serve_http() -> None:
    # Imported here, because the baseline of start-up over stdio must not wait for them.
    import uvicorn
    from mcp.server.sse import SseServerTransport
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from starlette.applications import Starlette
    from starlette.routing import Mount, Route

    server = build()
    sessions = StreamableHTTPSessionManager(server)
    sse = SseServerTransport("/messages/")

    class StreamableHttp:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await sessions.handle_request(scope, receive, send)

    class Sse:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            async with sse.connect_sse(scope, receive, send) as (read, write):
                await server.run(read, write, server.create_initialization_options())

    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        async with sessions.run():
            yield

    routes = [
        Route("/mcp", endpoint=StreamableHttp()),
        Route("/sse", endpoint=Sse()),
        Mount("/messages/", app=sse.handle_post_message),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listener.getsockname()[1], file=sys.stderr, flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, ws="none")).run([listener])


if __name__ == "__main__":
    if sys.argv[1:] == ["http"]:
        serve_http()
    else:
        anyio.run(serve_stdio)
