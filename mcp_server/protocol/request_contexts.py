"""The `RequestContext` of a request for each line of the MCP SDK: how its handler elicits, reports and logs."""

import logging
import weakref
from collections.abc import Mapping
from typing import Any

import mcp.shared.exceptions
from mcp import types
from pydantic import ValidationError

from mcp_server.protocol.elicitation import Question
from mcp_server.protocol.handlers import LOG_LEVELS
from mcp_server.protocol.message_checks import JsonObject

logger = logging.getLogger(__name__)

sdk_types: Any = types
exceptions: Any = mcp.shared.exceptions
sdk_error: Any = exceptions.MCPError if hasattr(exceptions, "MCPError") else exceptions.McpError
# Untyped, because only one line of the SDK is installed where types are checked.

SESSIONLESS_REVISION = "2026-07-28"
"""First revision of the protocol without sessions: a question is sent as the result of a request, and its answer comes
with the request when it is sent again."""

NO_ANSWER: Mapping[str, Any] = {"action": "cancel"}


class QuestionError(Exception):
    """A request cannot be answered before a question is."""

    def __init__(self, question: Question) -> None:
        super().__init__(question.text)
        self.question = question


class LogLevels:
    """The least level of each client's log. The parameters of its initialize request stand for a client, because both
    lines of the SDK keep them as long as it is connected. A client without them, or without a level, is sent no log.
    """

    def __init__(self) -> None:
        self._levels: dict[int, int] = {}

    def set(self, client_params: Any, level: str) -> None:
        if client_params is None:
            return
        if id(client_params) not in self._levels:
            weakref.finalize(client_params, self._levels.pop, id(client_params), None)
        self._levels[id(client_params)] = LOG_LEVELS.index(level)

    def admit(self, client_params: Any, level: str) -> bool:
        least = self._levels.get(id(client_params))
        return least is not None and LOG_LEVELS.index(level) >= least


class SdkRequestContext:
    """The part that both lines of the SDK share.

    Args:
        session: The SDK's session.
        request_id: ID of the request, to which everything that is sent meanwhile belongs.
    """

    def __init__(self, session: Any, request_id: Any, levels: LogLevels) -> None:
        self._session, self._request_id, self._levels = session, request_id, levels

    @property
    def _capabilities(self) -> JsonObject:
        params = self._session.client_params
        capabilities = getattr(self._session, "client_capabilities", None) or (params and params.capabilities)
        return capabilities.model_dump(by_alias=True, exclude_none=True) if capabilities else {}

    @property
    def can_elicit(self) -> bool:
        """True if the host can put a question. One that names no kind means forms: there was no other kind at first."""
        kinds = self._capabilities.get("elicitation")
        return kinds is not None and ("form" in kinds or "url" not in kinds)

    async def elicit(self, question: Question) -> Mapping[str, Any]:
        try:
            answer = await self._session.elicit_form(question.text, question.schema, self._request_id)
        except (sdk_error, ValidationError) as error:  # the host cannot ask, or its answer is invalid
            logger.debug("a question was not answered: %s", error)
            return NO_ANSWER
        return {"action": answer.action, "content": answer.content}

    async def log(self, level: str, text: str) -> None:
        if not self._levels.admit(self._session.client_params, level):
            return
        params = sdk_types.LoggingMessageNotificationParams(level=level, logger="recsys-mcp", data=text)
        notification = sdk_types.LoggingMessageNotification(method="notifications/message", params=params)
        await self._session.send_notification(self._wrap(notification), self._request_id)

    def _wrap(self, notification: Any) -> Any:
        return notification

    def set_log_level(self, level: str) -> None:
        self._levels.set(self._session.client_params, level)


class RequestContext2x(SdkRequestContext):
    """The context of a request in the SDK's line 2.x."""

    def __init__(self, context: Any, answers: Mapping[str, Any], levels: LogLevels) -> None:
        super().__init__(context.session, context.request_id, levels)
        self._revision_has_sessions = context.protocol_version < SESSIONLESS_REVISION
        self._answers = answers

    @property
    def can_elicit(self) -> bool:
        return super().can_elicit and (not self._revision_has_sessions or self._session.can_send_request)

    async def elicit(self, question: Question) -> Mapping[str, Any]:
        if self._revision_has_sessions:
            return await super().elicit(question)
        if question.argument not in self._answers:
            raise QuestionError(question)
        answer: Mapping[str, Any] = self._answers[question.argument]
        return answer

    async def report_progress(self, done: float, total: float | None, text: str) -> None:
        await self._session.report_progress(done, total, text)


class RequestContext1x(SdkRequestContext):
    """The context of a request in the SDK's line 1.x."""

    def __init__(self, context: Any, levels: LogLevels) -> None:
        super().__init__(context.session, context.request_id, levels)
        self._token = context.meta.progressToken if context.meta is not None else None

    async def report_progress(self, done: float, total: float | None, text: str) -> None:
        if self._token is not None:
            request_id = str(self._request_id)
            await self._session.send_progress_notification(self._token, done, total, text, request_id)

    def _wrap(self, notification: Any) -> Any:
        return sdk_types.ServerNotification(notification)
