"""The handler of each request of the protocol. Requests and results are the protocol's own JSON; ``sdk_server``
connects the handlers to the SDK.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

from mcp_server.errors import MOST_CHARACTERS, InvalidInputError, RecsysError, quoted
from mcp_server.prompts.prompt import Prompt
from mcp_server.protocol.elicitation import Question, missing_user
from mcp_server.protocol.listings import (
    completion,
    contents,
    page,
    prompt_entry,
    resource_entry,
    template_entry,
    tool_entry,
)
from mcp_server.protocol.message_checks import INVALID_PARAMS, JsonObject, ProtocolError
from mcp_server.resources.completions import LONGEST_TYPED, NOTHING, Source
from mcp_server.serving.call_progress import reporting_to
from mcp_server.serving.call_runner import Calls
from mcp_server.serving.service import Service
from mcp_server.tools.tool import Tool
from recsys_shared.plain_text import cut

logger = logging.getLogger(__name__)

T = TypeVar("T")

RESOURCE_NOT_FOUND = -32002
INTERNAL_ERROR = -32603

UNKNOWN_TOOL = "unknown"
RESOURCE = "resource"
COMPLETION = "completion"
"""Names in the log and the metrics of calls that are not tool calls."""

LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")

TEMPLATE_REFERENCE = "ref/resource"


class RequestContext(Protocol):
    """The connection to the client that sent a request, as far as its handler needs it."""

    @property
    def can_elicit(self) -> bool:
        """True if the host can put a question to the person in front of it."""

    async def elicit(self, question: Question) -> Mapping[str, Any]:
        """Put a question; the answer has "action" (accept, decline, cancel) and "content" by argument."""

    async def report_progress(self, done: float, total: float | None, text: str) -> None:
        """Send progress, if the client asked for it."""

    async def log(self, level: str, text: str) -> None:
        """Send a line of log, if the client asked for its level."""

    def set_log_level(self, level: str) -> None:
        """Set the least level of the lines that `log` sends."""


Handler = Callable[[JsonObject, RequestContext], Awaitable[JsonObject]]
"""A handler takes the parameters of a request and gives its result."""


class RequestHandlers:
    """The handlers, by method, for any number of clients. They neither start nor close the service."""

    def __init__(self, service: Service, calls: Calls) -> None:
        self._service, self._calls = service, calls
        self.handlers: dict[str, Handler] = {
            "tools/list": self._list_tools,
            "tools/call": self._call_tool,
            "resources/list": self._list_resources,
            "resources/templates/list": self._list_templates,
            "resources/read": self._read_resource,
            "prompts/list": self._list_prompts,
            "prompts/get": self._get_prompt,
            "completion/complete": self._complete,
            "logging/setLevel": self._set_level,
        }

    # Tools

    async def _list_tools(self, params: JsonObject, _: RequestContext) -> JsonObject:
        self._service.warm()  # a client that lists the tools is about to call one
        apps = self._service.resources.pages.values()
        page_of = {tool: app.uri for app in apps for tool in app.tools}
        return page(
            "tools", [tool_entry(tool, page_of.get(tool.name)) for tool in self._service.tools.values()], params
        )

    async def _call_tool(self, params: JsonObject, context: RequestContext) -> JsonObject:
        name = params["name"]
        tool = self._service.tools.get(name)
        call = name if tool is not None else UNKNOWN_TOOL
        try:
            arguments = await self._completed(tool, params.get("arguments") or {}, context)
        except InvalidInputError as error:
            return _failure(str(error))
        try:
            with reporting_to(context.report_progress):
                result = await self._calls.run(call, partial(self._service.call, name, arguments))
        except InvalidInputError as error:
            return _failure(str(error))
        except RecsysError as error:
            await context.log("warning", str(error))
            return _failure(str(error))
        except (Exception, SystemExit):  # a library that a plug-in uses may want to end its program
            logger.exception("%s failed", call)
            text = f"{call} failed by a defect of the server; its log on stderr has the details"
            await context.log("error", text)
            return _failure(text)
        text = json.dumps(result, ensure_ascii=False, separators=(",", ":"))
        return {"content": [{"type": "text", "text": text}], "structuredContent": result, "isError": False}

    async def _completed(self, tool: Tool | None, arguments: JsonObject, context: RequestContext) -> JsonObject:
        """The arguments, completed by the person at the host where the user is missing. Waiting for the answer does not
        count towards the time of the call.

        Raises:
            InvalidInputError: The question was not answered.
        """
        question = None if tool is None else missing_user(tool, arguments, self._service.facts)
        if question is None or not context.can_elicit:
            return arguments
        return {**arguments, question.argument: question.read(await context.elicit(question))}

    # Resources

    async def _list_resources(self, params: JsonObject, _: RequestContext) -> JsonObject:
        listed = self._service.resources.listed()
        return page("resources", [resource_entry(each) for each in listed], params)

    async def _list_templates(self, params: JsonObject, _: RequestContext) -> JsonObject:
        listed = self._service.resources.templates()
        return page("resourceTemplates", [template_entry(each) for each in listed], params)

    async def _read_resource(self, params: JsonObject, context: RequestContext) -> JsonObject:
        address = str(params["uri"])
        content = self._service.resources.read_at_once(address)
        if content is None:
            with reporting_to(context.report_progress):
                content = await self._found(
                    RESOURCE, partial(self._service.read, address), {"uri": cut(address, MOST_CHARACTERS)}
                )
        return contents(address, content)

    # Prompts

    async def _list_prompts(self, params: JsonObject, _: RequestContext) -> JsonObject:
        return page("prompts", [prompt_entry(prompt) for prompt in self._service.prompts.values()], params)

    async def _get_prompt(self, params: JsonObject, _: RequestContext) -> JsonObject:
        prompt = self._prompt(params["name"])
        try:
            text = prompt.text(params.get("arguments") or {})
        except InvalidInputError as error:
            raise ProtocolError(INVALID_PARAMS, str(error)) from error
        message = {"role": "user", "content": {"type": "text", "text": text}}
        return {"description": prompt.description, "messages": [message]}

    def _prompt(self, name: str) -> Prompt:
        prompts = self._service.prompts
        if name not in prompts:
            there_are = ", ".join(prompts)
            raise ProtocolError(INVALID_PARAMS, f"there is no prompt {quoted(name)}. There are: {there_are}")
        return prompts[name]

    # Completion

    async def _complete(self, params: JsonObject, _: RequestContext) -> JsonObject:
        source = self._source(params["ref"], params["argument"]["name"])
        found, typed = NOTHING, params["argument"]["value"]
        if source is not None and self._service.is_prepared and len(typed) <= LONGEST_TYPED:
            find = partial(self._service.complete, source, typed)
            found = await self._found(COMPLETION, find)
        return completion(found)

    def _source(self, reference: JsonObject, argument: str) -> Source | None:
        """The source of an argument's values; None where anything may be typed."""
        if reference["type"] == TEMPLATE_REFERENCE:
            templates = {template.address: template for template in self._service.resources.templates()}
            template = templates.get(str(reference["uri"]))
            if template is None:
                there_are = ", ".join(templates)
                raise ProtocolError(
                    INVALID_PARAMS, f"there is no template {quoted(str(reference['uri']))}. There are: {there_are}"
                )
            return template.source
        prompt = self._prompt(reference["name"])
        for known in prompt.arguments:
            if known.name == argument:
                return known.source
        raise ProtocolError(INVALID_PARAMS, f"{prompt.name} has no argument {quoted(argument)}")

    # Logging

    async def _set_level(self, params: JsonObject, context: RequestContext) -> JsonObject:
        context.set_log_level(params["level"])
        return {}

    async def _found(self, call: str, find: Callable[[], Awaitable[T]], sought: JsonObject | None = None) -> T:
        """Run a call that is not a tool call.

        Args:
            sought: Details for the client if nothing is found.

        Raises:
            ProtocolError: The call failed.
        """
        try:
            return await self._calls.run(call, find)
        except InvalidInputError as error:
            raise ProtocolError(RESOURCE_NOT_FOUND, str(error), sought) from error
        except RecsysError as error:
            raise ProtocolError(INTERNAL_ERROR, str(error)) from error
        except Exception as error:
            logger.exception("%s failed", call)
            text = "reading failed by a defect of the server; its log on stderr has the details"
            raise ProtocolError(INTERNAL_ERROR, text) from error


def _failure(text: str) -> JsonObject:
    return {"content": [{"type": "text", "text": text}], "isError": True}
