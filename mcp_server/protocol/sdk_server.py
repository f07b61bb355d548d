"""The MCP server: connects the handlers of requests to the MCP SDK.

Works with the SDK's 1.x and 2.x lines. They differ in how handlers are registered, in how types spell their fields, and
in how a question gets to the person at the host. So requests and results are the protocol's own JSON, which both lines
understand, and each line has its own `RequestContext`.
"""

import inspect
import logging
from typing import Any

import anyio
import mcp.shared.exceptions
from mcp import types
from mcp.server.lowlevel import Server

from mcp_server import __version__, apps
from mcp_server.protocol.elicitation import Question
from mcp_server.protocol.handlers import RESOURCE_NOT_FOUND, Handler, RequestHandlers
from mcp_server.protocol.message_checks import INVALID_PARAMS, JsonObject, ProtocolError
from mcp_server.protocol.request_contexts import (
    SESSIONLESS_REVISION,
    LogLevels,
    QuestionError,
    RequestContext1x,
    RequestContext2x,
)
from mcp_server.resources.icons import icons
from mcp_server.serving.call_runner import Calls
from mcp_server.serving.service import Service

logger = logging.getLogger(__name__)

server_class: Any = Server
exceptions: Any = mcp.shared.exceptions
sdk_types: Any = types
# Untyped, because only one line of the SDK is installed where types are checked.

COMPLETE_RESULT = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
"""Fields that results have from the revision 2026-07-28 on. Clients are to cache nothing: another state may be
published at any time."""

APPS = "io.modelcontextprotocol/ui"

EXTENSIONS: dict[str, dict[str, Any]] = {APPS: {"mimeTypes": [apps.MIME_TYPE]}}


def build_server(service: Service, calls: Calls) -> Server[Any]:
    """The server, ready for any number of clients over any transport. It neither starts nor closes the service."""
    handlers = RequestHandlers(service, calls).handlers
    register = _register_1x if hasattr(Server, "list_tools") else _register_2x
    server: Server[Any] = register(service, handlers)
    return server


def _register_2x(service: Service, handlers: dict[str, Handler]) -> Any:
    levels = LogLevels()

    def adapt(handler: Handler) -> Any:
        async def handle(context: Any, _: Any) -> JsonObject:
            params = dict(context.params or {})
            try:
                answer = await handler(params, RequestContext2x(context, params.get("inputResponses") or {}, levels))
                return answer if context.protocol_version < SESSIONLESS_REVISION else {**COMPLETE_RESULT, **answer}
            except QuestionError as error:
                return _input_required(error.question)
            except ProtocolError as error:
                is_new = error.code == RESOURCE_NOT_FOUND and context.protocol_version >= SESSIONLESS_REVISION
                code = INVALID_PARAMS if is_new else error.code  # that revision has no code of its own for it
                raise exceptions.MCPError(code=code, message=str(error), data=error.data) from error

        return handle

    def input_schema(name: str) -> JsonObject | None:
        return service.tools[name].input_schema if name in service.tools else None

    options = {"get_tool_input_schema": input_schema}  # otherwise the SDK lists all tools before each call
    server = _server_of(service)(**supported_options(server_class, {**_identity(service), **options}))
    for method, handler in handlers.items():
        stem = _stem(method)
        params = getattr(sdk_types, f"{stem}RequestParams", sdk_types.PaginatedRequestParams)
        server.add_request_handler(method, params, adapt(handler))
    server.extensions.update(EXTENSIONS)
    return server


def _input_required(question: Question) -> JsonObject:
    params = {"mode": "form", "message": question.text, "requestedSchema": question.schema}
    asked = {"method": "elicitation/create", "params": params}
    return {"resultType": "input_required", "inputRequests": {question.argument: asked}}


def _register_1x(service: Service, handlers: dict[str, Handler]) -> Any:
    server_result: Any = types.ServerResult
    levels = LogLevels()
    server = _robust(_server_of(service))(**supported_options(server_class, _identity(service)))
    for method, handler in handlers.items():
        stem = _stem(method)
        request = getattr(sdk_types, f"{stem}Request")
        result = getattr(sdk_types, f"{stem}Result", sdk_types.EmptyResult)

        async def handle(message: Any, handler: Handler = handler, result: Any = result) -> Any:
            sent = message.params
            params = {} if sent is None else sent.model_dump(mode="json", by_alias=True, exclude_none=True)
            try:
                answer = await handler(params, RequestContext1x(server.request_context, levels))
                return server_result(result.model_validate(answer))
            except ProtocolError as error:
                data = types.ErrorData(code=error.code, message=str(error), data=error.data)
                raise exceptions.McpError(data) from error

        server.request_handlers[request] = handle
    return server


def _robust(base: Any) -> Any:
    """The server class of the SDK's line 1.x, changed so that a bad message costs its client this message and no more.

    In that line a request that is cancelled just as its answer is made ends the whole session, and with it a server
    over stdio, or is answered twice; and an answer to a question that was never asked is logged whole, and told to the
    client as a fault of the server.
    """

    class RobustServer(base):  # type: ignore[misc]
        async def _handle_message(self, message: Any, *session: Any) -> None:
            if isinstance(message, Exception):
                logger.debug("%s", message)
                return
            if hasattr(message, "respond"):  # a request
                cancel_request = message.cancel

                async def cancel() -> None:
                    if not message._completed:  # its answer is on its way
                        await cancel_request()

                message.cancel = cancel
            async with anyio.create_task_group() as tasks:  # a cancellation goes no further
                tasks.start_soon(super()._handle_message, message, *session)

    return RobustServer


def _server_of(service: Service) -> Any:
    """The SDK's server class with the current instructions of the service, which change with the published state."""

    class CurrentServer(server_class):  # type: ignore[misc]
        @property
        def instructions(self) -> str:
            return service.instructions

        @instructions.setter
        def instructions(self, _: str) -> None:
            """Ignore what the SDK sets when the server is made."""

    return CurrentServer


def _identity(service: Service) -> dict[str, Any]:
    return {
        "name": "recsys-mcp",
        "version": __version__,
        "title": "Recommender engine",
        "description": "Recommends, finds and explains by a trained recommender, a catalogue and a vector store.",
        "instructions": service.instructions,
        "icons": [sdk_types.Icon(**icon) for icon in icons("star")],
    }


def supported_options(factory: Any, options: dict[str, Any]) -> dict[str, Any]:
    """The options that a class takes in this version of the SDK."""
    known = inspect.signature(factory).parameters
    return {name: value for name, value in options.items() if name in known}


def _stem(method: str) -> str:
    """The stem of the names that both lines of the SDK give to the types of a method: tools/list -> ListTools."""
    return {
        "tools/list": "ListTools",
        "tools/call": "CallTool",
        "resources/list": "ListResources",
        "resources/templates/list": "ListResourceTemplates",
        "resources/read": "ReadResource",
        "prompts/list": "ListPrompts",
        "prompts/get": "GetPrompt",
        "completion/complete": "Complete",
        "logging/setLevel": "SetLevel",
    }[method]
