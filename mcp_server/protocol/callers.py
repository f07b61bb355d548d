"""Whoever sends requests, as each line of the MCP SDK knows them: what ``protocol`` calls a `Caller`."""

import logging
import weakref
from collections.abc import Mapping
from typing import Any

import mcp.shared.exceptions
from mcp import types
from pydantic import ValidationError

from mcp_server.protocol.elicitation import Question
from mcp_server.protocol.handlers import LOG_LEVELS, Wire

logger = logging.getLogger(__name__)

sdk_types: Any = types
exceptions: Any = mcp.shared.exceptions
sdk_error: Any = exceptions.MCPError if hasattr(exceptions, "MCPError") else exceptions.McpError
# Untyped, because only one line of the SDK is installed where types are checked.

WITHOUT_GREETING = "2026-07-28"
"""From this generation on there are no sessions: a question is an answer, and its answer comes with the request again.
"""

NO_ANSWER: Mapping[str, Any] = {"action": "cancel"}


class QuestionError(Exception):
    """A question has to be answered before the request can be."""

    def __init__(self, question: Question) -> None:
        super().__init__(question.text)
        self.question = question


class LogLevels:
    """The least level of each client's log. A client is known by its greeting, which both lines of the SDK keep while
    it is there; one that has not greeted, or not named a level, is sent no log.
    """

    def __init__(self) -> None:
        self._levels: dict[int, int] = {}

    def set(self, greeting: Any, level: str) -> None:
        if greeting is None:
            return
        if id(greeting) not in self._levels:
            weakref.finalize(greeting, self._levels.pop, id(greeting), None)
        self._levels[id(greeting)] = LOG_LEVELS.index(level)

    def admit(self, greeting: Any, level: str) -> bool:
        least = self._levels.get(id(greeting))
        return least is not None and LOG_LEVELS.index(level) >= least


class SdkCaller:
    """What both lines share.

    Args:
        session: The SDK's session of the request.
        request_id: Ties what is sent to the request.
    """

    def __init__(self, session: Any, request_id: Any, levels: LogLevels) -> None:
        self._session, self._request_id, self._levels = session, request_id, levels

    @property
    def _capabilities(self) -> Wire:
        greeting = self._session.client_params
        capabilities = getattr(self._session, "client_capabilities", None) or (greeting and greeting.capabilities)
        return capabilities.model_dump(by_alias=True, exclude_none=True) if capabilities else {}

    @property
    def answers_questions(self) -> bool:
        """A host that names no kind of question means forms: there was no other kind at first."""
        kinds = self._capabilities.get("elicitation")
        return kinds is not None and ("form" in kinds or "url" not in kinds)

    async def ask(self, question: Question) -> Mapping[str, Any]:
        try:
            answer = await self._session.elicit_form(question.text, question.schema, self._request_id)
        except (sdk_error, ValidationError) as error:  # the host cannot ask, or gives what is no answer
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


class Caller2x(SdkCaller):
    """Whoever has sent a request, by the SDK's line 2.x."""

    def __init__(self, context: Any, answers: Mapping[str, Any], levels: LogLevels) -> None:
        super().__init__(context.session, context.request_id, levels)
        self._is_of_old = context.protocol_version < WITHOUT_GREETING
        self._answers = answers

    @property
    def answers_questions(self) -> bool:
        return super().answers_questions and (not self._is_of_old or self._session.can_send_request)

    async def ask(self, question: Question) -> Mapping[str, Any]:
        if self._is_of_old:
            return await super().ask(question)
        if question.argument not in self._answers:
            raise QuestionError(question)
        answer: Mapping[str, Any] = self._answers[question.argument]
        return answer

    async def report(self, done: float, total: float | None, text: str) -> None:
        await self._session.report_progress(done, total, text)


class Caller1x(SdkCaller):
    """Whoever has sent a request, by the SDK's line 1.x."""

    def __init__(self, context: Any, levels: LogLevels) -> None:
        super().__init__(context.session, context.request_id, levels)
        self._token = context.meta.progressToken if context.meta is not None else None

    async def report(self, done: float, total: float | None, text: str) -> None:
        if self._token is not None:
            request_id = str(self._request_id)
            await self._session.send_progress_notification(self._token, done, total, text, request_id)

    def _wrap(self, notification: Any) -> Any:
        return sdk_types.ServerNotification(notification)
