"""The MCP server: publishes the service's tools and item sets. With ``http_transports`` and ``client`` the only
modules that know the MCP SDK.

Works with the SDK's 1.x and 2.x lines. They differ in how handlers are registered and how types spell their
fields; so handlers here take plain values and give the protocol's own JSON, which both lines understand.
"""

import inspect
import json
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import mcp.shared.exceptions
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from mcp_server import __version__
from mcp_server.calls import Calls
from mcp_server.errors import InvalidInputError, RecsysError
from mcp_server.service import ITEM_SET_URI, Service
from mcp_server.stdio import InputLines, OutputLines, claim_stdio
from mcp_server.stopping import finish, stop_signals
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

COMPLETE = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
"""What the generation 2026-07-28 of the protocol has in results besides; the SDK leaves it out where it is not known.
Nothing is to be kept by clients: another state may be published at any time."""

RESOURCE_NOT_FOUND = -32002
INTERNAL_ERROR = -32603
INVALID_PARAMS = -32602

ASSISTANT_PROMPT = {
    "name": "assistant",
    "title": "Recommendation assistant",
    "description": "How an assistant should work with these tools and present what they return.",
}
"""The one prompt: clients put it before a conversation, people choose it in hosts that ignore instructions."""

UNKNOWN_TOOL = "unknown"
RESOURCE = "resource"
"""What calls are named that are not of a tool."""


