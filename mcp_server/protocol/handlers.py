"""What the server answers to each request of the protocol, as the protocol's own JSON. Knows no SDK: ``server`` puts
these answers behind one.
"""

import base64
import binascii
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

from mcp_server.errors import MOST_CHARACTERS, InvalidInputError, RecsysError, quoted
from mcp_server.prompts.prompt import Prompt
from mcp_server.protocol.elicitation import Question, missing_user
from mcp_server.resources.completions import LONGEST_TYPED, NOTHING, Source, Values
from mcp_server.resources.icons import icons
from mcp_server.resources.resources import Content, Listed
from mcp_server.serving.call_progress import reporting_to
from mcp_server.serving.call_runner import Calls
from mcp_server.serving.service import Service
from mcp_server.tools.tool import Tool
from recsys_shared.plain_text import cut

logger = logging.getLogger(__name__)

T = TypeVar("T")

Wire = dict[str, Any]
"""JSON of the protocol."""

RESOURCE_NOT_FOUND = -32002
INTERNAL_ERROR = -32603
INVALID_PARAMS = -32602

UNKNOWN_TOOL = "unknown"
RESOURCE = "resource"
COMPLETION = "completion"
"""What calls are named that are not of a tool."""

READ_ONLY = {"readOnlyHint": True, "destructiveHint": False, "openWorldHint": False}
"""Hints of a tool that changes nothing. Of another, hosts assume the worst."""

PAGE = 100
"""Entries of a list in one answer."""

LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")

TEMPLATE_REFERENCE = "ref/resource"


class ProtocolError(Exception):
    """A request is answered with an error of the protocol.

    Args:
        data: What else clients are told.
    """

    def __init__(self, code: int, message: str, data: Wire | None = None) -> None:
        super().__init__(message)
        self.code, self.data = code, data


class Caller(Protocol):
    """Whoever has sent a request, as far as its answer may need them."""

    @property
    def answers_questions(self) -> bool:
        """Can the host put a question to the person in front of it?"""

    async def ask(self, question: Question) -> Mapping[str, Any]:
        """Put a question; the answer has "action" (accept, decline, cancel) and "content" by argument."""

    async def report(self, done: float, total: float | None, text: str) -> None:
        """Say how far the request is, where that was asked for."""

    async def log(self, level: str, text: str) -> None:
        """Say something beside the answer, where that was asked for."""

    def set_log_level(self, level: str) -> None:
        """From now on, say no less than this beside answers."""


Handler = Callable[[Wire, Caller], Awaitable[Wire]]
"""Takes the parameters of a request."""


