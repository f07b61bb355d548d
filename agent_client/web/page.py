"""The page itself: it loads nothing from elsewhere, and a cookie gives every browser conversations of its own."""

import hashlib
import secrets
from contextvars import ContextVar

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Chainlit compiles custom elements in the browser
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",  # an image from elsewhere in an answer could carry data out in its address
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "frame-src 'none'",  # cards are given as text, and can go nowhere with what they know
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'none'",
    )
)

COOKIE = "recsys_browser"  # Chainlit deletes those whose names begin as that of its own cookie

COOKIE_SECONDS = 365 * 24 * 3600
"""A browser keeps its conversations for this long after its last visit."""

BROWSER: ContextVar[str] = ContextVar("browser")
"""The ID of the browser whose request is being answered. Its cookie cannot be guessed from it."""

ADDRESS: ContextVar[str] = ContextVar("address")
"""The network address that the request came from."""


class PageMiddleware:
    """Tells browsers apart, and sends the page with a policy and a cookie."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        key = request.cookies.get(COOKIE) or secrets.token_urlsafe(32)
        BROWSER.set(hashlib.sha256(key.encode()).hexdigest())
        ADDRESS.set(request.client.host if request.client else "")

        async def send_page(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers["Content-Security-Policy"] = POLICY
                    headers["Referrer-Policy"] = "no-referrer"
                    headers["Cache-Control"] = "no-store"
                    headers.append("Set-Cookie", _cookie(key, secure=request.url.scheme == "https"))
            await send(message)

        await self._app(scope, receive, send_page)


def _cookie(key: str, secure: bool) -> str:
    response = Response()
    response.set_cookie(COOKIE, key, max_age=COOKIE_SECONDS, secure=secure, httponly=True, samesite="lax")
    return response.headers["Set-Cookie"]
