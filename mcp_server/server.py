"""The MCP server: publishes the service's tools and item sets. The one module that knows the MCP SDK's server.

Works with the SDK's 1.x and 2.x lines. They differ in how handlers are registered and how types spell their
fields; so handlers here take plain values and give the protocol's own JSON, which both lines understand.
"""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import mcp.shared.exceptions
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from mcp_server import __version__
from mcp_server.errors import RecsysError
from mcp_server.service import ITEM_SET_URI, Service
from mcp_server.tools.base import Tool

logger = logging.getLogger(__name__)

server_class: Any = Server
exceptions: Any = mcp.shared.exceptions
# Untyped, because only one line of the SDK is installed where types are checked.

Wire = dict[str, Any]
"""JSON of the protocol."""

Handler = Callable[[Any], Awaitable[Wire]]
"""Takes the parameters of a request."""

# Read-only, the same answer for the same call, nothing outside the catalogue.
ANNOTATIONS = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}

RESOURCE_NOT_FOUND = -32002


class ResourceNotFoundError(Exception):
    """There is no such resource."""


def build_server(service: Service) -> Server[Any]:
    """The server, ready for a transport."""

    async def list_tools(_: Any) -> Wire:
        service.warm()  # a client that lists the tools is about to call one
        return {"tools": [_describe(tool) for tool in service.tools.values()]}

    async def call_tool(params: Any) -> Wire:
        try:
            result = await service.call(params.name, params.arguments or {})
        except RecsysError as error:
            return _failure(str(error))
        except Exception:
            logger.exception("%s failed", params.name)
            return _failure(f"{params.name} failed by a defect of the server; its log on stderr has the details")
        text = json.dumps(result, ensure_ascii=False, separators=(",", ":"))
        return {"content": [{"type": "text", "text": text}], "structuredContent": result, "isError": False}

    async def list_templates(_: Any) -> Wire:
        template = {
            "uriTemplate": f"{ITEM_SET_URI}{{handle}}",
            "name": "item_set",
            "title": "A set of items",
            "description": "All IDs of a set whose handle a tool returned.",
            "mimeType": "application/json",
        }
        return {"resourceTemplates": [template]}

    async def list_resources(_: Any) -> Wire:
        return {"resources": []}

    async def read_resource(params: Any) -> Wire:
        uri = str(params.uri)
        if not uri.startswith(ITEM_SET_URI):
            raise ResourceNotFoundError(f"there is no resource {uri}: item sets are {ITEM_SET_URI}set_...")
        try:
            found = await service.item_set(uri.removeprefix(ITEM_SET_URI).rstrip("/"))
        except RecsysError as error:
            raise ResourceNotFoundError(str(error)) from error
        text = json.dumps(found, separators=(",", ":"))
        return {"contents": [{"uri": uri, "mimeType": "application/json", "text": text}]}

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[Service]:
        service.start()
        try:
            yield service
        finally:
            await service.close()

    identity = {"name": "recsys-mcp", "version": __version__, "instructions": service.instructions}
    handlers: dict[str, Handler] = {
        "tools/list": list_tools,
        "tools/call": call_tool,
        "resources/list": list_resources,
        "resources/templates/list": list_templates,
        "resources/read": read_resource,
    }
    register = _register_1x if hasattr(Server, "list_tools") else _register_2x
    server: Server[Any] = register(identity, lifespan, handlers)
    return server


def _register_2x(identity: dict[str, str], lifespan: Any, handlers: dict[str, Handler]) -> Any:
    def adapt(handler: Handler) -> Any:
        async def handle(_: Any, params: Any) -> Wire:
            try:
                return await handler(params)
            except ResourceNotFoundError as error:
                raise exceptions.MCPError(code=RESOURCE_NOT_FOUND, message=str(error)) from error

        return handle

    names = {method: f"on_{_python_name(method)}" for method in handlers}
    arguments = {names[method]: adapt(handler) for method, handler in handlers.items()}
    return server_class(lifespan=lifespan, **identity, **arguments)


def _register_1x(identity: dict[str, str], lifespan: Any, handlers: dict[str, Handler]) -> Any:
    server_result: Any = types.ServerResult
    server = server_class(lifespan=lifespan, **identity)
    for method, handler in handlers.items():
        stem = "".join(word.capitalize() for word in _python_name(method).split("_"))
        request, result = getattr(types, f"{stem}Request"), getattr(types, f"{stem}Result")

        async def handle(message: Any, handler: Handler = handler, result: Any = result) -> Any:
            try:
                return server_result(result.model_validate(await handler(message.params)))
            except ResourceNotFoundError as error:
                raise exceptions.McpError(types.ErrorData(code=RESOURCE_NOT_FOUND, message=str(error))) from error

        server.request_handlers[request] = handle
    return server


def _python_name(method: str) -> str:
    """tools/list -> list_tools, as both lines of the SDK name things."""
    return {
        "tools/list": "list_tools",
        "tools/call": "call_tool",
        "resources/list": "list_resources",
        "resources/templates/list": "list_resource_templates",
        "resources/read": "read_resource",
    }[method]


def _describe(tool: Tool) -> Wire:
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "outputSchema": tool.output_schema,
        "annotations": {"title": tool.title, **ANNOTATIONS},
    }


def _failure(text: str) -> Wire:
    return {"content": [{"type": "text", "text": text}], "isError": True}


async def serve_stdio(service: Service) -> None:
    """Serve one client over stdin and stdout until stdin ends."""
    server = build_server(service)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
