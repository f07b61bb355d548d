"""What happens to HTTP requests whatever they ask for: hosts and origins are checked, headers are trimmed, bodies are
bounded, and streams end when the server stops.
"""

from collections.abc import Collection, Sequence

import anyio
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_server.errors import quoted
from mcp_server.http.hosts_and_origins import canonical_host, canonical_origin, is_accepted
from mcp_server.http.refusals import Refusals

BODY_SECONDS = 30.0
"""How long a client may take to send the body of a request."""


def problem(status: int, error: str, description: str, retry_seconds: int | None = None) -> JSONResponse:
    """An error as OAuth and the SDK spell theirs."""
    headers = None if retry_seconds is None else {"Retry-After": str(retry_seconds)}
    return JSONResponse({"error": error, "error_description": description}, status_code=status, headers=headers)


TARGET_AUTHORITY = "recsys.target_authority"
"""In a scope: the host that a request names in its target as well (GET http://localhost/mcp), where it does."""


class KnownHostsOnly:
    """Answers only requests whose Host and Origin are accepted: 400, 421 and 403 otherwise. A web page could reach a
    server on its visitor's machine by a name of its own (DNS rebinding).

    What comes behind sees both in their canonical spelling.

    Args:
        open_paths: Are answered whatever the host is: orchestrators ask by address.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Sequence[str],
        origins: Sequence[str],
        open_paths: Collection[str],
        refusals: Refusals,
    ) -> None:
        self._app, self._hosts, self._origins = app, hosts, origins
        self._open_paths, self._refusals = open_paths, refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
            return
        checked = self._checked(scope)
        if isinstance(checked, JSONResponse):
            await checked(scope, receive, send)
        else:
            await self._app({**scope, "headers": checked}, receive, send)

    def _checked(self, scope: Scope) -> list[tuple[bytes, bytes]] | JSONResponse:
        """The headers for the application, or a refusal."""
        hosts, origins = (_values(scope, name) for name in (b"host", b"origin"))
        if len(hosts) != 1 or len(origins) > 1:
            return self._refuse(400, "bad_request", "a request has one Host header, and one Origin header at most")
        host = canonical_host(hosts[0])
        authority = scope.get(TARGET_AUTHORITY)
        if host is None or (authority is not None and canonical_host(authority) != host):
            other = "" if authority is None else f" for {quoted(authority)}"
            return self._refuse(400, "bad_request", f"{quoted(hosts[0])} is not the host of a request{other}")
        if not is_accepted(host, self._hosts):
            text = f"the server does not know itself as {quoted(hosts[0])}: RECSYS_ALLOWED_HOSTS names it where it may"
            return self._refuse(421, "unknown_host", text)
        origin = canonical_origin(origins[0]) if origins else None
        if origins and (origin is None or not is_accepted(origin, self._origins)):
            text = f"pages of {quoted(origins[0])} may not call: RECSYS_ALLOWED_ORIGINS names those that may"
            return self._refuse(403, "unknown_origin", text)
        canonical = {b"host": host.encode("ascii"), b"origin": (origin or "").encode("ascii")}
        return [(name, canonical.get(name, value)) for name, value in scope["headers"]]

    def _refuse(self, status: int, error: str, text: str) -> JSONResponse:
        self._refusals.count("host", text)
        return problem(status, error, text)


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.strip(b" \t").decode("latin-1") for each, value in scope["headers"] if each == name]


class TrimmedHeaders:
    """Takes blanks around the values of headers away, which are no part of them (RFC 9110, 5.5); httptools keeps those
    behind a value, and the SDK compares values with the body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
        await self._app({**scope, "headers": headers}, receive, send)


class BoundedBody:
    """Reads the body of a POST request before the application sees it, however it is sent, and answers 413 to one
    that is too long and 408 to one that does not come.
    """

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app, self._most_bytes = app, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body = bytearray()
        declared = Headers(scope=scope).get("content-length", "")
        too_long = declared.isdigit() and int(declared) > self._most_bytes
        with anyio.move_on_after(BODY_SECONDS) as patience:
            complete = too_long
            while not complete:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                body += message.get("body", b"")
                too_long = len(body) > self._most_bytes
                complete = too_long or not message.get("more_body", False)
        if patience.cancelled_caught:
            await problem(408, "request_timeout", f"the body did not come in {BODY_SECONDS:g} s")(scope, receive, send)
        elif too_long:
            text = f"the body of a request may have {self._most_bytes:,} bytes at most"
            await problem(413, "request_too_large", text)(scope, receive, send)
        else:
            await self._app(scope, Replayed(bytes(body), receive), send)


class Replayed:
    """Gives a body that has been read, and then whatever else comes."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class Answer:
    """What is sent in answer to a request, and how far that is."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = self._complete = False

    async def __call__(self, message: Message) -> None:
        await self._send(message)
        self.begun = True
        self._complete = message["type"] == "http.response.body" and not message.get("more_body", False)

    async def end(self) -> None:
        """End an answer that has begun: a client that sees its stream end properly knows that nothing is missing."""
        if self.begun and not self._complete:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


class OpenRequests:
    """Knows the requests that are being answered, and can end them.

    Streams of events last until their client leaves; a server that stops has to end them, and to end them well.
    """

    def __init__(self) -> None:
        self._open: set[anyio.CancelScope] = set()
        self._n_sending = 0

    @property
    def sending(self) -> bool:
        """Whether something is being sent to a client."""
        return self._n_sending > 0

    def end(self) -> None:
        for request in self._open:
            request.cancel()

    def watched(self, app: ASGIApp) -> ASGIApp:
        async def watched_app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            answer = Answer(send)

            async def watched_send(message: Message) -> None:
                self._n_sending += 1
                try:
                    await answer(message)
                finally:
                    self._n_sending -= 1

            with anyio.CancelScope() as request:
                self._open.add(request)
                try:
                    await app(scope, receive, watched_send)
                finally:
                    self._open.discard(request)
            if request.cancelled_caught:
                if answer.begun:
                    await answer.end()
                else:
                    await problem(503, "stopping", "the server is stopping")(scope, receive, send)

        return watched_app
