"""The page itself: it loads nothing from elsewhere but pictures of servers' cards, and a cookie gives every browser
conversations of its own.
"""

import hashlib
import secrets
import tomllib
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from pathlib import Path

from starlette.middleware.base import RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response

_SOURCES = tomllib.loads(Path(__file__).with_name("policy.toml").read_text("utf-8"))
POLICY = "; ".join(f"{directive} {sources}" for directive, sources in _SOURCES.items())

COOKIE = "recsys_browser"  # Chainlit deletes those whose names begin as that of its own cookie

COOKIE_SECONDS = 365 * 24 * 3600
"""A browser keeps its conversations for this long after its last visit."""

BROWSER: ContextVar[str] = ContextVar("browser")
"""The ID of the browser whose request is being answered. Its cookie cannot be guessed from it."""

ADDRESS: ContextVar[str] = ContextVar("address")
"""The network address that the request came from."""


async def send_page(
    request: Request, respond: RequestResponseEndpoint, pictures: Callable[[], Iterable[str]]
) -> Response:
    """Tell browsers apart, and send the page with a policy and a cookie, as Starlette's middleware.

    Args:
        pictures: Gives the places from which cards may load pictures.
    """
    key = request.cookies.get(COOKIE) or secrets.token_urlsafe(32)
    BROWSER.set(hashlib.sha256(key.encode()).hexdigest())
    ADDRESS.set(request.client.host if request.client else "")
    response = await respond(request)
    if response.headers.get("content-type", "").startswith("text/html"):
        response.headers["Content-Security-Policy"] = POLICY.format(pictures=" ".join(pictures()))
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, key, max_age=COOKIE_SECONDS, secure=secure, httponly=True, samesite="lax")
    return response
