"""Sessions of streamable HTTP: whose they are, and how many of them there may be. ``http_transports`` puts them before
the SDK, ``sessions`` keeps the count.
"""

import hmac
import secrets
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_server.http.connections import client_network
from mcp_server.http.middleware import problem
from mcp_server.http.refusals import Reason, Refusals
from mcp_server.http.sessions import UNUSED_SECONDS, NoPlaceError, Session, Sessions

NO_SESSION = PlainTextResponse("there is no such session", status_code=404)

SESSION_ID = "mcp-session-id"


def owner(scope: Scope) -> str:
    """Whose token came with a request; "" where none is asked for."""
    return getattr(scope.get("user"), "username", "")


def owner_or_network(scope: Scope) -> str:
    """Whom a request counts for: whose token came with it, else where it comes from."""
    return owner(scope) or client_network(scope["client"][0] if scope.get("client") else "")


class OwnSessionsOnly:
    """Lets only its owner into a session. The SDK does so itself from 1.28 on.

    Nothing is kept: a client gets the ID with a signature over it and the owner.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._key = app, secrets.token_bytes(32)

    def _signed(self, name: str, owner: str) -> str:
        return f"{name}.{hmac.digest(self._key, f'{name} {owner}'.encode(), 'sha256').hex()[:31]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        whose, given = owner(scope), Headers(scope=scope).get(SESSION_ID)
        if given is not None:
            name = given.partition(".")[0]
            if not hmac.compare_digest(self._signed(name, whose).encode(), given.encode()):
                await NO_SESSION(scope, receive, send)
                return
            scope = {**scope, "headers": list(scope["headers"])}
            MutableHeaders(scope=scope)[SESSION_ID] = name

        async def sign(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if SESSION_ID in headers:
                    headers[SESSION_ID] = self._signed(headers[SESSION_ID], whose)
            await send(message)

        await self._app(scope, receive, sign)


class CountedSessions:
    """Opens no more sessions than there may be, and ends those that nobody uses. The SDK has one limit for all.

    Args:
        opens: Whether a POST request that names no session opens one.
    """

    def __init__(self, app: ASGIApp, opens: Callable[[Scope], bool], sessions: Sessions, refusals: Refusals) -> None:
        self._app, self._opens, self._sessions, self._refusals = app, opens, sessions, refusals
        self._open: dict[str, Session] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = Headers(scope=scope).get(SESSION_ID)
        if name is None and scope["method"] == "POST" and self._opens(scope):
            await self._begin(scope, receive, send)
        elif name in self._open:
            await self._go_on(name, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _begin(self, scope: Scope, receive: Receive, send: Send) -> None:
        name: str | None = None

        async def close() -> None:
            if name is not None:
                self._open.pop(name, None)
                await self._delete(name, scope.get("user"))

        try:
            session = await self._sessions.open(owner_or_network(scope), close)
        except NoPlaceError as error:
            await no_place(error, "sessions", self._refusals)(scope, receive, send)
            return

        async def watch(message: Message) -> None:
            nonlocal name
            if message["type"] == "http.response.start" and message["status"] < 400:
                name = Headers(raw=message["headers"]).get(SESSION_ID)
                if name is not None:
                    self._open[name] = session
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            if name is None:
                self._sessions.forget(session)
            else:
                self._sessions.finish(session)

    async def _go_on(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        session, has_ended = self._open[name], False

        async def watch(message: Message) -> None:
            nonlocal has_ended
            if message["type"] == "http.response.start":
                status = message["status"]
                has_ended = status == 404 or (scope["method"] == "DELETE" and status < 400)
            await send(message)

        self._sessions.begin(session)
        try:
            await self._app(scope, receive, watch)
        finally:
            self._sessions.finish(session)
            if has_ended:
                self._open.pop(name, None)
                self._sessions.forget(session)

    async def _delete(self, name: str, user: object) -> None:
        """End a session in the way of its client."""

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_: Message) -> None:
            pass

        headers = [(b"host", b"localhost"), (SESSION_ID.encode(), name.encode())]
        place = {"type": "http", "http_version": "1.1", "scheme": "http", "path": "/", "query_string": b""}
        await self._app({**place, "method": "DELETE", "headers": headers, "user": user}, receive, send)


def no_place(error: NoPlaceError, reason: Reason, refusals: Refusals) -> Response:
    text = str(error)
    refusals.count(reason, text)
    seconds = int(UNUSED_SECONDS)
    if error.everybody:
        return problem(503, f"too_many_{reason}", text, retry_seconds=seconds)
    return problem(429, f"too_many_{reason}", text, retry_seconds=seconds)