class ProtocolError(Exception):
    """A request is answered with an error of the protocol."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def build_server(service: Service, calls: Calls) -> Server[Any]:
    """The server, ready for any number of clients over any transport.

    Opens and closes nothing: whoever owns the process starts and closes the service.
    """

    async def list_tools(_: Any) -> Wire:
        service.warm()  # a client that lists the tools is about to call one
        return {"tools": [_describe(tool) for tool in service.tools.values()]}

    async def call_tool(params: Any) -> Wire:
        name = params.name if params.name in service.tools else UNKNOWN_TOOL
        try:
            result = await calls.run(name, partial(service.call, params.name, params.arguments or {}))
        except RecsysError as error:
            return _failure(str(error))
        except Exception:
            logger.exception("%s failed", name)
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

    async def list_prompts(_: Any) -> Wire:
        return {"prompts": [ASSISTANT_PROMPT]}

    async def get_prompt(params: Any) -> Wire:
        if params.name != ASSISTANT_PROMPT["name"]:
            raise ProtocolError(INVALID_PARAMS, f"there is no prompt {params.name[:60]!r}: there is 'assistant'")
        content = {"type": "text", "text": service.assistant_prompt}
        return {"description": ASSISTANT_PROMPT["description"], "messages": [{"role": "user", "content": content}]}

    async def read_resource(params: Any) -> Wire:
        uri = str(params.uri)
        try:
            found = await calls.run(RESOURCE, partial(_read_item_set, service, uri))
        except InvalidInputError as error:
            raise ProtocolError(RESOURCE_NOT_FOUND, str(error)) from error
        except RecsysError as error:
            raise ProtocolError(INTERNAL_ERROR, str(error)) from error
        except Exception as error:
            logger.exception("reading a resource failed")
            text = "reading failed by a defect of the server; its log on stderr has the details"
            raise ProtocolError(INTERNAL_ERROR, text) from error
        text = json.dumps(found, separators=(",", ":"))
        return {"contents": [{"uri": uri, "mimeType": "application/json", "text": text}]}

    handlers: dict[str, Handler] = {
        "tools/list": list_tools,
        "tools/call": call_tool,
        "resources/list": list_resources,
        "resources/templates/list": list_templates,
        "resources/read": read_resource,
        "prompts/list": list_prompts,
        "prompts/get": get_prompt,
    }
    register = _register_1x if hasattr(Server, "list_tools") else _register_2x
    server: Server[Any] = register(service, handlers)
    return server


async def _read_item_set(service: Service, uri: str) -> Wire:
    if not uri.startswith(ITEM_SET_URI):
        raise InvalidInputError(f"there is no resource {uri[:80]}: item sets are {ITEM_SET_URI}set_...")
    return await service.item_set(uri.removeprefix(ITEM_SET_URI).rstrip("/"))


def _register_2x(service: Service, handlers: dict[str, Handler]) -> Any:
    def adapt(handler: Handler) -> Any:
        async def handle(_: Any, params: Any) -> Wire:
            try:
                return {**COMPLETE, **await handler(params)}
            except ProtocolError as error:
                raise exceptions.MCPError(code=error.code, message=str(error)) from error

        return handle

    def input_schema(name: str) -> Wire | None:
        return service.tools[name].input_schema if name in service.tools else None

    names = {method: f"on_{_python_name(method)}" for method in handlers}
    arguments = {names[method]: adapt(handler) for method, handler in handlers.items()}
    if "get_tool_input_schema" in inspect.signature(server_class.__init__).parameters:
        arguments["get_tool_input_schema"] = input_schema  # else the SDK lists all tools before each call of one
    return _server_of(service)(**_identity(service), **arguments)


def _register_1x(service: Service, handlers: dict[str, Handler]) -> Any:
    server_result: Any = types.ServerResult
    server = _server_of(service)(**_identity(service))
    for method, handler in handlers.items():
        stem = "".join(word.capitalize() for word in _python_name(method).split("_"))
        request, result = getattr(types, f"{stem}Request"), getattr(types, f"{stem}Result")

        async def handle(message: Any, handler: Handler = handler, result: Any = result) -> Any:
            try:
                return server_result(result.model_validate(await handler(message.params)))
            except ProtocolError as error:
                raise exceptions.McpError(types.ErrorData(code=error.code, message=str(error))) from error

        server.request_handlers[request] = handle
    return server


def _server_of(service: Service) -> Any:
    """The SDK's server with the service's present instructions, which change with the state that is published."""

    class CurrentServer(server_class):  # type: ignore[misc]
        @property
        def instructions(self) -> str:
            return service.instructions

        @instructions.setter
        def instructions(self, _: str) -> None:
            """The SDK sets what it was made with."""

    return CurrentServer


def _identity(service: Service) -> dict[str, Any]:
    return {"name": "recsys-mcp", "version": __version__, "instructions": service.instructions}


def _python_name(method: str) -> str:
    """tools/list -> list_tools, as both lines of the SDK name things."""
    return {
        "tools/list": "list_tools",
        "tools/call": "call_tool",
        "resources/list": "list_resources",
        "resources/templates/list": "list_resource_templates",
        "resources/read": "read_resource",
        "prompts/list": "list_prompts",
        "prompts/get": "get_prompt",
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


async def serve_stdio(service: Service, calls: Calls | None = None, shutdown_timeout: float = 30.0) -> None:
    """Serve one client over stdin and stdout, until stdin ends or a signal asks to stop.

    Args:
        shutdown_timeout: Seconds that running calls then have to finish.
    """
    calls = calls or Calls(most_at_once=64, timeout=30.0)
    server = build_server(service, calls)
    stdin, stdout = claim_stdio()
    written = OutputLines(stdout)
    asked_to_stop = anyio.Event()

    async def let_finish() -> None:
        await finish(calls, lambda: written.writing, shutdown_timeout)

    async def serve() -> None:
        lines: Any = InputLines(stdin, at_end=let_finish)
        out: Any = written
        async with stdio_server(stdin=lines, stdout=out) as (read, write):
            await server.run(read, write, server.create_initialization_options())

    try:
        service.start()
        with stop_signals(asked_to_stop.set, shutdown_timeout):
            async with anyio.create_task_group() as tasks:

                async def stop_when_asked() -> None:
                    await asked_to_stop.wait()
                    calls.stop()
                    await let_finish()
                    tasks.cancel_scope.cancel()

                tasks.start_soon(stop_when_asked)
                await serve()
                tasks.cancel_scope.cancel()
    finally:
        await service.close()
