"""The page itself: it loads nothing from elsewhere, and a cookie gives every browser conversations of its own."""

import re
import uuid

from chainlit.auth.cookie import get_token_from_cookies, set_auth_cookie
from chainlit.auth.jwt import create_jwt, decode_jwt
from chainlit.server import get_html_template
from chainlit.user import User
from jwt import PyJWTError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

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

_LINKS_ELSEWHERE = re.compile(r'<link\b[^>]*href="https?://[^>]*>\s*')


class PageMiddleware:
    """Answers the request that a browser makes when a person opens an address; all others go to Chainlit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            request = Request(scope)
            if "text/html" in request.headers.get("accept", ""):
                await _page(request)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _page(request: Request) -> Response:
    """The page, with a cookie that identifies the browser from now on."""
    response = HTMLResponse(
        _LINKS_ELSEWHERE.sub("", get_html_template("")),
        headers={"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"},
    )
    visitor = User(identifier=_visitor(request) or str(uuid.uuid4()))
    set_auth_cookie(request, response, create_jwt(visitor))
    return response


def _visitor(request: Request) -> str | None:
    """The ID of a browser that has been here before."""
    token = get_token_from_cookies(request.cookies)
    if token is None:
        return None
    try:
        return decode_jwt(token).identifier
    except (PyJWTError, TypeError, KeyError):
        return None
