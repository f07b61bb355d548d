"""`recsys-agent web`: the page in a browser. Starts Chainlit in a folder of the user's, and answers requests for the
page itself, so that it loads nothing from elsewhere and every browser has conversations of its own.
"""

import asyncio
import contextlib
import ipaddress
import json
import logging
import os
import re
import secrets
import shutil
import socket
import uuid
from collections.abc import Sequence
from functools import reduce
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from agent_client.choices import Choices
from agent_client.errors import AgentError
from agent_client.model_address import ModelAddress
from agent_client.state import STATE_VARIABLE, state_folder

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

FILES = Path(__file__).parent / "web"
"""Chainlit's configuration, and what the page is made of beside it."""

LANGUAGE = "en-US.json"

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Chainlit compiles custom elements in the browser
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",  # no images of an answer from elsewhere: their addresses could carry data out
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'none'",
    )
)

BOTS = ("SLACK_BOT_TOKEN", "DISCORD_BOT_TOKEN", "TEAMS_APP_ID", "DATABASE_URL", "LITERAL_API_KEY")
"""Variables by which Chainlit would start more than a page, or keep conversations elsewhere."""

_OUTSIDE = re.compile(r'<link\b[^>]*href="https?://[^>]*>\s*')


def run_web(choices: Choices, models: Sequence[ModelAddress], host: str, port: int) -> None:
    """Serve the page until the process is told to stop; this ends the process.

    Args:
        models: Which a person can choose from; the first one is chosen for them. Without any, that of the choices.
        port: 0 for any that is free.

    Raises:
        AgentError: The page cannot be served, or a server of the conversation cannot be used.
    """
    folder = _prepared_folder()
    _set_environment(folder)
    import chainlit.config
    import uvicorn
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from agent_client.web_app import WebApp, starters_of

    listening = _listen(host, port)
    starters = asyncio.run(starters_of(choices.servers))
    WebApp(choices, models or [choices.model], starters, folder).install()
    chainlit.config.config.run.headless = True  # no browser is opened
    logging.getLogger("chainlit").setLevel(logging.ERROR)

    from chainlit.server import app

    app.add_middleware(PageMiddleware)
    if _is_loopback(host):  # no other page may reach this one by a name that is made to mean this machine
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", "[::1]"])
    shown = f"[{host}]" if ":" in host else host
    print(f"recsys-agent: http://{shown}:{listening.getsockname()[1]} (Ctrl-C ends)", flush=True)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3)
    uvicorn.Server(config).run(sockets=[listening])


def _prepared_folder() -> Path:
    """Chainlit reads its configuration from a folder, and writes into the same."""
    folder = state_folder() / "web"
    settings = folder / ".chainlit"
    try:
        shutil.rmtree(settings, ignore_errors=True)  # with the translations of another version of Chainlit
        settings.mkdir(parents=True)
        shutil.copyfile(FILES / "config.toml", settings / "config.toml")
        _write_words(settings / "translations")
        shutil.copyfile(FILES / "chainlit.md", folder / "chainlit.md")
        shutil.rmtree(folder / "public", ignore_errors=True)
        shutil.copytree(FILES / "public", folder / "public")
    except OSError as error:
        raise AgentError(f"{folder} cannot be used ({error}): name another folder in {STATE_VARIABLE}") from error
    return folder


def _write_words(folder: Path) -> None:
    """Chainlit's English words, with those of words.json in their place; it adds its other languages itself."""
    chainlit = find_spec("chainlit")
    if chainlit is None or chainlit.origin is None:
        raise AgentError("the page needs more than is installed: pip install 'recsys-mcp[web]'")
    words = json.loads((Path(chainlit.origin).parent / "translations" / LANGUAGE).read_text(encoding="utf-8"))
    for path, word in json.loads((FILES / "words.json").read_text(encoding="utf-8")).items():
        *groups, name = path.split(".")
        reduce(dict.__getitem__, groups, words)[name] = word
    folder.mkdir()
    (folder / LANGUAGE).write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")


def _set_environment(folder: Path) -> None:
    """What Chainlit reads when it is imported."""
    for name in BOTS:
        os.environ.pop(name, None)
    os.environ["CHAINLIT_APP_ROOT"] = str(folder)
    os.environ["CHAINLIT_AUTH_SECRET"] = _secret(folder / "secret")
    os.environ["CHAINLIT_CUSTOM_AUTH"] = "true"  # by the cookie that comes with the page
    os.environ["CHAINLIT_AUTH_COOKIE_NAME"] = "recsys_agent"


def _secret(file: Path) -> str:
    """What cookies are signed with: kept, so that browsers are known again after a restart."""
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, secrets.token_urlsafe(48).encode())
        os.close(descriptor)
    return file.read_text(encoding="ascii")


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise AgentError(f"cannot listen on {host}, port {port}: {why}") from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class PageMiddleware:
    """Answers what browsers ask for when a person opens an address; all else is Chainlit's."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        from starlette.requests import Request

        if scope["type"] == "http" and scope["method"] == "GET":
            request = Request(scope)
            if "text/html" in request.headers.get("accept", ""):
                await _page(request)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _page(request: "Request") -> "Response":
    """The page, with a cookie by which the browser is known from now on."""
    from chainlit.auth.cookie import set_auth_cookie
    from chainlit.auth.jwt import create_jwt
    from chainlit.server import get_html_template
    from chainlit.user import User
    from starlette.responses import HTMLResponse

    response = HTMLResponse(
        _OUTSIDE.sub("", get_html_template("")),
        headers={"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"},
    )
    visitor = User(identifier=_visitor(request) or str(uuid.uuid4()))
    set_auth_cookie(request, response, create_jwt(visitor))
    return response


def _visitor(request: "Request") -> str | None:
    """Whose browser it is, if it has been here before."""
    from chainlit.auth.cookie import get_token_from_cookies
    from chainlit.auth.jwt import decode_jwt
    from jwt import PyJWTError

    token = get_token_from_cookies(request.cookies)
    if token is None:
        return None
    try:
        return decode_jwt(token).identifier
    except (PyJWTError, TypeError, KeyError):
        return None
