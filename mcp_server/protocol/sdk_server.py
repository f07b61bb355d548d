"""The MCP server: puts the answers of ``protocol`` behind the MCP SDK. With ``callers``, ``http_transports`` and
``client`` the only modules that know the SDK.

Works with the SDK's 1.x and 2.x lines. They differ in how handlers are registered, in how types spell their fields, and
in how a question gets to the person at the host; so requests and answers are the protocol's own JSON, which both lines
understand, and each line has its own `Caller` (in ``callers``).
"""

import inspect
import logging
from typing import Any

import anyio
import mcp.shared.exceptions
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from mcp_server import __version__, apps
from mcp_server.protocol.callers import WITHOUT_GREETING, Caller1x, Caller2x, LogLevels, QuestionError
from mcp_server.protocol.elicitation import Question
from mcp_server.protocol.handlers import (
    INVALID_PARAMS,
    RESOURCE_NOT_FOUND,
    Handler,
    ProtocolError,
    RequestHandlers,
    Wire,
)
from mcp_server.protocol.shutdown import finish, stop_signals
from mcp_server.protocol.stdio import InputLines, OutputLines, claim_stdio
from mcp_server.resources.icons import icons
from mcp_server.serving.call_runner import Calls
from mcp_server.serving.service import Service

logger = logging.getLogger(__name__)

server_class: Any = Server
exceptions: Any = mcp.shared.exceptions
sdk_types: Any = types
# Untyped, because only one line of the SDK is installed where types are checked.

COMPLETE = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
"""What the generation 2026-07-28 of the protocol has in results besides. Nothing is to be kept by clients: another
state may be published at any time."""

APPS = "io.modelcontextprotocol/ui"

EXTENSIONS: dict[str, dict[str, Any]] = {APPS: {"mimeTypes": [apps.MIME_TYPE]}}


def build_server(service: Service, calls: Calls) -> Server[Any]:
    """The server, ready for any number of clients over any transport.

    Opens and closes nothing: whoever owns the process starts and closes the service.
    """
    handlers = RequestHandlers(service, calls).handlers
    register = _register_1x if hasattr(Server, "list_tools") else _register_2x
    server: Server[Any] = register(service, handlers)
    return server


def _register_2x(service: Service, handlers: dict[str, Handler]) -> Any:
    levels = LogLevels()

    def adapt(handler: Handler) -> Any:
        async def handle(context: Any, _: Any) -> Wire:
            params = dict(context.params or {})
            try:
                answer = await handler(params, Caller2x(context, params.get("inputResponses") or {}, levels))
                return answer if context.protocol_version < WITHOUT_GREETING else {**COMPLETE, **answer}
            except QuestionError as open_:
                return _question_as_answer(open_.question)
            except ProtocolError as error:
                is_new = error.code == RESOURCE_NOT_FOUND and context.protocol_version >= WITHOUT_GREETING
                code = INVALID_PARAMS if is_new else error.code  # that generation has no code of its own for it
                raise exceptions.MCPError(code=code, message=str(error), data=error.data) from error

        return handle

    def input_schema(name: str) -> Wire | None:
        return service.tools[name].input_schema if name in service.tools else None

    options = {"get_tool_input_schema": input_schema}  # else the SDK lists all tools before each call of one
    server = _server_of(service)(**_supported({**_identity(service), **options}))
    for method, handler in handlers.items():
        stem = _stem(method)
        params = getattr(sdk_types, f"{stem}RequestParams", sdk_types.PaginatedRequestParams)
        server.add_request_handler(method, params, adapt(handler))
    server.extensions.update(EXTENSIONS)
    return server


def _question_as_answer(question: Question) -> Wire:
    params = {"mode": "form", "message": question.text, "requestedSchema": question.schema}
    asked = {"method": "elicitation/create", "params": params}
    return {"resultType": "input_required", "inputRequests": {question.argument: asked}}


def _register_1x(service: Service, handlers: dict[str, Handler]) -> Any:
    server_result: Any = types.ServerResult
    levels = LogLevels()
    server = _enduring(_server_of(service))(**_supported(_identity(service)))
    for method, handler in handlers.items():
        stem = _stem(method)
        request = getattr(sdk_types, f"{stem}Request")
        result = getattr(sdk_types, f"{stem}Result", sdk_types.EmptyResult)

        async def handle(message: Any, handler: Handler = handler, result: Any = result) -> Any:
            sent = message.params
            params = {} if sent is None else sent.model_dump(mode="json", by_alias=True, exclude_none=True)
            try:
                answer = await handler(params, Caller1x(server.request_context, levels))
                return server_result(result.model_validate(answer))
            except ProtocolError as error:
                data = types.ErrorData(code=error.code, message=str(error), data=error.data)
                raise exceptions.McpError(data) from error

        server.request_handlers[request] = handle
    return server


def _enduring(base: Any) -> Any:
    """The server of the SDK's line 1.x, such that what one client sends costs that client's message and no more.

    There, a request that is given up just as its answer is made ends the whole session, and with it a server over
    stdio, or is answered twice; and an answer to a question that nobody has asked is logged whole, and told to the
    client as a fault of the server.
    """

    class EnduringServer(base):  # type: ignore[misc]
        async def _handle_message(self, message: Any, *session: Any) -> None:
            if isinstance(message, Exception):
                logger.debug("%s", message)
                return
            if hasattr(message, "respond"):  # a request
                give_up = message.cancel

                async def cancel() -> None:
                    if not message._completed:  # its answer is on its way
                        await give_up()

                message.cancel = cancel
            async with anyio.create_task_group() as alone:  # a cancellation goes no further
                alone.start_soon(super()._handle_message, message, *session)

    return EnduringServer


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
    return {
        "name": "recsys-mcp",
        "version": __version__,
        "title": "Recommender engine",
        "description": "Recommends, finds and explains by a trained recommender, a catalogue and a vector store.",
        "instructions": service.instructions,
        "icons": [sdk_types.Icon(**icon) for icon in icons("star")],
    }


def _supported(options: dict[str, Any]) -> dict[str, Any]:
    """Those that this version of the SDK's server takes."""
    known = inspect.signature(server_class.__init__).parameters
    return {name: value for name, value in options.items() if name in known}


def _stem(method: str) -> str:
    """What both lines of the SDK call the types of a method: tools/list -> ListTools."""
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
        lines: Any = InputLines(stdin, written.write, at_end=let_finish)
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