class RequestHandlers:
    """RequestHandlers requests for any number of clients.

    Opens and closes nothing: whoever owns the process starts and closes the service.
    """

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

    async def _list_tools(self, params: Wire, _: Caller) -> Wire:
        self._service.warm()  # a client that lists the tools is about to call one
        pages = self._service.resources.pages.values()
        page_of = {tool: page.uri for page in pages for tool in page.tools}
        return _page(
            "tools", (_describe(tool, page_of.get(tool.name)) for tool in self._service.tools.values()), params
        )

    async def _call_tool(self, params: Wire, caller: Caller) -> Wire:
        name = params["name"]
        tool = self._service.tools.get(name)
        call = name if tool is not None else UNKNOWN_TOOL
        try:
            arguments = await self._with_answers(tool, params.get("arguments") or {}, caller)
        except InvalidInputError as error:
            return _failure(str(error))
        try:
            with reporting_to(caller.report):
                result = await self._calls.run(call, partial(self._service.call, name, arguments))
        except InvalidInputError as error:
            return _failure(str(error))
        except RecsysError as error:
            await caller.log("warning", str(error))
            return _failure(str(error))
        except (Exception, SystemExit):  # a library that a plug-in uses may want to end its program
            logger.exception("%s failed", call)
            text = f"{call} failed by a defect of the server; its log on stderr has the details"
            await caller.log("error", text)
            return _failure(text)
        text = json.dumps(result, ensure_ascii=False, separators=(",", ":"))
        return {"content": [{"type": "text", "text": text}], "structuredContent": result, "isError": False}

    async def _with_answers(self, tool: Tool | None, arguments: Wire, caller: Caller) -> Wire:
        """The arguments, with what the person at the host had to be asked for. They take their time, which is not the
        call's.

        Raises:
            InvalidInputError: They did not answer.
        """
        question = None if tool is None else missing_user(tool, arguments, self._service.facts)
        if question is None or not caller.answers_questions:
            return arguments
        return {**arguments, question.argument: question.read(await caller.ask(question))}

    # Resources

    async def _list_resources(self, params: Wire, _: Caller) -> Wire:
        listed = self._service.resources.listed()
        return _page("resources", ({"uri": one.address, **_described(one)} for one in listed), params)

    async def _list_templates(self, params: Wire, _: Caller) -> Wire:
        listed = self._service.resources.templates()
        return _page("resourceTemplates", ({"uriTemplate": one.address, **_described(one)} for one in listed), params)

    async def _read_resource(self, params: Wire, caller: Caller) -> Wire:
        address = str(params["uri"])
        content = self._service.resources.read_at_once(address)
        if content is None:
            with reporting_to(caller.report):
                content = await self._found(
                    RESOURCE, partial(self._service.read, address), {"uri": cut(address, MOST_CHARACTERS)}
                )
        return {"contents": [_content(address, content)]}

    # Prompts

    async def _list_prompts(self, params: Wire, _: Caller) -> Wire:
        return _page("prompts", (_described_prompt(prompt) for prompt in self._service.prompts.values()), params)

    async def _get_prompt(self, params: Wire, _: Caller) -> Wire:
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

    async def _complete(self, params: Wire, _: Caller) -> Wire:
        source = self._source(params["ref"], params["argument"]["name"])
        found, typed = NOTHING, params["argument"]["value"]
        if source is not None and self._service.is_prepared and len(typed) <= LONGEST_TYPED:
            find = partial(self._service.complete, source, typed)
            found = await self._found(COMPLETION, find)
        return {"completion": _completion(found)}

    def _source(self, reference: Wire, argument: str) -> Source | None:
        """Where an argument's values come from; None where anything may be typed."""
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

    async def _set_level(self, params: Wire, caller: Caller) -> Wire:
        caller.set_log_level(params["level"])
        return {}

    async def _found(self, call: str, find: Callable[[], Awaitable[T]], sought: Wire | None = None) -> T:
        """Run what is not a tool as a call.

        Raises:
            ProtocolError: It could not be done.
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


def _describe(tool: Tool, page: str | None) -> Wire:
    described: Wire = {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "outputSchema": tool.output_schema,
        "annotations": READ_ONLY if tool.read_only else {"readOnlyHint": False},
    }
    if page is not None:
        described["_meta"] = {"ui": {"resourceUri": page}, "ui/resourceUri": page}  # the latter for older hosts
    return described


def _described(listed: Listed) -> Wire:
    return {
        "name": listed.name,
        "title": listed.title,
        "description": listed.description,
        "mimeType": listed.mime_type,
        "icons": icons(listed.icon),
        **_meta(listed),
    }


def _meta(of: Listed | Content) -> Wire:
    return {} if of.meta is None else {"_meta": of.meta}


def _described_prompt(prompt: Prompt) -> Wire:
    arguments = [
        {
            "name": argument.name,
            "title": argument.title,
            "description": argument.description,
            "required": argument.required,
        }
        for argument in prompt.arguments
    ]
    described = {"name": prompt.name, "title": prompt.title, "description": prompt.description}
    return {**described, "arguments": arguments, "icons": icons(prompt.icon)}


def _content(address: str, content: Content) -> Wire:
    return {"uri": address, "mimeType": content.mime_type, "text": content.text, **_meta(content)}


def _completion(found: Values) -> Wire:
    return {"values": found.values, "total": found.total, "hasMore": found.total > len(found.values)}


def _page(key: str, entries: Iterable[Wire], params: Wire) -> Wire:
    """One page of a list; the cursor says how many entries came before it."""
    listed, start = list(entries), 0
    if cursor := params.get("cursor"):
        try:
            start = int(base64.urlsafe_b64decode(cursor))
        except (ValueError, binascii.Error):
            start = -1
        if not 0 < start < len(listed):
            raise ProtocolError(INVALID_PARAMS, "this cursor is none of this list's: begin without one")
    end = start + PAGE
    following = {"nextCursor": base64.urlsafe_b64encode(b"%d" % end).decode()} if end < len(listed) else {}
    return {key: listed[start:end], **following}


def _failure(text: str) -> Wire:
    return {"content": [{"type": "text", "text": text}], "isError": True}
