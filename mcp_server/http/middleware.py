"""Responses whatever was asked for: their errors, their progress, and their end when the server stops."""

import anyio
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def problem(status: int, error: str, description: str, retry_seconds: int | None = None) -> JSONResponse:
    """An error response in the form that OAuth and the SDK use."""
    headers = None if retry_seconds is None else {"Retry-After": str(retry_seconds)}
    return JSONResponse({"error": error, "error_description": description}, status_code=status, headers=headers)


class TrackedResponse:
    """The response to a request, and how much of it has been sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = self._complete = False

    async def __call__(self, message: Message) -> None:
        await self._send(message)
        self.begun = True
        self._complete = message["type"] == "http.response.body" and not message.get("more_body", False)

    async def end(self) -> None:
        """End a response that has begun: a client that sees its stream end properly knows that nothing is missing."""
        if self.begun and not self._complete:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


class OpenRequests:
    """The requests that are being answered. Streams of events last until their client leaves; a server that stops has
    to end them, and to end them properly.
    """

    def __init__(self) -> None:
        self._open: set[anyio.CancelScope] = set()
        self._n_sending = 0

    @property
    def sending(self) -> bool:
        """True if something is being sent to a client."""
        return self._n_sending > 0

    def end(self) -> None:
        for request in self._open:
            request.cancel()

    def watched(self, app: ASGIApp) -> ASGIApp:
        async def watched_app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            response = TrackedResponse(send)

            async def watched_send(message: Message) -> None:
                self._n_sending += 1
                try:
                    await response(message)
                finally:
                    self._n_sending -= 1

            with anyio.CancelScope() as request:
                self._open.add(request)
                try:
                    await app(scope, receive, watched_send)
                finally:
                    self._open.discard(request)
            if request.cancelled_caught:
                if response.begun:
                    await response.end()
                else:
                    await problem(503, "stopping", "the server is stopping")(scope, receive, send)

        return watched_app
